"""The ledger of arrivals: planned by the plan, exactly; started and dropped as reported; the rest is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from histories import T0, at, block, by, closed, finished, folded, opened, planned, report, seen, started, stopped
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.arrivalbook import ArrivalBooks, arrival_books
from tidal.model.arrivals import arrivals_of
from tidal.model.frame import frame
from tidal.model.struct import replace
from tidal.model.verdict import judge
from tidal.outputs.markdown import markdown
from tidal.outputs.text import interval_line, summary

if TYPE_CHECKING:
    from histories import Happening

    from tidal.model.state import State

RATE = 50.0


def _plan(
    rate: float = RATE, *, number: int = 1, from_ms: int = 0, end_ms: int | None = 10_000, **more: int
) -> ev.PlanSet:
    track = ev.Track("", ((from_ms, rate),), "arrivals/s", **more)
    return replace(planned("w1", number=number, from_ms=from_ms, end_ms=end_ms), tracks=(track,))


def _state(begun: tuple[int, int, int], *more: Happening) -> State:
    told = by("w1", 1, report(block(1, requests=begun[1], user_ms=0), arrivals=begun))
    return folded(opened(), seen("w1"), started(), _plan(), told, *more)


ENDING = (at(10_040, ev.Ticked(())), at(10_050, stopped("finished")), finished("w1", 2), closed())


def test_a_run_in_order_balances() -> None:
    """50/s for ten seconds are 500 arrivals: none lost, none too many; the outputs say so."""
    state = _state((500, 497, 3), *ENDING)
    assert arrival_books(state) == ArrivalBooks(500, 497, 3, 0, 0)
    assert judge(state).word == "valid"
    picture = frame(state, T0 + 11_000)
    assert "Arrivals: 500 planned = 497 started + 3 dropped" in summary(picture)
    assert "500 planned = 497 started + 3 dropped" in markdown(picture)
    assert "User-seconds" not in summary(picture)


def test_what_nobody_reported_is_unknown_and_judged_at_the_end() -> None:
    """While the run goes on it may only not be reported yet."""
    going = _state((0, 200, 0), at(5_000, ev.Ticked(())))
    assert arrival_books(going) == ArrivalBooks(250, 200, 0, 50, 0)
    assert judge(going).word == "valid"
    over = judge(_state((0, 400, 0), *ENDING))
    assert over.word == "invalid"
    assert over.reasons[0].startswith("100 arrivals unknown (20.0 %)")


def test_dropped_arrivals_are_judged() -> None:
    """A thousandth is forgiven, a twentieth is not."""
    assert judge(_state((0, 490, 10), *ENDING)).word == "suspect"
    found = judge(_state((0, 400, 100), *ENDING))
    assert (found.word, found.reasons[0].split(":")[0]) == ("invalid", "100 arrivals dropped (20.0 %)")


def test_what_was_begun_before_a_stop_was_heard_of_is_surplus() -> None:
    """The plan ends with the stop, workers a little later."""
    state = _state((0, 260, 0), at(5_000, stopped()), at(6_000, ev.Ticked(())))
    assert arrival_books(state) == ArrivalBooks(250, 260, 0, 0, 10)


def test_an_interval_says_what_is_wanted() -> None:
    """Users run by arrivals, so there is no number of them to be reached."""
    assert "wanted    50.0/s" in interval_line(frame(_state((0, 200, 0), at(5_000, ev.Ticked(()))), T0 + 5_000))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3_000), st.integers(0, 80), st.integers(-400, 400)), max_size=6),
    st.sampled_from(["even", "poisson"]),
)
def test_planned_is_what_the_curves_have(changes: list[tuple[int, int, int]], spacing: str) -> None:
    """However often the rate changes, and however late or early the plan is written: each arrival is planned once."""
    first = _plan(end_ms=None)
    history: list[Happening] = [opened(spacing=spacing), seen("w1"), started(), at(0, first)]
    track, from_ms, expected = first.tracks[0], 0, 0
    for number, (length_ms, rate, early_ms) in enumerate(changes, 2):
        curve = arrivals_of(track, None, spacing)
        next_ms = from_ms + length_ms
        expected += curve.count_before(next_ms * 1000) - curve.count_before(from_ms * 1000)
        base, rest = curve.reached(next_ms * 1000)
        plan = _plan(float(rate), number=number, from_ms=next_ms, end_ms=None, base=base, rest=rest)
        history += [at(max(from_ms, next_ms - early_ms), ev.Ticked(())), at(max(from_ms, next_ms - early_ms), plan)]
        track, from_ms = plan.tracks[0], next_ms
    curve = arrivals_of(track, None, spacing)
    expected += curve.count_before((from_ms + 5_000) * 1000) - curve.count_before(from_ms * 1000)
    state = folded(*history, at(from_ms + 5_000, ev.Ticked(())))
    assert arrival_books(state).planned == expected
