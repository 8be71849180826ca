"""What a machine allows a worker, and what it is told of it."""

from __future__ import annotations

import resource

from tidal.preflight import FILES_WANTED, Machine, look, users_max, warnings

ROOMY = Machine(FILES_WANTED, 28_232, 8 << 30)


def test_a_roomy_machine_has_no_bound_and_no_warning() -> None:
    """Nothing is said."""
    assert users_max(ROOMY, 8) == 0
    assert warnings(ROOMY, 8) == []


def test_descriptors_bound_the_users() -> None:
    """A process's own come off, and each generator has as many."""
    small = Machine(1_024, 28_232, 8 << 30)
    assert users_max(small, 2) == 1_848
    (warning,) = warnings(small, 2)
    assert warning.startswith("1,024 file descriptors a process: 1,848 users with a connection each; more with")


def test_what_else_gets_in_the_way() -> None:
    """Each in a line, with what to do."""
    found = warnings(Machine(FILES_WANTED, 500, 300 << 20, -7_200_000), 4)
    assert [line.split(":")[0] for line in found] == [
        "500 local ports",
        "300 MB of memory for 4 generators",
        "this clock is 7,200 s behind Redis'; the run goes by Redis' clock",
    ]


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    """What may be raised is."""
    machine, (soft, hard) = look(), resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == hard or soft >= FILES_WANTED
    assert machine.files == min(soft, FILES_WANTED)
    assert machine.memory_bytes > 0
