"""The cookies of `HttpUser`: requests' jar, asked only when its answer may differ from the last one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from requests.cookies import RequestsCookieJar, extract_cookies_to_jar, get_cookie_header, merge_cookies
from requests.models import PreparedRequest
from requests.structures import CaseInsensitiveDict

if TYPE_CHECKING:
    from collections.abc import Callable

KNOWN_MAX = 256


class Jar(RequestsCookieJar):
    """A jar that notices changes: between two, the Cookie line of a URL is always the same.

    Attributes:
        changes: how often a cookie was set or removed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.changes = 0
        self._known: dict[str, str | None] = {}
        self._known_at = -1
        self._expires_s = 0.0
        self._copy = RequestsCookieJar()
        self._set_before: Any = None
        super().__init__(*args, **kwargs)

    def set_cookie(self, cookie: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep a cookie."""
        self.changes += 1
        return super().set_cookie(cookie, *args, **kwargs)

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        """Forget cookies."""
        self.changes += 1
        super().clear(domain, path, name)

    @property
    def is_empty(self) -> bool:
        """Whether there is none; `len` would walk through all."""
        return not self._cookies  # type: ignore[attr-defined]

    def snapshot(self) -> RequestsCookieJar:
        """A copy, the same one until the next change: what requests merges for each request. Not to be changed."""
        if self._known_at != self.changes or len(self._known) > KNOWN_MAX or time.time() >= self._expires_s:
            self._known.clear()
            self._known_at = self.changes
            ends = [cookie.expires for cookie in self if cookie.expires is not None]
            self._expires_s = min(ends, default=float("inf"))
            self._copy = merge_cookies(RequestsCookieJar(), self)  # type: ignore[no-untyped-call]
        return self._copy

    def line_for(self, url: str) -> str | None:
        """The Cookie line of a request to a URL, whose own fields do not matter to it."""
        copy = self.snapshot()
        try:
            return self._known[url]
        except KeyError:
            request = PreparedRequest()
            request.url, request.headers = url, CaseInsensitiveDict()
            found: str | None = get_cookie_header(copy, request)  # type: ignore[no-untyped-call]
            self._known[url] = found
            return found

    def learn(self, url: str, lines: list[bytes], request: Callable[[], Any], said: Callable[[], Any]) -> None:
        """Keep the cookies that an answer sets; the same ones again are no news."""
        news = (url, tuple(lines), self.changes)
        if news == self._set_before:
            return
        extract_cookies_to_jar(self, request(), said())  # type: ignore[no-untyped-call]
        ages = any(b"expires" in line.lower() or b"max-age" in line.lower() for line in lines)
        self._set_before = None if ages else (url, tuple(lines), self.changes)
