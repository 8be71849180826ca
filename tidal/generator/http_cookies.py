"""The cookies of `HttpUser`: requests' jar, asked only when its answer may differ from the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.cookies import RequestsCookieJar, extract_cookies_to_jar, get_cookie_header, merge_cookies
from requests.models import PreparedRequest
from requests.structures import CaseInsensitiveDict

from tidal.generator.jars import NoticingJar

if TYPE_CHECKING:
    from collections.abc import Callable


class Jar(NoticingJar, RequestsCookieJar):  # type: ignore[misc]  # as requests' own is, of the same bases
    """The cookies of a session of `HttpUser`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._copy = RequestsCookieJar()
        super().__init__(*args, **kwargs)

    def snapshot(self) -> RequestsCookieJar:
        """A copy, the same one until the next change: what requests merges for each request. Not to be changed."""
        if self._is_old():
            self._forget()
            self._copy = merge_cookies(RequestsCookieJar(), self)  # type: ignore[no-untyped-call]
        return self._copy

    def line_for(self, url: str) -> str | None:
        """The Cookie line of a request to a URL, whose own fields do not matter to it."""
        copy = self.snapshot()
        try:
            found: str | None = self._known[url]
        except KeyError:
            request = PreparedRequest()
            request.url, request.headers = url, CaseInsensitiveDict()
            found = self._known[url] = get_cookie_header(copy, request)  # type: ignore[no-untyped-call]
        return found

    def learn(self, url: str, lines: list[bytes], request: Callable[[], Any], said: Callable[[], Any]) -> None:
        """Keep the cookies that an answer sets; the same ones again are no news."""
        if self._is_news(url, lines):
            extract_cookies_to_jar(self, request(), said())  # type: ignore[no-untyped-call]
            self._remember(url, lines)
