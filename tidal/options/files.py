"""Which files `-f` means: one, several with commas between, all of a folder, or what is behind a URL."""

from __future__ import annotations

import ast
import atexit
import difflib
import os
import re
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tidal.errors import FileSyntaxError, NoSuchFile, UsageError
from tidal.model.files import URL_FOLDER
from tidal.paths import whole

DOWNLOAD_BYTES_MAX = 1 << 20
DOWNLOAD_S = 30.0
FILES_MAX = 500
FROM_MASTER = "-"
_ODD = re.compile(r"[^A-Za-z0-9_.]+")


def locustfiles(given: str) -> list[Path]:
    """The absolute paths of the locustfiles, in the order given, none twice.

    Raises:
        NoSuchFile: one is not there, or a folder holds none.
        FileSyntaxError: what a URL answered with is not Python.
        UsageError: `-`, which asks a master of Locust's for its file.
    """
    found: dict[Path, None] = {}
    for word in given.split(","):
        found |= dict.fromkeys(_meant(word.strip()))
    if len(found) > FILES_MAX:
        raise NoSuchFile(f"{given[:80]}: {len(found)} files are more than the {FILES_MAX} that a run may have")
    return list(found)


def _meant(word: str) -> list[Path]:
    if word == FROM_MASTER:
        raise UsageError("-f - asks Locust's master for its file; here: tidal worker, which gets it from the log")
    if is_url(word):
        return [download(word)]
    path = Path(word).expanduser()
    if path.is_dir():
        files = [whole(Path(at, name)) for at, _, names in os.walk(path) for name in names if _is_test(name)]
        if not files:
            raise NoSuchFile(f"Could not find any locustfiles in directory '{word}'")
        return sorted(files)
    if path.is_file() and path.suffix == ".py":
        return [whole(path)]
    raise NoSuchFile(f"Could not find '{word}'. {_hint(path)}")


def _is_test(name: str) -> bool:
    return name.endswith(".py") and not name.startswith("_")


def _hint(path: Path) -> str:
    """What may have been meant."""
    if path.is_file():
        return "Ensure your locustfile ends with '.py' or is a directory with locustfiles."
    there = [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, there, 3, 0.5)
    return f"There is {', '.join(near)}." if near else "Name a file that ends with '.py', or a directory, with -f."


def is_url(word: str) -> bool:
    """Whether it is an address of the web."""
    try:
        parts = urlsplit(word)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def download(url: str) -> Path:
    """Fetch a locustfile into a folder of its own, which goes when this process ends."""
    import urllib.error  # noqa: PLC0415 - of a file from the web alone
    import urllib.request  # noqa: PLC0415 - the same

    try:
        with urllib.request.urlopen(url, timeout=DOWNLOAD_S) as answer:  # noqa: S310 - is_url lets http(s) through alone
            data = answer.read(DOWNLOAD_BYTES_MAX + 1)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise NoSuchFile(f"Failed to get locustfile from: {url[:200]}. {error}") from None
    if len(data) > DOWNLOAD_BYTES_MAX:
        raise NoSuchFile(f"Failed to get locustfile from: {url[:200]}. It is larger than 1 MiB")
    try:
        ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FileSyntaxError(f"Failed to get locustfile from: {url[:200]}. It is not Python: {data[:100]!r}") from None
    folder = Path(tempfile.mkdtemp(prefix=URL_FOLDER))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / _file_name(url)
    path.write_bytes(data)
    return path


def _file_name(url: str) -> str:
    """The name at the end of the URL, as one that a module may have."""
    stem = _ODD.sub("_", urlsplit(url).path.rpartition("/")[2].removesuffix(".py")).strip("._")
    return f"{stem[:80] or 'locustfile'}.py"
