"""A user's cookies: the standard library's jar, asked only when its answer may differ from the last one."""

from __future__ import annotations

import time
from http.cookiejar import Cookie, CookieJar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidal.generator.fast_parse import AnswerParser
    from tidal.generator.fast_response import FastRequest

MEMORY_MAX = 256


class Jar(CookieJar):
    """A cookie jar that notices changes: between two, the Cookie header of a URL is always the same.

    Attributes:
        changes: how often a cookie was set or removed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.changes = 0
        self._known: dict[Any, str] = {}
        self._known_at = -1
        self._expires_s = 0.0
        self._set_before: tuple[Any, ...] | None = None
        super().__init__(*args, **kwargs)

    def set_cookie(self, cookie: Cookie) -> None:
        """Keep a cookie."""
        self.changes += 1
        super().set_cookie(cookie)

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        """Forget cookies."""
        self.changes += 1
        super().clear(domain, path, name)

    @property
    def is_empty(self) -> bool:
        """Whether there is none; `len` would walk through all."""
        return not self._cookies  # type: ignore[attr-defined]

    def header_for(self, request: FastRequest) -> str:
        """The Cookie header of a request; "" for none."""
        if self._known_at != self.changes or len(self._known) > MEMORY_MAX or time.time() >= self._expires_s:
            self._forget()
        place = (request.target.origin, request.target.path, request.unverifiable)
        header = self._known.get(place)
        if header is None:
            self.add_cookie_header(request)  # type: ignore[arg-type]  # it has what the jar asks for
            header = self._known[place] = request.take_cookie()
            if self._known_at != self.changes:  # an expired one was removed meanwhile
                self._forget()
        return header

    def _forget(self) -> None:
        self._known.clear()
        self._known_at = self.changes
        ends = [cookie.expires for cookie in self if cookie.expires is not None]
        self._expires_s = min(ends, default=float("inf"))

    def learn(self, answer: AnswerParser, response: Any, request: FastRequest) -> None:
        """Keep the cookies that an answer sets; the same ones again are no news."""
        lines = answer.cookies or []
        said = (request.target.origin, request.target.path, tuple(lines), self.changes)
        if said == self._set_before:
            return
        self.extract_cookies(response, request)  # type: ignore[arg-type]  # it has what the jar asks for
        ages = any(b"expires" in line.lower() or b"max-age" in line.lower() for line in lines)
        self._set_before = None if ages else (*said[:3], self.changes)
