"""Words that cannot be meant: each is answered in one line that says what is wrong, before anything is begun."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tidal.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "from tidal import User, task\n\n\nclass Quiet(User):\n    @task\n    def rest(self):\n        pass\n"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Path]:
    """A folder with a little of everything, to be in."""
    (tmp_path / "dir").mkdir()
    (tmp_path / "l.py").write_text(FILE)
    (tmp_path / "text.txt").write_text("hello\n")
    (tmp_path / "bytes").write_bytes(b"\x00\x99\xff")
    with contextlib.chdir(tmp_path):
        yield tmp_path


RUN = ("run", "-f", "l.py")
CASES: list[tuple[tuple[str, ...], int, str]] = [
    (("new", ""), 2, "the file's name is empty"),
    (("new", "dir"), 2, "dir is a folder"),
    (("new", "~nobody-at-all/x.py"), 2, "cannot write ~nobody-at-all/x.py"),
    (("new", "-H", "http://", "x.py"), 2, "--host 'http://' names no host"),
    ((*RUN, "--config", "nope.conf"), 2, "cannot read --config nope.conf: No such file or directory"),
    ((*RUN, "--config", "dir"), 2, "cannot read --config dir: Is a directory"),
    ((*RUN, "--config", "bytes"), 2, "--config bytes is no text file"),
    ((*RUN, "--json", "dir"), 2, "cannot write dir: it is a folder"),
    ((*RUN, "--json", ""), 2, "a file needs a name"),
    ((*RUN, "--junit", "gone/x.xml"), 2, "cannot write gone/x.xml: there is no folder gone"),
    ((*RUN, "--summary", "dir"), 2, "cannot write dir: it is a folder"),
    ((*RUN, "--html", "dir"), 2, "cannot write dir: it is a folder"),
    (("locust", "-f", "l.py", "--config", "bytes"), 2, "bytes is no text file"),
    (("run", "-f", " ", "-t", "1"), 2, "-f is empty"),
    ((*RUN, "--config", "~nobody-at-all/x"), 2, "no user of this machine has that name"),
    ((*RUN, "--csv", ""), 2, "the files need a name to begin with"),
    ((*RUN, "--redis", ""), 2, "--redis is empty"),
    ((*RUN, "--redis", "redis://h/x"), 2, "there is no database 'x'"),
    (("report", "text.txt", "--md", "gone/x"), 2, "there is no folder gone"),
    (("report", "incident", "--csv", ""), 2, "the files need a name to begin with"),
    (("report", "incident", "--md", "/dev/full"), 56, "cannot write /dev/full: No space left"),
    (("export", "incident", "-o", ""), 2, "a file needs a name"),
    (("export", "incident", "-o", "dir"), 2, "it is a folder"),
    (("replay", "incident", "--salvage", ""), 2, "a file needs a name"),
    (("explain", "incident", "--between", "4m", "5m"), 2, "ended at 2:10: there is nothing from 4:00 on"),
    (("diff", "incident", "incident", "--without", "time=4m..5m"), 2, "there is nothing from 4:00 on"),
    (("log", "incident", "--where", "kind=nope"), 0, "entries fits"),
    (("runs", "nope"), 2, "'runs' takes a condition, such as 'file~shop', or note, tag"),
    (("diff", "a", "b", "--html", "dir"), 2, "it is a folder"),
    *(((name, ""), 30, "a run without a name") for name in ("replay", "explain", "export", "report", "log", "judge")),
    *(((name, "dir"), 30, "dir is a folder") for name in ("replay", "explain", "import")),
    (("import", ""), 30, "no archive file without a name"),
    (("--redsi", "x"), 2, "unknown flag --redsi: flags stand after a subcommand"),
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("words", "code", "says"), CASES, ids=[" ".join(words) for words, _, _ in CASES])
def test_nonsense_is_answered_in_one_line(
    words: tuple[str, ...], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the documented code, and nothing on standard output."""
    found = main(words)
    told = capsys.readouterr()
    assert (found, told.out) == (code, "")
    assert told.err.startswith("tidal: ")
    assert says in told.err
    assert "Traceback" not in told.err
