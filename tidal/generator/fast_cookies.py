"""A user's cookies: the standard library's jar, asked only when its answer may differ from the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidal.generator.jars import NoticingJar

if TYPE_CHECKING:
    from tidal.generator.fast_parse import AnswerParser
    from tidal.generator.fast_response import FastRequest


class Jar(NoticingJar):
    """The cookies of a session of `FastHttpUser`."""

    def header_for(self, request: FastRequest) -> str:
        """The Cookie header of a request; "" for none."""
        if self._is_old():
            self._forget()
        place = (request.target.origin, request.target.path, request.unverifiable)
        header: str | None = self._known.get(place)
        if header is None:
            self.add_cookie_header(request)  # type: ignore[arg-type]  # it has what the jar asks for
            header = self._known[place] = request.take_cookie()
            if self._known_at != self.changes:  # an expired one was removed meanwhile
                self._forget()
        return header

    def learn(self, answer: AnswerParser, response: Any, request: FastRequest) -> None:
        """Keep the cookies that an answer sets; the same ones again are no news."""
        place, lines = (request.target.origin, request.target.path), answer.cookies or ()
        if self._is_news(place, lines):
            self.extract_cookies(response, request)  # type: ignore[arg-type]  # it has what the jar asks for
            self._remember(place, lines)
