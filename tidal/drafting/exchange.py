"""A request and its answer, as they were recorded."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from tidal.errors import BadRecording
from tidal.model.struct import Struct, field

Pairs = tuple[tuple[str, str], ...]

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_NOT_IN_HOST = re.compile(r"[^\w.:\[\]@!$&'()*+,;=%~-]")
BODY_MAX = 1 << 20
"""Characters of a body that a draft carries; of a longer one it says that it is left out."""


class Part(Struct, frozen=True):
    """A field of a multipart form; of a file only its name and kind are known."""

    name: str
    value: str = ""
    file_name: str = ""
    kind: str = ""


class Exchange(Struct, frozen=True):
    """One request with what came back; times are in ms since the recording began."""

    method: str
    url: str  # absolute, http or https, without a fragment
    headers: Pairs = ()
    body: str | bytes | None = None
    parts: tuple[Part, ...] = ()  # of a multipart form whose bytes were not recorded
    began_ms: int = 0
    ended_ms: int = 0
    page: str = ""
    kind: str = ""  # document, xhr, script …, when the recorder says so
    status: int = 0  # 0: no answer
    reply_headers: Pairs = ()
    reply_kind: str = ""  # its content type
    reply: str = ""  # its text, bounded
    credentials: tuple[str, str] | None = None  # basic authentication
    is_insecure: bool = False  # certificates are taken unseen

    @property
    def parts_of_url(self) -> SplitResult:
        """The URL, taken apart."""
        return urlsplit(self.url)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = self.parts_of_url
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()

    def header(self, name: str) -> str:
        """The value of a header that was sent; "" when it was not."""
        return header_of(self.headers, name)


def header_of(pairs: Pairs, name: str) -> str:
    """The first value of a header."""
    return next((value for known, value in pairs if known.lower() == name.lower()), "")


def is_token(text: str) -> bool:
    """Whether HTTP takes it as a method or as the name of a header."""
    return _TOKEN.fullmatch(text) is not None


def checked_method(text: str, place: str) -> str:
    """A method in capitals; BadRecording with the place for what is none."""
    if not is_token(text):
        raise BadRecording(f"{place} is not a method of HTTP")
    return text.upper()


def check_url(url: str, place: str) -> None:
    """BadRecording with the place for an absolute URL that leads nowhere."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it raises for a port that is none
    except ValueError as error:
        raise BadRecording(f"{place}: {error}") from None
    if not parts.hostname or _NOT_IN_HOST.search(parts.netloc):
        raise BadRecording(f"{place} has no host that could be one")


class Recording(Struct):
    """What was recorded, and what of it is left out: why, and how often."""

    exchanges: list[Exchange]
    source: str = ""
    left_out: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def leave_out(self, why: str) -> None:
        """Count something that is not in the draft."""
        self.left_out[why] = self.left_out.get(why, 0) + 1
