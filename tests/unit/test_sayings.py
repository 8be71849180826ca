"""What tidal's own processes say: printed, kept for the run, and in the log before its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model import events as ev
from tidal.sayings import LOGGED_MS, MasterLog, Sayings

if TYPE_CHECKING:
    import pytest

CLOSED = ev.RunClosed("finished", "done", 0)
TICKED = ev.Ticked(())


def texts(events: list[ev.Event]) -> list[str]:
    """What the lines among the events say."""
    return [line.text for event in events if isinstance(event, ev.Logged) for line in event.lines]


def test_a_line_is_printed_or_kept_or_both(capsys: pytest.CaptureFixture[str]) -> None:
    """What was printed before a run began can be kept for it without being printed again."""
    said = Sayings("tidal worker", lambda: 5_000)
    said.tell("printed")
    said.keep("warning", "kept")
    said.say("info", "both")
    assert capsys.readouterr().err == "tidal worker: printed\ntidal worker: both\n"
    assert [(line.level, line.text, line.at_ms) for line in said.take(90_000)] == [
        ("warning", "kept", 90_000),
        ("info", "both", 90_000),
    ]
    assert said.take(90_000) == ()


def test_a_masters_lines_go_with_its_events_once_they_are_due() -> None:
    """Kept until they were appended: an append that failed is tried again with all of them."""
    now_ms = 10_000
    said = MasterLog("tidal master", lambda: now_ms)
    said.keep("info", "one")
    first = said.joined([TICKED], (), 90_000)
    assert first[0] == TICKED
    assert texts(first) == ["one"]
    assert texts(said.joined([], (), 90_010)) == ["one"]
    said.logged(first)
    said.keep("info", "two")
    assert said.joined([TICKED], (), 90_020) == [TICKED]
    now_ms += LOGGED_MS
    assert texts(said.joined([], (), 91_010)) == ["two"]


def test_the_end_of_a_run_waits_for_lines_one_turn_and_no_longer() -> None:
    """A host that logs without an end cannot keep a run open."""
    said = MasterLog("tidal master", lambda: 10_000)
    said.keep("warning", "the last")
    waited = said.joined([CLOSED], (), 90_000)
    assert texts(waited) == ["the last"]
    assert CLOSED not in waited
    said.logged(waited)
    said.keep("warning", "and another")
    assert said.joined([CLOSED], (), 90_050) == [CLOSED]
