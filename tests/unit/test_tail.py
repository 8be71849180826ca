"""What user code logs and prints: read from files that grow, sorted, and harmless."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tidal.cli.tail import LogFile, Tail

if TYPE_CHECKING:
    from pathlib import Path

LOGGED = "[2026-11-24 00:30:12,123] host/INFO/root: logged"


def told(tail: Tail, *, all_of_it: bool = False) -> list[tuple[bool, str]]:
    """What is new."""
    return list(tail.lines(all_of_it=all_of_it))


def test_only_whole_lines_until_the_end(tmp_path: Path) -> None:
    """A line that is being written waits; at the end it is told as it is."""
    log = tmp_path / "r1-generators-7.log"
    tail = Tail(tmp_path, "r1")
    assert told(tail) == []
    log.write_bytes(b"one\ntw")
    assert told(tail) == [(False, "one")]
    with log.open("ab") as file:
        file.write(b"o\nthree")
    assert told(tail) == [(False, "two")]
    assert told(tail, all_of_it=True) == [(False, "three")]
    assert told(tail, all_of_it=True) == []


def test_a_log_that_was_emptied_is_read_on(tmp_path: Path) -> None:
    """It had grown too large: what comes after that is told."""
    log = tmp_path / "r1-generators-7.log"
    log.write_bytes(b"one\ntwo\nthree\n")
    tail = Tail(tmp_path, "r1")
    assert len(told(tail)) == 3
    log.write_bytes(b"")
    assert told(tail) == []
    log.write_bytes(b"four\n")
    assert told(tail) == [(False, "four")]


def test_every_process_of_the_run_and_no_other(tmp_path: Path) -> None:
    """Generators and the hook host; a file that comes later, too."""
    (tmp_path / "r1-hooks-1.log").write_text("hooks\n", encoding="utf8")
    (tmp_path / "r2-hooks-1.log").write_text("another\n", encoding="utf8")
    tail = Tail(tmp_path, "r1")
    assert told(tail) == [(False, "hooks")]
    (tmp_path / "r1-generators-2.log").write_text("late\n", encoding="utf8")
    assert told(tail) == [(False, "late")]


def test_logging_and_tracebacks_are_for_standard_error(tmp_path: Path) -> None:
    """A traceback ends with its exception; what is printed after it is printed."""
    lines = [
        LOGGED,
        "printed",
        "Traceback (most recent call last):",
        '  File "x.py", line 1, in <module>',
        "ValueError: odd",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        "KeyError: 1",
        "printed again",
    ]
    (tmp_path / "r1-generators-1.log").write_text("\n".join([*lines, ""]), encoding="utf8")
    found = [is_logging for is_logging, _ in told(Tail(tmp_path, "r1"))]
    assert found == [True, False, True, True, True, False, True, True, True, True, False]


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_become_harmless_lines(tmp_path_factory: object, data: bytes) -> None:
    """No control characters reach the terminal, and nothing fails."""
    folder: Path = tmp_path_factory.mktemp("tail")  # type: ignore[attr-defined]
    path = folder / "r1.log"
    path.write_bytes(data)
    log = LogFile(path)
    lines = [text for _, text in [*log.lines(), *log.lines(all_of_it=True)]]
    assert all(character.isprintable() or character == " " for line in lines for character in line)


def test_a_file_that_is_gone_says_nothing(tmp_path: Path) -> None:
    """Old logs are swept."""
    assert list(LogFile(tmp_path / "gone.log").lines()) == []
