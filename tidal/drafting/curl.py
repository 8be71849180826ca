"""curl commands, as browsers copy them and documentation shows them, as exchanges.

The flags that make a request are understood, those that only tell curl how to print or connect are passed over, and any
other is refused by name. Nothing is read from files.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, quote_plus

from tidal.drafting.exchange import Exchange, Part, Recording, check_url, checked_method, is_token
from tidal.drafting.shellwords import commands
from tidal.errors import BadRecording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.drafting.exchange import Pairs

COMMANDS_MAX = 1_000
DATA_FLAGS = {
    "data": ("-d", "--data", "--data-ascii"),
    "raw": ("--data-raw",),
    "binary": ("--data-binary",),
    "urlencode": ("--data-urlencode",),
    "json": ("--json",),
}
PASSED_OVER = (
    *("-s", "--silent", "-S", "--show-error", "-v", "--verbose", "-i", "--include", "--compressed", "-L", "--location"),
    *("-f", "--fail", "--http1.0", "--http1.1", "--http2", "--http2-prior-knowledge", "--http3", "-N", "--no-buffer"),
    *("-#", "--progress-bar", "-g", "--globoff", "--no-keepalive", "-4", "--ipv4", "-6", "--ipv6", "--tcp-nodelay"),
    *("--path-as-is", "--raw", "--no-progress-meter", "--fail-with-body", "-O", "--remote-name", "-j", "--tlsv1.2"),
    *("--tlsv1.3", "--ssl-no-revoke"),
)
PASSED_OVER_WITH_VALUE = (
    *("-o", "--output", "-m", "--max-time", "--connect-timeout", "-w", "--write-out", "--retry", "--retry-delay"),
    *("--retry-max-time", "-c", "--cookie-jar", "--max-redirs", "--limit-rate", "--ciphers", "--resolve"),
    *("--keepalive-time", "-D", "--dump-header"),
)
FORM = "application/x-www-form-urlencoded"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say it in one line."""
        raise BadRecording(f"curl: {message}")


def read_curl(text: str) -> Recording:
    """The requests of one or more curl commands.

    Raises:
        BadRecording: it is no curl command, or one that cannot be understood without a shell or a file.
    """
    found = commands(text)
    if not found:
        raise BadRecording("no curl command: tidal import curl 'curl https://…'")
    if len(found) > COMMANDS_MAX:
        raise BadRecording(f"{len(found):,} commands are more than {COMMANDS_MAX:,}")
    return Recording([_exchange(words) for words in found], "curl")


def _exchange(words: Sequence[str]) -> Exchange:
    name, *rest = words
    if name.rpartition("/")[2] not in ("curl", "curl.exe"):
        raise BadRecording(f"{name[:40]!r} is no curl command")
    args, unknown = _parser().parse_known_intermixed_args(rest)
    if unknown:
        raise BadRecording(f"curl: {unknown[0][:40]} is not understood here: leave it out, or say it otherwise")
    urls = [*args.url_flag, *args.urls]
    if len(urls) != 1:
        raise BadRecording(f"curl: one URL is needed, and there are {len(urls)}")
    url, data = _url(urls[0]), _data(args.data)
    if args.get and data is not None:
        url, data = f"{url}{'&' if '?' in url else '?'}{data}", None
    is_json = any(kind == "json" for kind, _ in args.data)
    return Exchange(
        method=_method(args, has_body=data is not None or bool(args.form)),
        url=url,
        headers=_headers(args, "application/json" if is_json else FORM if data is not None else ""),
        body=data,
        parts=tuple(_part(text) for text in args.form),
        credentials=None if args.user is None else _credentials(args.user),
        is_insecure=args.insecure,
    )


def _parser() -> _Parser:
    parser = _Parser("curl", add_help=False, allow_abbrev=False)
    parser.add_argument("urls", nargs="*")
    parser.add_argument("--url", dest="url_flag", action="append", default=[])
    parser.add_argument("-X", "--request")
    parser.add_argument("-H", "--header", action="append", default=[])
    for kind, flags in DATA_FLAGS.items():
        parser.add_argument(*flags, dest="data", action=_Data, kind=kind, default=[])
    parser.add_argument("-F", "--form", "--form-string", action="append", default=[])
    parser.add_argument("-u", "--user")
    parser.add_argument("-b", "--cookie", action="append", default=[])
    parser.add_argument("-A", "--user-agent")
    parser.add_argument("-e", "--referer")
    parser.add_argument("-G", "--get", action="store_true")
    parser.add_argument("-I", "--head", action="store_true")
    parser.add_argument("-k", "--insecure", action="store_true")
    parser.add_argument(*PASSED_OVER, action="store_true", dest="passed")
    parser.add_argument(*PASSED_OVER_WITH_VALUE, dest="passed_value")
    return parser


class _Data(argparse.Action):
    """Keeps data of every kind in the order in which it was given."""

    def __init__(self, *names: Any, kind: str, **more: Any) -> None:
        super().__init__(*names, **more)
        self._kind = kind

    def __call__(self, _parser: object, namespace: argparse.Namespace, value: Any, _flag: str | None = None) -> None:
        """Add one."""
        namespace.data = [*namespace.data, (self._kind, value)]


def _url(text: str) -> str:
    """An absolute URL; without a scheme curl means http."""
    url = (text if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", text) else f"http://{text}").partition("#")[0]
    if not url.lower().startswith(("http://", "https://")):
        raise BadRecording(f"curl: {url.partition(':')[0][:20]} is not HTTP")
    check_url(url, f"curl: {url[:80]!r}")
    return re.sub(r"\s", lambda found: quote(found[0]), url)


def _method(args: argparse.Namespace, *, has_body: bool) -> str:
    method = args.request or ("HEAD" if args.head else "POST" if has_body else "GET")
    return checked_method(method, f"curl: {method[:20]!r}")


def _headers(args: argparse.Namespace, kind: str) -> Pairs:
    """Those that were given; curl's own content type where there is a body and none was said."""
    pairs = [_header(text) for text in args.header if not text.rstrip().endswith((":", ";")) and ":" in text]
    given = {name.lower() for name, _ in pairs}
    own = {
        "User-Agent": args.user_agent,
        "Referer": args.referer,
        "Cookie": "; ".join(args.cookie),
        "Content-Type": kind,
    }
    pairs += [(name, value) for name, value in own.items() if value and name.lower() not in given]
    if bad := next((name for name, _ in pairs if not is_token(name)), None):
        raise BadRecording(f"curl: {bad[:40]!r} is no name of a header")
    return tuple(pairs)


def _header(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name.strip(), re.sub(r"[\r\n\x00]+", " ", value.strip())


def _data(given: Sequence[tuple[str, str]]) -> str | None:
    """The body, as curl puts it together."""
    if not given:
        return None
    return "".join(_joined(number, kind, text) for number, (kind, text) in enumerate(given))


def _joined(number: int, kind: str, text: str) -> str:
    ampersand = "&" if number and kind != "json" else ""
    if kind == "raw":
        return ampersand + text
    if kind == "urlencode":
        return ampersand + _encoded(text)
    if text.startswith("@"):
        raise BadRecording(f"curl: the body is in the file {text[1:40]!r}: put its content there instead")
    return ampersand + (re.sub(r"[\r\n\x00]", "", text) if kind == "data" else text)


def _encoded(text: str) -> str:
    name, equals, value = text.partition("=")
    if "@" in name:
        raise BadRecording(f"curl: {text[:40]!r} is in a file: put its content there instead")
    return f"{name}{'=' if name else ''}{quote_plus(value)}" if equals else quote_plus(text)


def _part(text: str) -> Part:
    """A field of -F: `name=value`, or `name=@file;type=…`, whose content stays where it is."""
    name, equals, value = text.partition("=")
    if not equals:
        raise BadRecording(f"curl: -F {text[:40]!r} is not name=value")
    if not value.startswith(("@", "<")):
        return Part(name, value)
    file_name, _, options = value[1:].partition(";")
    kind = re.search(r"type=([\w/+.-]+)", options)
    return Part(name, "", file_name.rpartition("/")[2] or "file", kind[1] if kind else "")


def _credentials(user: str) -> tuple[str, str]:
    name, _, password = user.partition(":")
    return name, password
