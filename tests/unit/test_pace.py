"""Users that keep a pace: what they were to begin, what they began, and how late."""

from __future__ import annotations

from time import perf_counter
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.generator.lateness import LATE_MAX_US, Begun, Paces
from tidal.model.samples import LATE_US
from tidal.pace import begin_paced, cut_paced, keep_pace
from tidal.waits import constant, constant_pacing, constant_throughput


def user(wait_time: Any) -> Any:
    """A user at the beginning of its life."""
    paces = Paces()
    made = SimpleNamespace(
        environment=SimpleNamespace(paces=paces),
        wait_time=wait_time,
        _tidal_due=None,
        _tidal_over=None,
        _late_us=None,
        _visits=False,
    )
    keep_pace(made)
    return made


def counts(made: Any) -> list[tuple[int, int, int]]:
    """Begun, wanted (whole iterations), late of each class."""
    return [(t.begun, t.wanted_millionths // 1_000_000, t.late) for t in made.environment.paces.take()]


def test_who_waits_in_another_way_has_no_intended_moments() -> None:
    """And nothing is said of its pace."""
    made = user(constant(1))
    begin_paced(made)
    cut_paced(made)
    assert (made._late_us, counts(made)) == (None, [])


def test_the_first_iteration_is_on_time() -> None:
    """Its user had no moment before."""
    made = user(constant_throughput(100))
    assert made._late_us == 0
    begin_paced(made)
    assert (made._late_us, counts(made)) == (0, [(1, 1, 0)])


def test_an_iteration_that_took_too_long_makes_the_next_one_late() -> None:
    """By what it took beyond a period; the periods that passed meanwhile were wanted, too."""
    made = user(constant_pacing(0.5))
    begin_paced(made)
    made._tidal_due = (perf_counter() - 2.0, 0.5)
    begin_paced(made)
    assert made._late_us >= 2_000_000
    ((begun, wanted, late),) = counts(made)
    assert (begun, late) == (2, 1)
    assert wanted >= 6  # the two, and four more in two seconds


def test_who_waits_in_another_way_later_has_no_intended_moment_any_more() -> None:
    """A nested set with a wait of its own."""
    made = user(constant_pacing(0.5))
    begin_paced(made)
    begin_paced(made)
    assert (made._late_us, made._tidal_over) == (None, None)


def test_what_a_hanging_iteration_kept_from_beginning_is_wanted() -> None:
    """A target that never answers: the user is killed in its first iteration."""
    made = user(constant_pacing(0.5))
    begin_paced(made)
    made._tidal_over = (perf_counter() - 1.0, 0.5)
    cut_paced(made)
    ((begun, wanted, late),) = counts(made)
    assert (begun, late) == (1, 0)
    assert wanted >= 3


@pytest.mark.parametrize("wait_time", [constant_pacing(2), constant_throughput(0.5)])
def test_a_wait_says_when_the_next_iteration_is_meant_to_begin(wait_time: Any) -> None:
    """A period after the one before, even when that moment has passed."""
    began_s = perf_counter() - 3
    paced: Any = SimpleNamespace(_cp_last_run=began_s, _cp_last_wait_time=0.0)
    assert wait_time(paced) == 0
    due_s, period_s = paced._tidal_due
    assert (round(due_s - began_s, 6), period_s) == (2.0, 2)


def test_the_pace_of_a_task_set_is_its_users() -> None:
    """`wait_time` may be the set's own."""
    owner: Any = SimpleNamespace()
    wait_s = constant_pacing(1)(SimpleNamespace(_cp_last_run=perf_counter(), _cp_last_wait_time=0.0, _user=owner))  # type: ignore[arg-type]
    assert 0 < wait_s <= 1
    assert owner._tidal_due[1] == 1


@given(st.lists(st.integers(-5, 20_000), max_size=20), st.integers(0, 9), st.integers(0, 20))
def test_arrivals_add_up(late_us: list[int], dropped: int, cut: int) -> None:
    """Planned = started + dropped, however batches are cut; the late ones are those above the limit."""
    begun = Begun()
    sums = [0, 0, 0, 0]
    for place, each in enumerate(late_us):
        begun.start()
        begun.note_late(each)
        if place == cut:
            (planned, started, gone), _, late = begun.take()
            sums = [planned, started, gone, late]
    for _ in range(dropped):
        begun.drop()
    (planned, started, gone), spread, late = begun.take()
    sums = [a + b for a, b in zip(sums, (planned, started, gone, late), strict=True)]
    assert sums == [len(late_us) + dropped, len(late_us), dropped, sum(each > LATE_US for each in late_us)]
    assert (spread.count if spread is not None else 0) == started
    assert begun.take() == ((0, 0, 0), None, 0)


def test_no_lateness_is_beyond_all_bounds() -> None:
    """A clock that jumped by a year must not spoil a sum."""
    begun = Begun()
    begun.note_late(1 << 60)
    _, spread, late = begun.take()
    assert spread is not None
    assert (spread.max_us, late) == (LATE_MAX_US, 1)
