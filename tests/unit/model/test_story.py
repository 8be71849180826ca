from __future__ import annotations

import pytest
from draws import built
from histories import T0, at, changed, closed, folded, lost, opened, planned, ready, seen, started, stopped
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.state import LogHalf
from tidal.model.story import row, tell

SILENT = {ev.BlocksReturned, ev.FileChunk, ev.Ticked, ev.IntentAccepted, ev.Checkpoint, ev.LedgerSealed, ev.MessageSent,
          ev.ProbeBegun, ev.TicketsLent, ev.Logged}  # fmt: skip
"""No news for people: parts of files, looks around, what is told by its effect (a probe: by its plan), hashes, sums,
lines of logging, which have a view of their own."""

SOMETIMES = {ev.BlockLeased}
"""News only when there is none left to lend."""


def _told(*history: ev.Event | ev.ByMaster) -> list[str]:
    return [f"{r.level}: {r.text}" for r in folded(*history).log.story]


def test_a_log_read_aloud_is_the_story_of_the_run() -> None:
    """One event a line, in words."""
    history: list[ev.Event | ev.ByMaster] = [
        opened(),
        *ready("w1", "w2"),
        started(),
        planned("w1", "w2"),
        lost("w1"),
        stopped(),
        closed(1),
    ]
    assert _told(*history) == [
        "info: ann@laptop opened run r1: locustfile.py, 10 users",
        "good: w1 joined: host-w1 on host, 1 generator",
        "info: w1 is ready",
        "good: w2 joined: host-w2 on host, 1 generator",
        "info: w2 is ready",
        "good: the run started with 2 workers",
        "info: plan 1: the run starts; the load is on w1, w2",
        "error: w1 lost: its heartbeat lapsed; its users go to the others",
        "info: stop ordered by ann: an operator's wish",
        "info: the run closed: stopped, an operator's wish; exit code 1",
    ]


def test_who_is_lost_has_heirs_only_where_somebody_runs_on() -> None:
    """The last worker has none, nor has one that is lost when the run has come to its end."""
    both = (opened(), *ready("w1", "w2"), started(), planned("w1", "w2"))
    assert _told(*both, lost("w1"), lost("w2"))[-1] == "error: w2 lost: its heartbeat lapsed"
    assert _told(*both, stopped(), lost("w1"))[-1] == "error: w1 lost: its heartbeat lapsed"


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (ev.MasterTook("host", 7, "0.1"), "info: master host:7 took the lease (epoch 1)"),
        (changed("w1", "stalled"), "warning: w1 is stalled, not running, not reporting"),
        (ev.WorkerLeft("w1", "w1.1", "it was told to"), "info: w1 left: it was told to"),
        (ev.WorkerRefused("w1", "id", "w1.1", "schema 2"), "error: w1 (id) refused: schema 2"),
        (ev.TargetSet(20, 2.5, "ann"), "info: ann wants 20 users at 2.5/s"),
        (ev.DrainOrdered("w1", "ann"), "info: ann drains w1"),
        (ev.IntentRefused("i", "ann", "stop", "it is over"), "warning: ann: stop refused, it is over"),
        (ev.EntryRefused("reports", "1-1", "?", 3), "warning: 3 entries of reports refused, last 1-1: ?"),
        (ev.Noted("ann", "good", "deploy began"), "good: ann: deploy began"),
        (ev.StopOrdered("refused", "no workers", "", 0, 40), "error: stop ordered: no workers"),
        (ev.RunClosed("finished", "done", 0), "good: the run closed: finished, done"),
        (planned(), "info: plan 1: the run starts; the load is on nobody"),
        (planned(*[f"w{i}" for i in range(8)]), "info: plan 1: the run starts; the load is on 8 workers"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ev.Event) else "",
)
def test_sentences(event: ev.Event, told: str) -> None:
    """By example."""
    assert _told(event) == [told]


def test_only_what_changed_is_news_of_a_worker() -> None:
    """The same state again is silence; a lamp that goes out while it serves is a warning."""
    on = changed("w1", "running", reporting=True)
    history = [seen("w1"), on, on, changed("w1", "running"), changed("w1", "running")]
    assert _told(*history)[1:] == ["info: w1 is running", "warning: w1 is running, not reporting"]


def test_a_second_master_takes_over() -> None:
    """Once the run is open, a new master is a warning."""
    assert _told(opened(), at(0, ev.MasterTook("b", 8, "0"), epoch=2))[-1] == "warning: master b:8 took over (epoch 2)"


def test_times_are_those_of_the_plan() -> None:
    """Nothing before the start has a plan time; after it, the offset counts from T0."""
    rows = folded(opened(), started(), at(2_500, seen("w1"))).log.story
    assert [(r.at_ms - T0, r.offset_ms) for r in rows] == [(-10_000, 0), (0, 0), (2_500, 2_500)]
    assert row(T0, T0 - 700, "nt", "info", "x").offset_ms == -700


@pytest.mark.parametrize("cls", ev.MASTER_EVENTS, ids=lambda cls: cls.__name__)
def test_every_event_is_told_or_is_known_to_be_no_news(cls: type[ev.Event]) -> None:
    """A new kind needs a line in the story, or a reason here."""

    @settings(max_examples=8, deadline=None)
    @given(built(cls))
    def check(event: ev.Event) -> None:
        assert cls in SOMETIMES or (tell(LogHalf(), event) is None) == (cls in SILENT)

    check()


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), min_size=1, max_size=900))
def test_whatever_a_sentence_carries_is_one_harmless_line(text: str) -> None:
    """Names, reasons and notes come from outside."""
    told = row(0, 5, "nt", "info", text)
    assert len(told.text) <= 400
    assert all(c.isprintable() or c.isspace() for c in told.text)
    assert len(told.text.splitlines()) <= 1
