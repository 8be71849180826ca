"""What the outputs say of response times, paces and lateness: nothing, where there is no schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from draws import spread_of
from histories import T0, at, block, by, closed, finished, folded, opened, planned, report, seen, started, stopped

from tidal.model import events as ev
from tidal.model.frame import frame
from tidal.model.struct import replace
from tidal.outputs.json import frame_json
from tidal.outputs.markdown import markdown
from tidal.outputs.text import summary

if TYPE_CHECKING:
    from tidal.model.rows import Frame


def shown(**more: object) -> Frame:
    """A closed run with one endpoint."""
    measured = block(1)
    if more:
        measured.tallies["GET", "/"].response = spread_of([1_500_000])
    told = by("w1", 1, report(measured, **more))
    ending = [at(10_000, ev.Ticked(())), at(10_000, stopped("finished")), finished("w1", 2), closed()]
    state = folded(opened(), seen("w1"), started(), planned("w1"), told, *ending)
    return frame(state, T0 + 11_000)


SCHEDULED = {
    "pacing": (ev.PaceTally("Buyer", 100, 200_000_000, 50),),
    "lateness": spread_of([100, 9_000_000]),
    "late": 1,
}


def test_both_times_stand_beside_each_other() -> None:
    """In text, Markdown and JSON."""
    picture = shown(**SCHEDULED)
    text = summary(picture)
    assert "Response times, from the moment at which the iteration was to begin" in text
    assert text.count("1.50 s") >= 2
    assert "`GET /` | 1 | 1.50 s" in markdown(picture)
    assert '"response_p99_us":1500000' in frame_json(picture)


def test_a_pace_is_wanted_and_achieved() -> None:
    """Rates, and how much of the wish that is."""
    picture = shown(**SCHEDULED)
    assert "Buyer       20.0      10.0" in summary(picture)
    assert "| `Buyer` | 20.0 | 10.0 |" in markdown(picture)


def test_late_arrivals_are_told() -> None:
    """With how late."""
    assert "1 of 2 by more than 5 ms" in summary(shown(**SCHEDULED))


def test_without_a_schedule_nothing_is_said() -> None:
    """A run of users that wait."""
    picture = shown()
    for text in (summary(picture), markdown(picture)):
        assert not any(word in text for word in ("Response", "Pacing", "late", "achieved"))
    assert replace(picture, pacing=()) == picture
