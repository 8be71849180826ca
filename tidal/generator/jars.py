"""What both clients' cookie jars do: they notice changes, and between two of them a URL has one Cookie line."""

from __future__ import annotations

import time
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

KNOWN_MAX = 256


class NoticingJar(CookieJar):
    """A jar that is asked only when its answer may differ from the last one.

    Attributes:
        changes: how often a cookie was set or removed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.changes = 0
        self._known: dict[Any, Any] = {}
        self._known_at = -1
        self._expires_s = 0.0
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

    def _is_old(self) -> bool:
        """Whether what is known of URLs may not be true any more."""
        return self._known_at != self.changes or len(self._known) > KNOWN_MAX or time.time() >= self._expires_s

    def _forget(self) -> None:
        self._known.clear()
        self._known_at = self.changes
        self._expires_s = min((cookie.expires for cookie in self if cookie.expires is not None), default=float("inf"))

    def _is_news(self, place: Any, lines: Sequence[bytes]) -> bool:
        """Whether lines that set cookies say anything but what they said last."""
        return self._set_before is None or self._set_before != (place, tuple(lines), self.changes)

    def _remember(self, place: Any, lines: Sequence[bytes]) -> None:
        """Such lines were obeyed; when a cookie ends is another moment each time."""
        ages = any(b"expires" in line.lower() or b"max-age" in line.lower() for line in lines)
        self._set_before = None if ages else (place, tuple(lines), self.changes)
