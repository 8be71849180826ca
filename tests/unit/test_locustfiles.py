"""Which files `-f` means, and what is behind a URL."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from tidal.errors import FileSyntaxError, NoSuchFile, UsageError
from tidal.options.files import DOWNLOAD_BYTES_MAX, is_url, locustfiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def touch(folder: Path, *names: str) -> None:
    """Make files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x = 1\n", encoding="utf8")


def test_files_with_commas_between(tmp_path: Path) -> None:
    """In the order given, none twice."""
    touch(tmp_path, "b.py", "a.py")
    given = f"{tmp_path}/b.py, {tmp_path}/a.py,{tmp_path}/b.py"
    assert [path.name for path in locustfiles(given)] == ["b.py", "a.py"]


def test_all_of_a_folder(tmp_path: Path) -> None:
    """Below it, too; not what begins with an underscore."""
    touch(tmp_path, "a.py", "_helper.py", "sub/b.py", "sub/__init__.py", "sub/data.csv")
    assert [path.relative_to(tmp_path).as_posix() for path in locustfiles(str(tmp_path))] == ["a.py", "sub/b.py"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("locusfile.py", "There is locustfile.py"),
        ("data.csv", "ends with '.py'"),
        ("empty", "any locustfiles in directory"),
        ("nowhere/x.py", "Could not find"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, name: str, says: str) -> None:
    """With what may have been meant."""
    touch(tmp_path, "locustfile.py", "data.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoSuchFile, match=says):
        locustfiles(str(tmp_path / name))


def test_a_masters_file_comes_from_the_log_here() -> None:
    """`-f -` names who does that."""
    with pytest.raises(UsageError, match="tidal worker"):
        locustfiles("-")


@contextmanager
def serving(body: bytes, status: int = 200) -> Iterator[str]:
    """A server of this machine that answers everything so; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("path", "name"),
    [("/my_test.py", "my_test.py"), ("/gist/raw", "raw.py"), ("/", "locustfile.py"), ("/a%20b-c.py", "a_20b_c.py")],
)
def test_a_url_is_fetched(path: str, name: str) -> None:
    """Into a folder of its own, under a name that a module may have."""
    with serving(b"from locust import User\n") as url:
        (file,) = locustfiles(url + path)
    assert (file.name, file.read_text()) == (name, "from locust import User\n")


@pytest.mark.parametrize(
    ("body", "status", "error", "says"),
    [
        (b"<html>", 200, FileSyntaxError, "It is not Python: b'<html>'"),
        (b"", 404, NoSuchFile, "404"),
        (b"#" * (DOWNLOAD_BYTES_MAX + 1), 200, NoSuchFile, "larger than 1 MiB"),
    ],
)
def test_a_url_that_has_no_locustfile(body: bytes, status: int, error: type[Exception], says: str) -> None:
    """Each with its reason."""
    with serving(body, status) as url, pytest.raises(error, match=says):
        locustfiles(f"{url}/x.py")


@pytest.mark.parametrize("word", ["file:///etc/passwd", "ftp://h/x.py", "http://", "x.py", "http://[bad"])
def test_only_the_web_is_fetched(word: str) -> None:
    """Nothing else is an address here."""
    assert not is_url(word)
