"""Where Redis is and how one gets in: one URL, made whole from what flags, variables and files say beside it.

    rediss://worker@redis.example:6380/0          what is said: no password, no paths
    + password   --redis-password-file · TIDAL_REDIS_PASSWORD · TIDAL_REDIS_PASSWORD_FILE
    + TLS        --redis-ca · --redis-cert · --redis-key, or TIDAL_REDIS_CA · …_CERT · …_KEY
    = rediss://worker:PASSWORD@redis.example:6380/0?ssl_ca_certs=…&ssl_certfile=…&ssl_keyfile=…

The whole URL travels on pipes and in the registry of local runs (0600), never in an argv; `mask` is what may be shown.
What the URL says itself counts most, then flags, then variables. Mistakes in files are found here, before anybody
connects, for what TLS libraries say of them helps nobody.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from tidal.errors import UsageError
from tidal.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

URL = "TIDAL_REDIS_URL"
PASSWORD = "TIDAL_REDIS_PASSWORD"  # noqa: S105 - the name of a variable
PASSWORD_FILE = "TIDAL_REDIS_PASSWORD_FILE"  # noqa: S105 - the same
TLS = {
    "ssl_ca_certs": ("--redis-ca", "TIDAL_REDIS_CA"),
    "ssl_certfile": ("--redis-cert", "TIDAL_REDIS_CERT"),
    "ssl_keyfile": ("--redis-key", "TIDAL_REDIS_KEY"),
}
"""The parameter of the URL, the flag and the variable of each file that TLS may need."""
VARIABLES = (URL, PASSWORD, PASSWORD_FILE, *(variable for _, variable in TLS.values()))
"""What is taken out of the environment of children: user code has no business with it."""
PASSWORD_BYTES_MAX = 4_096
SCHEMES = ("redis://", "rediss://", "unix://")
MANY = tuple(f"{scheme}+{kind}://" for scheme in ("redis", "rediss") for kind in ("sentinel", "cluster"))
"""Schemes with several hosts."""
_USER = re.compile(r"([\w.-]+):")
_SECRET = re.compile(r"([?&][^=&]*(?:password|secret|token)[^=&]*=)[^&]*", re.IGNORECASE)
_SHOWN_NOT = re.compile(r"(?<=[?&])(?:ssl_ca_certs|ssl_certfile|ssl_keyfile)=[^&]*&?")


def whole(url: str, environ: Mapping[str, str], flags: Mapping[str, str | None] | None = None) -> str:
    """The URL with the password and the files of TLS that are said beside it.

    Args:
        url: as it was given.
        environ: the variables.
        flags: what was given, by the flag.

    Raises:
        UsageError: the URL, or a file that it needs, will not do.
    """
    check(url)
    said = flags or {}
    return _with_tls(_with_password(url, environ, said), environ, said)


def check(url: str) -> None:
    """UsageError for what is no URL of a Redis; no part of a password is in its message."""
    is_torn = "@" in url.partition("://")[2].partition("/")[2] and not url.startswith("unix")
    if is_torn:
        raise UsageError(f"{mask(url)}: a password in a URL has / # ? and @ as %2F %23 %3F and %40; better: {PASSWORD}")
    try:
        parts = urlsplit(url)
        is_one = bool(url.startswith(MANY) and parts.netloc) or (url.startswith(SCHEMES) and (parts.port or 1) > 0)
    except ValueError:
        is_one = False
    if not is_one:
        raise UsageError(
            f"{mask(url)} is not the URL of a Redis: redis://HOST:PORT, rediss://HOST:PORT, unix:///PATH, "
            "redis+sentinel://HOST:PORT,HOST:PORT/SERVICE or redis+cluster://HOST:PORT,HOST:PORT"
        )
    if (wrong := _wrong_database(url)) is not None:
        only = "a cluster has 0 alone" if "+cluster:" in url else "it is a number, as in redis://HOST:PORT/0"
        raise UsageError(f"{mask(url)}: there is no database {clean(wrong, 40)!r}: {only}")


def _wrong_database(url: str) -> str | None:
    """What stands where the number of a database belongs and is none; redis-py would take 0 without a word."""
    parts = urlsplit(url)
    said = parse_qs(parts.query).get("db", [])
    if not url.startswith("unix") and "+sentinel:" not in url:  # their paths are something else
        said.append(parts.path.strip("/") + ("#" * bool(parts.fragment)) + parts.fragment)
    known = re.compile("0?" if "+cluster:" in url else "[0-9]{0,6}")
    return next((word for word in said if not known.fullmatch(word)), None)


def has_password(url: str) -> bool:
    """Whether the URL itself holds one."""
    parts = urlsplit(url)
    return bool(parts.password) or "password" in parse_qs(parts.query)


def mask(url: str) -> str:
    """The URL with everything secret starred out, and without the paths of certificates, for logs and screens."""
    scheme, found, rest = url.partition("://")
    if not found:
        scheme, rest = "", url
    login, at, place = rest.rpartition("@")  # the last @: a password may hold one, unescaped by mistake
    user = _USER.match(login)
    shown = f"{user.group(1) if user else ''}:***@" if at else ""
    place = _SECRET.sub(r"\1***", place)
    return clean(f"{scheme}{found}{shown}{_SHOWN_NOT.sub('', place).rstrip('?&')}")


# ------------------------------------------------------------------ the password


def _with_password(url: str, environ: Mapping[str, str], flags: Mapping[str, str | None]) -> str:
    file = flags.get("--redis-password-file")
    if has_password(url):
        if file:
            raise UsageError("the password is said twice: in the URL and by --redis-password-file")
        return url
    password = _password(file, environ)
    if not password:
        return url
    scheme, _, rest = url.partition("://")
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, _, host = place.rpartition("@")
    name = user.removesuffix(":")
    return f"{scheme}://{name}:{quote(password, safe='')}@{host}{rest[len(place) :]}"


def _password(file: str | None, environ: Mapping[str, str]) -> str:
    if file:
        return secret_in(file, "--redis-password-file")
    if password := environ.get(PASSWORD):
        return password
    return secret_in(environ[PASSWORD_FILE], PASSWORD_FILE) if environ.get(PASSWORD_FILE) else ""


def secret_in(file: str, what: str) -> str:
    """The first line of a file, without blanks around it; UsageError when there is none."""
    try:
        with Path(file).expanduser().open("rb") as opened:
            lines = opened.read(PASSWORD_BYTES_MAX).decode("utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"{what}: cannot read {clean(file)}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{what}: {clean(file)} is no text") from None
    secret = lines[0].strip() if lines else ""
    if not secret:
        raise UsageError(f"{what}: the first line of {clean(file)} is empty")
    return secret


# ------------------------------------------------------------------ TLS


def _with_tls(url: str, environ: Mapping[str, str], flags: Mapping[str, str | None]) -> str:
    said = parse_qs(urlsplit(url).query)
    named: dict[str, str] = {}  # parameter → what the path was said by
    added: dict[str, str] = {}
    for parameter, (flag, variable) in TLS.items():
        path = flags.get(flag) or environ.get(variable)
        if parameter in said:
            named[parameter] = parameter
        elif path:
            named[parameter] = flag if flags.get(flag) else variable
            added[parameter] = str(Path(path).expanduser().absolute())  # children have other working folders
    if not named:
        return url
    if not url.startswith("rediss"):
        by = next(iter(named.values()))
        raise UsageError(f"{by} is said, but {mask(url)} is no TLS: write rediss://, or leave {by} away")
    files = {parameter: said[parameter][0] if parameter in said else added[parameter] for parameter in named}
    _check_files(files, named, said.get("ssl_password", [""])[0])
    joint = "&" if urlsplit(url).query else "?"
    return url + (joint + urlencode(added) if added else "")


def _check_files(files: Mapping[str, str], named: Mapping[str, str], pass_phrase: str) -> None:
    """UsageError for a file that is not there, or holds something else."""
    for parameter, file in files.items():
        try:
            Path(file).open("rb").close()
        except OSError as error:
            raise UsageError(f"{named[parameter]}: cannot read {clean(file)}: {error.strerror}") from None
    import ssl  # noqa: PLC0415 - of a URL with TLS alone, and not before a fork has patched it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca, cert, key = (files.get(parameter) for parameter in TLS)
    if key and not cert:
        raise UsageError(f"{named['ssl_keyfile']} is the key of a certificate: give that, too, with --redis-cert")
    try:
        if ca:
            context.load_verify_locations(ca)
    except ssl.SSLError:
        raise UsageError(f"{named['ssl_ca_certs']}: {clean(ca or '')} holds no certificate (PEM)") from None
    try:
        if cert:
            context.load_cert_chain(cert, key, password=lambda: pass_phrase)
    except (ssl.SSLError, ValueError) as error:
        raise UsageError(f"{named['ssl_certfile']}: {_pair(error, cert or '', key or cert or '')}") from None


def _pair(error: Exception, cert: str, key: str) -> str:
    if "KEY_VALUES_MISMATCH" in str(error):
        return f"the key {clean(key)} is not that of the certificate {clean(cert)}"
    return f"{clean(cert)} and {clean(key)} are not a certificate and its key (PEM, the key without a pass phrase)"


_TLS_SAID = (
    (r"(?:ostname|IP address) mismatch", "Its certificate is made out to another name: use a host name that it holds"),
    (r"has expired|not yet valid", "Renew the server's certificate, or look at this machine's clock"),
    (r"CERTIFICATE_VERIFY_FAILED", "Its certificate is of a CA that is not known here: {ca} names the right one"),
    (
        r"EOF occurred|ALERT|reset by peer|closed by server",
        "It seems to want a client certificate of its own CA: {cert}",
    ),
    (r"WRONG_VERSION_NUMBER|timeout|timed out", "Does it speak TLS there? If it does not, write redis://"),
)
"""What TLS libraries say when one cannot get in, and what to do about it."""


def advice(said: str, url: str) -> str:
    """What to do about an error of connecting that TLS has to do with; "" for any other."""
    if url.startswith("redis://"):
        is_closed = re.search("reset by peer|closed by server", said, re.IGNORECASE)
        return "Does it speak TLS there? Then write rediss://" if is_closed else ""
    words = {"ca": " or ".join(TLS["ssl_ca_certs"]), "cert": "--redis-cert and --redis-key, or the variables"}
    found = (text for pattern, text in _TLS_SAID if re.search(pattern, said, re.IGNORECASE))
    return next(found, "").format(**words) if url.startswith("rediss://") else ""
