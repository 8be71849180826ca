"""Requests and responses as text, without what nobody else may read.

Passwords, tokens, keys and cookies are known by the names that they are sent under, in headers, query strings, forms,
JSON, markup and plain text, and by their looks (`Bearer …`, JSON web tokens, private keys). Names stay, values go:

    Cookie: session=[redacted]; theme=[redacted]        POST /login?token=[redacted]        {"password": "[redacted]"}

Rather too much than too little: a field `max_tokens` goes as well. What a user's own names and patterns say goes too.
Whatever comes in, something bounded comes out and nothing is raised. A terminal wants it through `text.clean` besides.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tidal.model.pattern import lazily

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = "[redacted]"
BODY_MAX = 4_096
"""Characters of a body that are looked at and shown, unless the caller says otherwise."""
TEXT_MAX = 2_000
HEADERS_MAX = 100
LOOK_MAX = 1_000
"""Characters by which text is told from other bytes."""
NAME_MAX = 200
KNOWN_MAX = 5_000

WHOLE_HEADERS = frozenset({"authorization", "proxy-authorization"})
COOKIE_HEADERS = frozenset({"cookie", "cookie2"})
SET_COOKIE_HEADERS = frozenset({"set-cookie", "set-cookie2"})

_PARTS = (
    *("password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "authkey"),
    *(
        "authorization",
        "credential",
        "session",
        "cookie",
        "csrf",
        "xsrf",
        "jwt",
        "cardnumber",
        "creditcard",
        "signature",
    ),
)
"""A name with one of these in it is a secret's, whatever else it says and however it is spelled."""
_WORDS = frozenset({"pwd", "pass", "pw", "auth", "sid", "sig", "pin", "otp", "cvv", "cvc", "cvv2", "iban", "ssn"})
"""A name that has one of these as a word of its own is one too: `user_pwd`, `X-Auth`, `userPin`."""

_WORD = lazily(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])")
_SCHEME = lazily(r"\s*([A-Za-z][\w-]{1,20})\s+(?=\S)")
_LOOKS = lazily(
    r"(?P<kept>\b(?:bearer|basic|negotiate)\s{1,4})[\w.~+/-]{8,}=*"  # what follows a scheme
    r"|\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}"  # a JSON web token
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
    r"|(?P<origin>\b[a-zA-Z][\w+.-]{1,20}://)[^/?#\s@\"'<>]{1,300}@",  # name and password in a URL
    re.IGNORECASE,
)
_PAIR = lazily(r"(?P<name>[^=&;#?\s]{1,200})=(?P<value>[^&;#\s]*)")
_FORM = lazily(r"[^\s=&<>\"]{1,200}=[^\s<>\"]*")
_FORM_PAIR = lazily(r"(?P<name>[^=&]{1,200})=(?P<value>[^&]*)")
_COOKIE_LINE = lazily(r"(?im)^((?:set-)?cookie2?:\s{0,4})[^\r\n]+")
_SAID = lazily(
    r"(?<![\w.-])(?P<name>[\w.-]{2,}+)(?P<between>\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?)(?P<value>[^\s\"'&,;<>{}\[\]\\]+)"
)
_JSON_TOKEN = lazily(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[{}\[\]:,]|[^\s"{}\[\]:,]+|\s+', re.DOTALL)
_ELEMENT = lazily(r"(?P<open><(?P<name>[\w:.-]{1,100})(?:\s[^<>]{0,1000})?>)(?P<value>[^<]+)")
_INPUT = lazily(r"<(?:input|meta)\b[^<>]{0,2000}", re.IGNORECASE)
_ATTRIBUTE = lazily(r"(?P<name>[\w-]{1,40})\s{0,4}=\s{0,4}(?P<quote>[\"']?)(?P<value>[^\"'<>]*)(?P=quote)")
_PART = lazily(
    r"(?P<head>;\s{0,4}name=\"?(?P<name>[^\"\r\n;]{1,200})\"?[^\r\n]{0,400}(?:\r?\n[^\r\n]{1,400}){0,8}\r?\n\r?\n)"
    r"(?P<value>.*?)(?=\r?\n--|\Z)",
    re.DOTALL,
)
_HEX = lazily(r"%([0-9a-fA-F]{2})")
_PLAIN = frozenset({"null", "true", "false", "None", "True", "False", "undefined"})
_BINARY = lazily(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffd]")


class Redactor:
    """Takes secrets out of text.

    Args:
        names: further names of headers and fields, in any case.
        patterns: further regular expressions: what matches goes, or only its first group where there is one.

    Raises:
        ValueError: a pattern is none.
    """

    def __init__(self, names: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        self._names = frozenset(_squeezed(name) for name in names)
        self._patterns = tuple(_compiled(pattern) for pattern in patterns)
        self._known: dict[str, bool] = {}

    @classmethod
    def of(cls, words: Iterable[str]) -> Redactor:
        """From words as an operator writes them: `/…/` is a pattern, anything else a name."""
        words = [word for word in words if word]
        patterns = [word[1:-1] for word in words if _is_pattern(word)]
        return cls([word for word in words if not _is_pattern(word)], patterns)

    def __repr__(self) -> str:
        return f"<Redactor with {len(self._names)} names, {len(self._patterns)} patterns of the user's>"

    def is_secret(self, name: str) -> bool:
        """Whether what goes by this name is nobody else's to read."""
        known = self._known.get(name)
        if known is None:
            known = self._judge(name)
            if len(self._known) < KNOWN_MAX and len(name) <= NAME_MAX:  # names may be made up without end
                self._known[name] = known
        return known

    def _judge(self, name: str) -> bool:
        squeezed = _squeezed(name)
        if squeezed in self._names or any(part in squeezed for part in _PARTS):
            return True
        return any(word.lower() in _WORDS for word in _WORD.findall(name))

    # ------------------------------------------------------------------ what a request is made of

    def headers(self, pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Header lines, the first hundred: schemes and the names of cookies stay."""
        kept: list[tuple[str, str]] = []
        for name, value in pairs:
            if len(kept) >= HEADERS_MAX:
                break
            kept.append((str(name)[:NAME_MAX], self.header(str(name), str(value))))
        return tuple(kept)

    def header(self, name: str, value: str, most: int = TEXT_MAX) -> str:
        """The value of one header."""
        value, lower = value[:most], name.lower().strip()
        if lower in COOKIE_HEADERS:
            return _cut("; ".join(_cookie(part) for part in value.split(";")), most)
        if lower in SET_COOKIE_HEADERS:
            first, *rest = value.split(";")
            return _cut(";".join([_cookie(first), *rest]), most)
        if lower in WHOLE_HEADERS or self.is_secret(name):
            scheme = _SCHEME.match(value) if lower in WHOLE_HEADERS else None
            return f"{scheme.group(1)} {MARK}" if scheme else MARK
        if lower in {"location", "referer", "origin", "content-location"}:
            return self.url(value, most)
        return self.text(value, most)

    def url(self, url: str, most: int = TEXT_MAX) -> str:
        """A URL: values of the query and the fragment by their names, and who is named before the host."""
        base, mark, query = url[:most].partition("?")
        if not mark:
            base, mark, query = base.partition("#")
        return _cut(self._loose(base) + mark + self._own(self._looks(_PAIR.sub(self._pair, query))), most)

    def body(self, content: str | bytes, content_type: str = "", most: int = BODY_MAX) -> str:
        """A body as text, at most so many characters of it: JSON, form, parts, markup or text, whole or cut off."""
        kind, text = content_type[:NAME_MAX].lower(), _text_of(content, most)
        if _is_binary(text[:LOOK_MAX]):
            return f"({len(content):,} bytes{f' of {kind}' if kind else ''})"
        rest = f" (of {len(content):,})" if len(text) > most else ""
        return _cut(self._loose(self._shaped(text[:most], kind)), most, rest)

    def text(self, text: str, most: int = TEXT_MAX) -> str:
        """Any text, such as the message of an error."""
        return _cut(self._loose(text[:most]), most)

    # ------------------------------------------------------------------ shapes of bodies

    def _shaped(self, text: str, kind: str) -> str:
        """The text with what its own form says is secret taken out."""
        start = text.lstrip()[:1]
        if "json" in kind or start in {"{", "["}:
            return self._json(text)
        if kind.startswith("multipart/") or (start == "-" and "form-data" in text):
            return _PART.sub(self._value, text)
        if "urlencoded" in kind or _FORM.fullmatch(text):
            return _FORM_PAIR.sub(self._pair, text)
        if start == "<":
            return _ELEMENT.sub(self._element, _INPUT.sub(self._input, text))
        return text

    def _json(self, text: str) -> str:
        """By its tokens, so that what is cut off or not quite JSON is read as well."""
        kept: list[str] = []
        last, depth = "", 0  # the last piece that was no space; how deep inside a secret we are
        armed = False  # a secret's name and its colon were read
        for piece in _JSON_TOKEN.findall(text):
            if depth:
                depth += (piece in {"{", "["}) - (piece in {"}", "]"})
            elif armed and not piece.isspace():
                armed = False
                depth = int(piece in {"{", "["})
                kept.append(_marked(piece))
            else:
                armed = armed or (piece == ":" and last.startswith('"') and self.is_secret(_unquoted(last)))
                kept.append(piece)
            last = last if piece.isspace() else piece
        return "".join(kept)

    def _pair(self, found: re.Match[str]) -> str:
        name, value = found["name"], found["value"]
        if not value or not self.is_secret(_decoded(name)):
            return found[0]
        return f"{name}={MARK}"

    def _value(self, found: re.Match[str]) -> str:
        return found["head"] + MARK if self.is_secret(found["name"]) else found[0]

    def _element(self, found: re.Match[str]) -> str:
        name = found["name"].rpartition(":")[2]
        is_secret = found["value"].strip() and self.is_secret(name)
        return found["open"] + MARK if is_secret else found[0]

    def _input(self, found: re.Match[str]) -> str:
        """`<input name="csrf" value="…">`: the value, when the name or the kind says so."""
        attributes = {a["name"].lower(): a["value"] for a in _ATTRIBUTE.finditer(found[0])}
        names = (attributes.get("name", ""), attributes.get("id", ""), attributes.get("type", ""))
        if not any(map(self.is_secret, names)):
            return found[0]
        hidden = ("value", "content")
        return _ATTRIBUTE.sub(lambda a: f'{a["name"]}="{MARK}"' if a["name"].lower() in hidden else a[0], found[0])

    # ------------------------------------------------------------------ any text

    def _loose(self, text: str) -> str:
        text = _COOKIE_LINE.sub(rf"\1{MARK}", self._looks(text))
        return self._own(_SAID.sub(self._said, text))

    def _looks(self, text: str) -> str:
        return _LOOKS.sub(_masked, text)

    def _said(self, found: re.Match[str]) -> str:
        if found["value"] in _PLAIN or not self.is_secret(found["name"]):
            return found[0]
        return found["name"] + found["between"] + MARK

    def _own(self, text: str) -> str:
        for pattern in self._patterns:
            text = pattern.sub(_without_group if pattern.groups else _all_of_it, text)
        return text


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None


def _is_pattern(word: str) -> bool:
    return len(word) > 2 and word.startswith("/") and word.endswith("/")


def _squeezed(name: str) -> str:
    """A name without what different spellings put between its words."""
    return re.sub(r"[\W_]+", "", name).lower()


def _masked(found: re.Match[str]) -> str:
    if found["origin"]:
        return f"{found['origin']}{MARK}@"
    return (found["kept"] or "") + MARK


def _all_of_it(found: re.Match[str]) -> str:
    return MARK if found[0] else ""


def _without_group(found: re.Match[str]) -> str:
    if not found[1]:
        return found[0]
    begin, end = found.span(1)
    return found[0][: begin - found.start()] + MARK + found[0][end - found.start() :]


def _cookie(part: str) -> str:
    name, equals, _ = part.strip().partition("=")
    return f"{name}={MARK}" if equals else MARK


def _marked(piece: str) -> str:
    """What stands for a value: null, true and false tell nothing."""
    return piece if piece in _PLAIN or piece in {"}", "]", ","} else f'"{MARK}"'


def _unquoted(text: str) -> str:
    """A name as JSON means it: letters may be written as escapes."""
    try:
        name = json.loads(text[:NAME_MAX] if len(text) <= NAME_MAX else text[: NAME_MAX - 1] + '"', strict=False)
    except ValueError:
        return text.strip('"')
    return name if isinstance(name, str) else text


def _decoded(name: str) -> str:
    """A name of a query: letters may be written in percent."""
    return _HEX.sub(lambda found: chr(int(found[1], 16)), name)


def _text_of(content: str | bytes, most: int) -> str:
    """So much of it as is looked at, and one character more where there is more."""
    if isinstance(content, str):
        return content[: most + 1]
    return bytes(content[: (most + 1) * 4]).decode("utf-8", "replace")[: most + 1]


def _is_binary(text: str) -> bool:
    return len(_BINARY.findall(text)) * 10 > len(text)


def _cut(text: str, most: int, rest: str = "") -> str:
    return text if len(text) <= most and not rest else f"{text[: most - 1]}…{rest}"


DEFAULT = Redactor()
"""The default rules alone."""
