"""What a launch is told and what it answers with."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tidal.errors import FleetBusy, NoHost, TidalError
from tidal.launch import Launched, LaunchSpec, error_named, stopped_by_ctrl_c, tell_supervisor
from tidal.model.events import RunOptions
from tidal.model.wire import from_wire, to_wire
from tidal.paths import HOME, LocalRun, Registration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FULL = LaunchSpec(
    file="/work/locustfile.py",
    options=RunOptions(users=50, spawn_rate=2.5, run_time_ms=60_000, classes=("A", "B"), arguments=(("x", "1"),)),
    fleet="blue",
    redis_url="rediss://u:p@host:6380/0?ssl_ca_certs=/ca.pem",
    processes=3,
    ship=("/work/data.csv",),
    author="ann@box",
    embedded_port=6390,
    run="20261123-204512-k3f9",
)


@pytest.mark.parametrize("spec", [LaunchSpec("/f.py"), FULL])
def test_a_spec_survives_its_line_of_json(spec: LaunchSpec) -> None:
    """The supervisor and the master read exactly what was asked for."""
    line = json.dumps(to_wire(spec))
    assert "\n" not in line
    assert from_wire(LaunchSpec, json.loads(line)) == spec


def test_a_spec_of_an_older_tidal_is_read() -> None:
    """What it did not know has its default; what we do not know is passed over."""
    assert from_wire(LaunchSpec, {"file": "/f.py", "of_tomorrow": 1}) == LaunchSpec("/f.py")


def test_a_spec_of_nonsense_is_refused() -> None:
    """A wrong type is said where it comes in."""
    with pytest.raises(ValueError, match="str where int"):
        from_wire(LaunchSpec, {"file": "/f.py", "processes": "many"})


def test_errors_come_back_by_name() -> None:
    """What the master found is raised in the terminal, with its own exit code."""
    assert isinstance(error_named("NoHost", "no host"), NoHost)
    assert isinstance(error_named("FleetBusy", "busy"), FleetBusy)
    assert str(error_named("NoHost", "no host")) == "no host"


@pytest.mark.parametrize("name", ["KeyError", "annotations", "ClassVar", "exit_codes", ""])
def test_a_name_that_is_no_error_of_ours_is_told_plainly(name: str) -> None:
    """The answer comes from a process that may be of another version."""
    error = error_named(name, "what it said")
    assert type(error) is TidalError
    assert "what it said" in str(error)


def test_the_password_is_not_in_the_repr() -> None:
    """A launched run may end up in a log."""
    assert "secret" not in repr(Launched("r1", "unix://:secret@/s", 1, "redis://:secret@127.0.0.1:1/0"))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[None]:
    """A TIDAL_HOME of the test's own."""
    before = os.environ.get(HOME)
    os.environ[HOME] = str(tmp_path)
    yield
    if before is None:
        del os.environ[HOME]
    else:
        os.environ[HOME] = before


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """What a supervisor would be told: here it is ourselves."""
    told: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    yield told
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("home")
def test_a_ctrl_c_before_anybody_follows_stops_the_run(heard: list[int]) -> None:
    """Whoever is its supervisor now is told; other errors leave the run alone."""
    looked_after = Registration(LocalRun("r1", "/f.py", 1, supervisor_pid=2**22 + 1))  # no process: it was killed
    looked_after.hand_over(os.getpid())
    with pytest.raises(OSError, match="full"), stopped_by_ctrl_c("r1"):
        raise OSError("full")
    assert heard == []
    with pytest.raises(KeyboardInterrupt), stopped_by_ctrl_c("r1"):
        raise KeyboardInterrupt
    assert heard == [signal.SIGTERM]
    looked_after.end("closed", 2)


@pytest.mark.usefixtures("home")
def test_nobody_is_told_of_a_run_that_nobody_looks_after(heard: list[int]) -> None:
    """The pid in the registry may be somebody else's by then: the lock says that its owner is gone."""
    killed = Registration(LocalRun("r1", "/f.py", 1, supervisor_pid=os.getpid()))
    os.close(killed.lock_fd)
    tell_supervisor("r1")
    tell_supervisor("r2")
    assert heard == []
