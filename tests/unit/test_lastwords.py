"""What is said of a child that did not answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tidal.lastwords import (
    CLOSED_OURS,
    INVALID_FD,
    LAST_WORDS_BYTES,
    import_died,
    import_took_long,
    keep_small,
    last_words,
    why_it_died,
)
from tidal.process import Child, python_argv

STACKS = """Timeout (0:00:57)!
Thread 0x00007f1c (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 320 in wait

Thread 0x00007f2d (most recent call first):
  File "/usr/lib/python3.11/socket.py", line 706 in readinto
  File "/srv/tests/lib/tokens.py", line 12 in fetch
  File "/srv/tests/shop.py", line 3 in <module>
  File "/usr/lib/tidal/generator/loadfile.py", line 141 in import_file
"""


def test_an_import_without_an_end_is_found_in_the_users_own_files(tmp_path: Path) -> None:
    """The innermost line below the root, not that of the library which it waits in."""
    (log := tmp_path / "inspect.log").write_text(STACKS)
    root = tmp_path.__class__("/srv/tests")
    assert str(import_took_long(root, log)).endswith("took more than 60 s: it was at lib/tokens.py:12 in fetch")
    assert str(import_took_long(root / "lib", log)).endswith("it was at tokens.py:12 in fetch")


def test_a_log_that_grows_too_large_is_emptied(tmp_path: Path) -> None:
    """It says so, and who has it open to append to it goes on."""
    log = tmp_path / "generators.log"
    with log.open("ab") as writer:
        writer.write(b"x" * 1_000)
        writer.flush()
        assert not keep_small(log, 1_000)
        assert keep_small(log, 999)
        writer.write(b"more")
    said = log.read_bytes()
    assert said.startswith(b"[tidal] ")
    assert said.endswith(b"removed\nmore")
    assert not keep_small(tmp_path / "none.log")


def test_without_a_stack_there_is_no_line(tmp_path: Path) -> None:
    """Nothing is guessed."""
    assert str(import_took_long(tmp_path, tmp_path / "none.log")).endswith("took more than 60 s")


def _ended(script: str, log: Path) -> Child:
    child = Child([*python_argv("x")[:1], "-c", script], log)
    assert child.wait(30) is not None
    return child


def test_how_the_importing_process_died_is_said(tmp_path: Path) -> None:
    """With what it said last, if it said anything; a crash has left its stack, and its line is enough."""
    log = tmp_path / "inspect.log"
    assert str(import_died(_ended("import os; os._exit(7)", log), tmp_path, log)).endswith("died (exit code 7)")
    killed = _ended("import os; os.kill(os.getpid(), 9)", log)
    assert str(import_died(killed, tmp_path, log)).endswith("died (signal 9)")
    log.write_text("no memory left\n")
    assert str(import_died(killed, tmp_path, log)).endswith("died (signal 9): no memory left")
    log.write_text(f"Fatal Python error: Segmentation fault\n\n{STACKS}")
    assert str(import_died(killed, tmp_path.__class__("/srv/tests"), log)).endswith(
        "(signal 9) at lib/tokens.py:12 in fetch"
    )


def test_the_last_words_of_a_log(tmp_path: Path) -> None:
    """The end of a long log, and nothing for one that is not there."""
    log = tmp_path / "a.log"
    assert last_words(log) == ""
    log.write_bytes(b"x" * 10_000 + b"\xff the end\n")
    assert last_words(log).endswith("the end")
    assert len(last_words(log)) <= LAST_WORDS_BYTES


def test_only_a_crash_leaves_a_place(tmp_path: Path) -> None:
    """A process that was killed, or ended by itself, has left no stack: that in the log is another's."""
    (log := tmp_path / "generators.log").write_text(STACKS)
    root = tmp_path.__class__("/srv/tests")
    assert why_it_died(-11, root, log) == "signal 11 at lib/tokens.py:12 in fetch"
    assert [why_it_died(code, root, log) for code in (-9, 0, 1)] == ["signal 9", "exit code 0", "exit code 1"]


def test_a_loop_that_ended_for_a_closed_descriptor_is_told_plainly(tmp_path: Path) -> None:
    """No signal number says that user code closed what is not its own."""
    (log := tmp_path / "generators.log").write_text(f'Assertion `("{INVALID_FD} found in epoll_ctl" failed.\n{STACKS}')
    assert why_it_died(-6, tmp_path, log) == CLOSED_OURS
    assert why_it_died(-9, tmp_path, log) == "signal 9"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a disk that is always full")
def test_a_line_that_nobody_can_write_is_no_error() -> None:
    """On a full disk the process lives on."""
    script = (
        "import sys; from tidal.lastwords import to_stderr; to_stderr('x'); sys.stderr = None; print(1, flush=True)"
    )
    argv = [sys.executable, "-c", script]
    with Path("/dev/full").open("w", encoding="ascii") as full:
        said = subprocess.run(argv, stderr=full, stdout=subprocess.PIPE, timeout=60, check=False)
    assert said.stdout == b"1\n"
