"""What is kept beside the state so that a picture is cheap equals what it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from draws import log_entries, report_entries, woven
from histories import T0, fold_all
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model.frame import frame
from tidal.model.state import State
from tidal.model.stats import Tally
from tidal.model.text import clean

if TYPE_CHECKING:
    from tidal.model.codec import Entry


def _added_up(state: State) -> Tally:
    whole = Tally()
    for record in state.reports.endpoints.values():
        whole.merge(record.tally)
    return whole


@settings(max_examples=60, deadline=None)
@given(st.data(), log_entries(), report_entries())
def test_the_whole_is_all_endpoints_added_up(data: st.DataObject, log: list[Entry], reports: list[Entry]) -> None:
    """Whenever it was asked for first, and from a keyframe too, and the state's bytes do not show who asked."""
    history = data.draw(woven(log, reports))
    asked = State()
    for cut in data.draw(st.lists(st.integers(0, len(history)), max_size=3).map(sorted)):
        done = len(history) - len(history[cut:])
        asked = fold_all(history[:done])
        assert asked.reports.total == _added_up(asked)
        asked = fold_all(history[done:], asked)
        assert asked.reports.total == _added_up(asked)
        assert asked.packed() == fold_all(history).packed()


@settings(max_examples=40, deadline=None)
@given(st.data(), log_entries(), report_entries())
def test_looking_on_the_way_changes_no_picture(data: st.DataObject, log: list[Entry], reports: list[Entry]) -> None:
    """A viewer who drew every picture and one who drew only the last see the same."""
    history = data.draw(woven(log, reports))
    watched = State()
    for entry in history:
        watched = fold_all([entry], watched)
        frame(watched, T0)
    assert frame(watched, T0 + 60_000) == frame(fold_all(history), T0 + 60_000)


@given(st.text(max_size=40), st.integers(1, 30))
def test_text_that_is_harmless_is_kept_as_it_is(text: str, most: int) -> None:
    """Cleaning twice is cleaning once: the short way out never lets through what the long one takes away."""
    once = clean(text, most)
    assert clean(once, most) == once
    assert once.isprintable() or any(c.isspace() for c in once)
    assert len(once) <= most
