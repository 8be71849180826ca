"""The master's line to its hook host, told as what the host says and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from tidal.hookline import HookLine
from tidal.model import events as ev
from tidal.model import phases
from tidal.model.codec import pack_message
from tidal.model.decide import HOOK_START_PATIENCE_MS, refusal
from tidal.model.pipe import Fired, Load, Loaded, NotLoaded
from tidal.model.state import LogHalf, State, WorkerRecord

if TYPE_CHECKING:
    from pathlib import Path

    from tidal.process import Child

EAR = 7
LOADED = Loaded((), hooks=("test_start",))


class ScriptedHost:
    """A host that says what it is given, and ends when it is stopped."""

    def __init__(self, *says: ev.Event) -> None:
        self.answers_fd, self.unsent, self.ended, self.is_stopped = EAR, 0, False, False
        self.says = [pack_message(word) for word in says]
        self.told: list[bytes] = []

    def receive(self) -> bytes:
        """The next of its words."""
        return self.says.pop(0) if self.says else b""

    def send(self, data: bytes) -> bool:
        """Hear."""
        self.told.append(data)
        return True

    def flush(self) -> bool:
        """Nothing is kept."""
        return True

    def poll(self) -> int | None:
        """Its exit code."""
        return 0 if self.is_stopped else None

    def stop(self, grace_s: float) -> int:
        """End."""
        del grace_s
        self.ended = self.is_stopped = True
        return 0


class Listened:
    """A line to such a host, with what the operator was told."""

    def __init__(self, tmp_path: Path, *says: ev.Event) -> None:
        self.host, self.notes = ScriptedHost(*says), list[tuple[str, str]]()
        worker = WorkerRecord("w1", "host-w1", "w1.1", "host", 100, 1, "ready", running=True)
        self.state = State(log=LogHalf(opened_ms=1, workers={"w1": worker}))
        self.line = HookLine(
            Load(str(tmp_path), "locustfile.py", ev.RunOptions()),
            tmp_path / "host.log",
            lambda level, text: self.notes.append((level, text)),
            new_host=lambda _log_path, _root: cast("Child", self.host),
        )

    def turn(self, now_ms: int) -> None:
        """The master's turn at a moment."""
        self.line.turn(self.state, now_ms, now_ms)


def test_who_rests_is_woken_by_a_host_that_is_listened_to(tmp_path: Path) -> None:
    """By none before it is started."""
    listened = Listened(tmp_path, LOADED)
    assert listened.line.ears == []
    listened.turn(0)
    assert (listened.line.ears, listened.line.is_there) == ([EAR], True)


def test_a_host_whose_file_does_not_load_wakes_nobody(tmp_path: Path) -> None:
    """It is stopped: nobody would read what it says or see its end, and a rest would be none."""
    listened = Listened(tmp_path, NotLoaded("FileImportError", "locustfile.py:3: no module named x"))
    listened.turn(0)
    assert (listened.line.ears, listened.line.is_there, listened.host.is_stopped) == ([], False, True)
    why = "the file does not load on the master's side: locustfile.py:3: no module named x"
    assert listened.notes == [("error", why)]


@pytest.mark.parametrize(("began_ms", "refused"), [(0, True), (5, False)])
def test_a_run_does_not_begin_without_the_listeners_that_may_judge_it(
    tmp_path: Path, began_ms: int, *, refused: bool
) -> None:
    """An `init` that raises on this side ends it as on a worker; a run that goes on is not ended by a new host's."""
    listened = Listened(tmp_path, NotLoaded("InitFailed", "a listener of init raised"))
    listened.state.log.phase = phases.RUNNING if began_ms else phases.WAITING
    listened.turn(0)
    why = "the file does not load on the master's side: a listener of init raised"
    assert list(listened.line.wishes) == ([refusal(listened.state.log, why, "InitFailed")] if refused else [])


def test_a_host_whose_listeners_do_not_return_is_given_up(tmp_path: Path) -> None:
    """After its time and not before; then it wakes nobody, and is not started again."""
    listened = Listened(tmp_path, LOADED)
    listened.turn(0)
    listened.turn(HOOK_START_PATIENCE_MS)
    assert (listened.line.ears, listened.host.is_stopped) == ([EAR], False)
    listened.turn(HOOK_START_PATIENCE_MS + 1)
    listened.turn(HOOK_START_PATIENCE_MS + 2)
    assert (listened.line.ears, listened.line.is_there, listened.host.is_stopped) == ([], False, True)
    assert [level for level, _ in listened.notes] == ["error"]


def test_what_it_said_before_it_was_given_up_counts(tmp_path: Path) -> None:
    """A listener's failure is written down all the same."""
    listened = Listened(tmp_path, LOADED, Fired("test_start", failed=1), NotLoaded("TidalError", "it left"))
    listened.turn(0)
    assert list(listened.line.wishes) == [ev.HookDone("test_start", 1, None)]
    assert listened.line.ears == []
