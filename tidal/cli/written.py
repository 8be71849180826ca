"""Files that tidal writes for a user: never over one that is there."""

from __future__ import annotations

from pathlib import Path

from tidal.errors import UsageError, cannot_write


def write_new(name: str, text: str, *, may_replace: bool = False) -> Path:
    """Write a file; UsageError when it is there already, or cannot be written."""
    if not name:
        raise UsageError("the file's name is empty: say where to write, such as locustfile.py")
    try:
        path = Path(name).expanduser()
    except RuntimeError as error:  # ~nobody: no such user
        raise UsageError(f"cannot write {name}: {error}") from None
    if path.is_dir():
        raise UsageError(f"{name} is a folder: name a file in it")
    try:
        with path.open("w" if may_replace else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{name} is there already: name another file, or move it away") from None
    except OSError as error:
        raise cannot_write(name, error) from None
    return path


def checked_host(host: str) -> str:
    """A base URL without a slash at its end; UsageError for what is none."""
    if host and not host.lower().startswith(("http://", "https://")):
        raise UsageError(f"--host {host!r} begins with neither http:// nor https://")
    if host and not host.partition("://")[2].strip("/"):
        raise UsageError(f"--host {host!r} names no host: say http://HOST or http://HOST:PORT")
    return host.rstrip("/")
