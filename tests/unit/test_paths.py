"""Folders, the registry of local runs and its locks."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from tidal import paths
from tidal.errors import NoSuchRun, UsageError
from tidal.paths import LocalRun, Registration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    """A TIDAL_HOME of the test's own."""
    before = os.environ.get("TIDAL_HOME")
    os.environ["TIDAL_HOME"] = str(tmp_path / "home")
    yield tmp_path / "home"
    if before is None:
        del os.environ["TIDAL_HOME"]
    else:
        os.environ["TIDAL_HOME"] = before


def run_of(name: str, opened_ms: int = 1_000, **more: object) -> LocalRun:
    """An entry with the fields that do not matter filled in."""
    fields = {"redis_url": "unix://:secret@/tmp/s", "supervisor_pid": os.getpid(), **more}
    return LocalRun(name, "/tmp/locustfile.py", opened_ms, **fields)  # type: ignore[arg-type]  # noqa: S108


def mode(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_is_below_tidal_home(home: Path) -> None:
    """TIDAL_HOME moves all of it, and only the owner may look."""
    folders = [paths.data_dir(), paths.state_dir(), paths.runs_dir(), paths.logs_dir(), paths.servers_dir()]
    assert all(folder.is_relative_to(home) and mode(folder) == 0o700 for folder in folders)
    assert paths.archive_path("r42") == home / "runs" / "r42.tidal"


def test_a_relative_home_is_made_absolute() -> None:
    """Children with another working folder find the same files."""
    os.environ["TIDAL_HOME"] = os.path.relpath(os.environ["TIDAL_HOME"])
    assert paths.data_dir().is_absolute()


def test_a_home_that_cannot_be_used_is_named(home: Path) -> None:
    """A file where the folder belongs is the operator's to move."""
    home.write_text("in the way")
    with pytest.raises(UsageError, match=r"cannot use the folder .*home.*TIDAL_HOME"):
        paths.runs_dir()


@pytest.mark.parametrize("run", ["", "../x", "a/b", ".hidden", "x" * 101, "a\0b", "a\n"])
def test_an_id_that_is_no_file_name_is_no_run(run: str) -> None:
    """Ids come from command lines and must not reach outside their folder."""
    with pytest.raises(NoSuchRun):
        paths.archive_path(run)
    with pytest.raises(NoSuchRun):
        Registration(run_of(run))


def test_a_registration_is_read_back() -> None:
    """The entry holds a password: only its owner reads it. Its lock says that the supervisor lives."""
    registration = Registration(run_of("r1"))
    assert paths.local_run("r1") == run_of("r1")
    assert paths.local_runs() == [run_of("r1")]
    assert run_of("r1").is_alive
    assert mode(paths.state_dir() / "local" / "r1.json") == 0o600
    registration.end("closed", 2_000)
    note = paths.local_run("r1")
    assert note is not None
    assert (note.redis_url, note.supervisor_pid, note.closed_ms, note.ended) == ("", 0, 2_000, "closed")
    assert not note.is_alive


def test_the_url_of_a_redis_that_stays_is_kept() -> None:
    """A run in the operator's own Redis can be looked at later."""
    Registration(run_of("r1", embedded=False)).end("closed", 2_000)
    note = paths.local_run("r1")
    assert note is not None
    assert note.redis_url == "unix://:***@/tmp/s"


def test_one_run_has_one_supervisor() -> None:
    """The second one is refused while the first lives."""
    first = Registration(run_of("r1"))
    with pytest.raises(UsageError, match="r1"):
        Registration(run_of("r1"))
    first.end("closed", 2_000)
    Registration(run_of("r1")).end("closed", 3_000)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"run": 1}', '{"run": "other", "file": "f", "opened_ms": 1}', "\0", "[" * 100_000],
)
def test_files_that_are_no_entries_are_passed_over(text: str) -> None:
    """Torn, foreign and newer files do not hide the good ones."""
    registration = Registration(run_of("good"))
    (paths.state_dir() / "local" / "bad.json").write_text(text)
    (paths.state_dir() / "local" / "newer.json").write_text(
        json.dumps({"run": "newer", "file": "f", "opened_ms": 9_000, "of_tomorrow": True})
    )
    assert [entry.run for entry in paths.local_runs()] == ["newer", "good"]
    assert paths.local_run("bad") is None
    registration.end("closed", 1)


def test_a_killed_supervisor_is_noted() -> None:
    """Its lock is free though its entry says that it lives; its URL goes, for its server is gone too."""
    Registration(run_of("dead")).end("closed", 1)
    (paths.state_dir() / "local" / "dead.json").write_text(json.dumps({
        "run": "dead", "file": "f", "opened_ms": 1, "redis_url": "unix://x", "supervisor_pid": 1,
    }))  # fmt: skip
    alive = Registration(run_of("alive"))
    paths.tidy_registry()
    dead = paths.local_run("dead")
    assert dead is not None
    assert (dead.ended, dead.redis_url) == ("the supervisor was killed", "")
    assert paths.local_run("alive") == run_of("alive")
    alive.end("closed", 1)


def test_only_the_latest_notes_are_kept() -> None:
    """The registry does not grow for ever."""
    for n in range(paths.NOTES_MAX + 5):
        Registration(run_of(f"r{n}", opened_ms=n)).end("closed", n)
    paths.tidy_registry()
    kept = paths.local_runs()
    assert len(kept) == paths.NOTES_MAX
    assert kept[-1].run == "r5"


def test_replacing_a_file_leaves_no_draft(home: Path) -> None:
    """A draft of a killed writer with our pid is in nobody's way."""
    target = paths.data_dir() / "file"
    (home / f".file.{os.getpid()}").write_text("torn")
    paths.write_atomically(target, b"one")
    paths.write_atomically(target, b"two")
    assert target.read_bytes() == b"two"
    assert [path.name for path in home.iterdir()] == ["file"]


def test_old_logs_go(home: Path) -> None:
    """A month after they were last written to."""
    old, young = paths.logs_dir() / "old", paths.logs_dir() / "young.log"
    old.mkdir()
    (old / "master.log").write_text("long ago")
    young.write_text("now")
    now_s = young.stat().st_mtime
    os.utime(old, (0, 0))
    paths.tidy_logs(now_s)
    assert [path.name for path in paths.logs_dir().iterdir()] == ["young.log"]
