"""Thresholds against histories: when they trip, what a run ends with, and that live and later are one judgement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from histories import (
    T0,
    T0_S,
    at,
    beat,
    beats,
    block,
    by,
    closed,
    finished,
    folded,
    keyframed,
    life,
    report,
    running,
    stopped,
    tally,
    ticked,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal import errors
from tidal.model import events as ev
from tidal.model.codec import LOG, REPORTS, Entry, EntryId, encode, entry_of
from tidal.model.decide import decide
from tidal.model.fold import fold_entry
from tidal.model.frame import frame
from tidal.model.judging import EXIT_NOT_MET, EXIT_UNJUDGED, final_trips, judges_failures, trips
from tidal.model.rejudge import rejudge
from tidal.model.senses import Senses
from tidal.model.state import State
from tidal.model.struct import replace
from tidal.model.thresholds_read import canonical, threshold_of
from tidal.model.watched import watches, watches_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from histories import Happening

Second = tuple[int, int, int]
"""Requests, of them failed, latency of each in ms."""
CALM: Second = (10, 0, 100)


def watched(*texts: str) -> tuple[ev.Watch, ...]:
    """What a worker reports to be kept for these thresholds, in a run that began at T0."""
    return watches_of([one for text in canonical(texts) if (one := threshold_of(text))], T0)


def told(seconds: Sequence[Second], *texts: str, name: str = "/", who: str = "w1") -> list[ev.ByWorker]:
    """A report a second of one endpoint."""
    made = []
    for index, (requests, failures, ms) in enumerate(seconds):
        one = ev.Block(T0_S + index, 1, {("GET", name): tally([ms * 1000] * requests, failures)}, {"Buyer": 1_000})
        made.append(by(who, index + 1, report(one, to_ms=(index + 1) * 1_000, watch=watched(*texts))))
    return made


def run_of(seconds: Sequence[Second], *texts: str, **options: object) -> list[Happening]:
    """A run with thresholds that has gone on for these seconds."""
    started = {"users": 1, "rate": 1_000.0, **options}
    return [*running("w1", thresholds=canonical(texts), **started), *told(seconds, *texts)]  # type: ignore[arg-type]


def windows(state: State, to_s: int) -> dict[str, tuple[int, int, int | None]]:
    """What trips up to a second after T0: from, to in seconds of plan time, value in thousandths."""
    return {t.text: (t.from_ms // 1000, t.to_ms // 1000, t.value_milli) for t in trips(state, T0_S + to_s)}


# ------------------------------------------------------------------ when they trip


SLOW: Second = (10, 0, 2_000)
FAILING: Second = (10, 5, 100)
STILL: Second = (0, 0, 0)


@pytest.mark.parametrize(
    ("text", "seconds", "window"),
    [
        ("p99 > 1s for 3s", [CALM, SLOW, SLOW, SLOW], (1, 4, 1_993_000)),
        ("p99 > 1s for 3s", [CALM, SLOW, SLOW, CALM, SLOW, SLOW], None),
        ("p99 > 1s for 3s", [CALM, SLOW, STILL, SLOW], (1, 4, 1_993_000)),
        ("p99 > 1s for 3s", [CALM, SLOW, STILL, STILL], None),
        ("fail% > 10 within 4s", [CALM, CALM, FAILING, CALM], (0, 4, 12_500)),
        ("fail% > 13 within 4s", [CALM, CALM, FAILING, CALM], None),
        ("rps >= 5 for 2s", [CALM, CALM, STILL, STILL], (2, 4, 0)),
        ("rps < 5 for 2s", [CALM, STILL, CALM, STILL], None),
        ("rps < 8 within 2s", [CALM, CALM, STILL, CALM], (1, 3, 5_000)),
        ("p95 < 1s within 2s after 2s", [SLOW, SLOW, CALM, CALM], None),
        ("p95 < 1s within 2s before 2s", [CALM, CALM, SLOW, SLOW], None),
        ("p95 < 1s between 1s and 3s", [CALM, SLOW, SLOW, CALM], (1, 3, 1_993_000)),
        ("p95 < 1s between 0s and 2s", [CALM, CALM, SLOW, SLOW], None),
        ("rps >= 9 between 1s and 3s", [CALM, (8, 0, 1), (9, 0, 1), CALM], (1, 3, 8_500)),
        ("abort: p95 < 1s", [CALM, SLOW, SLOW], (0, 3, 1_993_000)),
        ("p95 < 1s", [CALM, SLOW, SLOW], None),  # at the end
        ("users >= 2 for 2s", [CALM, CALM], (0, 2, 1_000)),
    ],
)
def test_when_a_threshold_trips(text: str, seconds: list[Second], window: tuple[int, int, int | None] | None) -> None:
    """By example: windows of whole seconds, each judged once."""
    (name,) = canonical([text])
    found = windows(folded(run_of(seconds, text)), len(seconds)).get(name)
    if window is None:
        assert found is None
        return
    assert found is not None
    assert found[:2] == window[:2]
    assert found[2] == pytest.approx(window[2], rel=0.006)


def test_only_seconds_that_were_not_judged_before_are_looked_at() -> None:
    """A tick says up to where it judged; a window that ended before it tripped then or never."""
    history = run_of([SLOW, SLOW, SLOW, CALM, CALM], "p99 > 1s for 3s")
    judged = replace(ticked("w1"), judged_to_s=T0_S + 3)
    assert windows(folded(history), 5) != {}
    assert windows(folded(history, judged), 5) == {}


def test_what_tripped_does_not_trip_again() -> None:
    """Once and for all; the first time counts."""
    history = run_of([SLOW] * 6, "p99 > 1s for 3s")
    first, again = ev.ThresholdTripped("p99 > 1s for 3s", 0, 3_000, 5), ev.ThresholdTripped("p99 > 1s for 3s", 1, 4, 6)
    state = folded(history, first, again)
    assert windows(state, 6) == {}
    assert state.log.tripped == {first.text: first}


def test_an_endpoint_is_meant_by_its_name_or_by_method_and_name() -> None:
    """Others do not count."""
    texts = ('p99 of "GET /" > 1s for 2s', 'p99 of "/" > 1s for 2s', 'p99 of "POST /" > 1s for 2s')
    assert set(windows(folded(run_of([SLOW, SLOW], *texts)), 2)) == set(texts[:2])


@pytest.mark.parametrize("last", [CALM, SLOW, FAILING, STILL])
@pytest.mark.parametrize(
    "text",
    ["p95 < 300ms within 10s", "p99 > 1s for 3s", "rps >= 5 within 4s", "rps < 5 for 2s", "fail% > 10 within 4s",
     "users >= 1 for 2s", "requests > 3 within 5s", "failures > 3 within 7s"],
)  # fmt: skip
def test_a_clock_that_jumped_ages_is_judged_as_a_minute_of_silence(text: str, last: Second) -> None:
    """Not each of a thousand million windows in which nothing was, for all of them are alike."""
    state = folded(run_of([CALM, CALM, last], text))
    assert windows(state, 1_000_000_000_000) == windows(state, 60)


def test_of_seconds_that_are_not_kept_nobody_knows() -> None:
    """A master that comes back after minutes judges what is kept, and makes nothing up."""
    text = "rps >= 5 for 3s"
    long = [STILL] * 20 + [CALM] * 200
    assert windows(folded(run_of(long, text)), len(long)) == {}


# ------------------------------------------------------------------ the end


def ended(seconds: Sequence[Second], *texts: str, **options: object) -> State:
    """A run that was stopped after these seconds, with its last report in."""
    history = run_of(seconds, *texts, **options)
    end = [at(len(seconds) * 1_000, stopped()), finished("w1", len(seconds) + 1)]
    return folded(history, end)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("p95 < 1s", "passed"),
        ("p95 < 50ms", "failed"),
        ("requests >= 40", "passed"),
        ("requests > 40", "failed"),
        ("rps >= 10", "passed"),
        ("failures == 0", "passed"),
        ("fail% < 1 within 10s", "passed"),  # shorter than its window: judged as far as it went
        ("rps > 11 within 10s", "failed"),
        ("p95 > 1ms for 10s", "passed"),
        ("p95 of /nope < 1s", "unjudged"),
        ("p95 < 1s after 1m", "unjudged"),
        ("verdict == valid", "passed"),
        ("verdict == suspect", "failed"),
    ],
)
def test_at_the_end_each_has_its_last_word(text: str, word: str) -> None:
    """Four seconds of ten requests each."""
    state = ended([CALM] * 4, text)
    (name,) = canonical([text])
    found = {trip.text: trip for trip in final_trips(state)}
    assert (name in found) == (word != "passed")
    if word == "unjudged":
        assert found[name].value_milli is None
        assert found[name].why


def test_a_misspelt_endpoint_is_told_with_near_names() -> None:
    """It can be known only when the run is over."""
    (trip,) = final_trips(ended([CALM], 'p95 of "GET /x" < 1s'))
    assert trip.why == "no endpoint 'GET /x' was seen; near ones: GET /"


def in_stages(*texts: str) -> State:
    """Ten calm requests in the stage `warmup`, then ten slow ones in `peak`; the run is over."""
    blocks = [
        ev.Block(T0_S + second, 1, {("GET", "/"): tally([ms * 1000] * 10)}, stage=stage)
        for second, stage, ms in ((1, "warmup", 100), (2, "peak", 900))
    ]
    happenings = running("w1", thresholds=texts)
    return folded(*happenings, by("w1", 1, report(*blocks, to_ms=4_000)), at(4_000, stopped("finished")))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("p95 < 300ms in stage warmup", ""),
        ("p95 < 300ms in stage peak", "peak"),
        ('p95 of "GET /" < 300ms in stage peak', "peak"),
        ("requests >= 10 in stage peak", ""),
        ("requests >= 11 in stage peak", "peak"),
        ("fail% < 1 in stage peak", ""),
    ],
)
def test_a_stage_is_judged_by_its_own_requests(text: str, word: str) -> None:
    """What came in other stages says nothing of it."""
    found = final_trips(in_stages(*canonical([text])))
    assert [trip.text for trip in found if word in trip.text] == ([] if not word else list(canonical([text])))
    assert bool(found) is bool(word)


def test_a_stage_says_nothing_of_failures_elsewhere() -> None:
    """Only a threshold on all requests says how many may fail; one of a stage leaves the ordinary exit code."""
    assert judges_failures(in_stages(*canonical(["fail% < 1"])).log)
    assert not judges_failures(in_stages(*canonical(["fail% < 1 in stage warmup"])).log)


@pytest.mark.parametrize(
    ("text", "is_of_all"),
    [
        ("fail% < 1 between 1m and 2m", False),
        ("failures < 9 after 1m", False),
        ("fail% > 1 within 10s after 1m", False),
        ("fail% > 1 within 10s", True),
        ("fail% > 1 for 10s", True),
    ],
)
def test_a_part_of_the_run_says_nothing_of_failures_in_the_rest(text: str, *, is_of_all: bool) -> None:
    """Windows lie all over the run and count; a threshold on some minutes of it does not."""
    assert judges_failures(in_stages(*canonical([text])).log) is is_of_all


def test_a_stage_that_nobody_saw_is_told_with_near_names() -> None:
    """As a misspelt endpoint: the threshold could not be judged."""
    (trip,) = final_trips(in_stages(*canonical(["p95 < 300ms in stage peek"])))
    assert trip.value_milli is None
    assert trip.why == "no request was in stage 'peek'; near ones: peak"


def codes(state: State) -> int:
    """The exit code that the master decides."""
    events = decide(state, Senses(T0 + 60_000, looked=True))
    return next(e.exit_code for e in events if isinstance(e, ev.RunClosed))


@pytest.mark.parametrize(
    ("seconds", "texts", "code"),
    [
        ([CALM], ["p95 < 1s"], 0),
        ([CALM], ["p95 < 1ms"], EXIT_NOT_MET),
        ([CALM], ["p95 of /nope < 1s"], EXIT_UNJUDGED),
        ([CALM], ["p95 < 1ms", "p95 of /nope < 1s"], EXIT_NOT_MET),
        ([FAILING], ["p95 < 1s"], 1),
        ([FAILING], ["fail% < 60"], 0),  # the threshold says how many may fail
        ([FAILING], ["fail% of / < 60"], 1),
        ([FAILING], ["fail% < 40"], EXIT_NOT_MET),
    ],
)
def test_the_exit_code_weighs_thresholds_in(seconds: list[Second], texts: list[str], code: int) -> None:
    """Of a run that is not judged by its verdict."""
    assert codes(ended(seconds, *texts, exit_by_verdict=False)) == code


def test_an_invalid_run_passes_nothing() -> None:
    """Hardly any of the planned load ran."""
    assert codes(ended([CALM] * 4, "p95 < 1s", users=500)) == 60
    assert codes(ended([CALM] * 4, "p95 < 1ms", users=500)) == 60


def test_the_codes_are_those_of_the_reference() -> None:
    """The model imports no shell, so they are said twice."""
    assert {EXIT_NOT_MET, EXIT_UNJUDGED} <= set(errors.OTHER_EXIT_CODES)


def test_an_abort_stops_the_run_and_names_the_window() -> None:
    """The reason stands in the log."""
    trip = ev.ThresholdTripped("abort: p99 > 1s for 10s", 61_000, 71_000, 1_240_000)
    state = folded(running("w1", thresholds=(trip.text,)), trip)
    (stop,) = [e for e in decide(state, Senses(T0 + 72_000)) if isinstance(e, ev.StopOrdered)]
    assert stop.author == "threshold"
    assert stop.reason == "abort: p99 > 1s for 10s was not met from 1:01 to 1:11"
    assert decide(folded(running("w1"), trip), Senses(T0)) == []  # a threshold that the run does not have


def test_rows_say_how_each_stands() -> None:
    """While the run goes on: what holds, what fails now, what tripped, what nobody can say yet."""
    texts = ("p95 < 1s", "p95 < 1ms", "rps < 11 for 2s", "p95 of /nope < 1s", "fail% > 1 within 30s")
    history = run_of([CALM] * 4, *texts)
    trip = ev.ThresholdTripped("rps < 11 for 2s", 0, 2_000, 10_000)
    rows = frame(folded(history, trip, replace(ticked("w1"), judged_to_s=T0_S + 4)), T0 + 4_500).thresholds
    assert [(row.text, row.word) for row in rows] == [
        ("p95 < 1s", "holds"),
        ("p95 < 1ms", "failing"),
        ("rps < 11 for 2s", "failed"),
        ('p95 of "/nope" < 1s', "waiting"),
        ("fail% > 1% within 30s", "waiting"),
    ]
    assert rows[2].tripped_value == "10"


@pytest.mark.parametrize(("over_ms", "rate"), [(0, ""), (300, "3.333")])
def test_a_run_of_less_than_a_second_says_what_it_came_to(over_ms: int, rate: str) -> None:
    """All of it is known: what passed has its value, however short the run was."""
    history = [*running("w1", thresholds=canonical(["p95 < 1s", "fail% < 1", "rps > 0"])), by("w1", 1, report(block()))]
    over = [at(over_ms, stopped()), finished("w1", 2), at(over_ms + 900, closed())]
    rows = frame(folded(history, over), T0 + over_ms + 900).thresholds
    assert [(row.word, row.value) for row in rows] == [
        ("passed", "1ms"),
        ("passed", "0%"),
        ("passed", rate),
    ]


def test_without_thresholds_nothing_is_kept() -> None:
    """Memory is for those who asked."""
    assert folded(run_of([CALM] * 5)).reports.watched == {}
    assert watches(folded(running("w1", thresholds=("p95 < 1s",))).log) == watched("p95<1s")


def test_what_is_kept_is_bounded() -> None:
    """Seconds older than the window and a minute go; so do watches beyond the most."""
    state = folded(run_of([CALM] * 100, "p95 < 1s within 5s"))
    assert len(state.reports.watched["", 0, 0].seconds) == 65
    with pytest.raises(ValueError, match="watched"):
        report(watch=tuple(ev.Watch(str(n), 1) for n in range(101)))


# ------------------------------------------------------------------ live and later


TEXTS = canonical(
    [
        "abort: p99 > 1s for 3s",
        "fail% > 20 within 4s",
        "p95 < 1s",
        "rps >= 5 between 2s and 6s",
        "p50 of /b > 1s for 2s",
    ]
)


@dataclass
class Live:
    """A run as its masters lead it: what they decide is appended and folded, reports come when they come."""

    state: State = field(default_factory=State)
    log: list[Entry] = field(default_factory=list)
    reports: list[Entry] = field(default_factory=list)
    tick_of: dict[str, EntryId] = field(default_factory=dict)
    epoch: int = 1

    def append(self, ms: int, events: Sequence[ev.Event]) -> None:
        """A master's batch; the tick in it, or the close, is where its thresholds tripped."""
        batch = []
        for event in events:
            n = self.state.log.n + 1 if self.state.log.epoch == self.epoch else 1
            entry = entry_of(LOG, EntryId(T0 + ms, len(self.log)), encode(at(ms, event, epoch=self.epoch, n=n)))
            fold_entry(self.state, entry)
            self.log.append(entry)
            batch.append((event, entry.id))
        marks = [entry_id for event, entry_id in batch if isinstance(event, ev.Ticked | ev.RunClosed)]
        self.tick_of |= {e.text: marks[0] for e, _ in batch if isinstance(e, ev.ThresholdTripped)}

    def hear(self, ms: int, signed: ev.ByWorker) -> None:
        """A report came."""
        entry = entry_of(REPORTS, EntryId(T0 + ms, len(self.reports)), encode(signed))
        fold_entry(self.state, entry)
        self.reports.append(entry)


_SECOND = st.tuples(st.integers(0, 12), st.integers(0, 4), st.sampled_from([5, 300, 1_500])).map(
    lambda s: (s[0], min(s[1], s[0]), s[2])
)


@settings(max_examples=60, deadline=None)
@given(
    seconds=st.lists(st.tuples(_SECOND, _SECOND), min_size=3, max_size=14),
    lags=st.lists(st.sampled_from([200, 900, 1_700, 3_100]), min_size=1, max_size=6),
    takeover=st.integers(0, 20),
)
def test_the_same_rule_trips_at_the_same_entry_live_and_later(
    seconds: list[tuple[Second, Second]], lags: list[int], takeover: int
) -> None:
    """Whenever reports come, whoever leads: judging the archive finds the trips of the log, tick by tick."""
    live = Live()
    for happening in running("w1", "w2", users=1, thresholds=TEXTS):
        event = happening.event if isinstance(happening, ev.ByMaster) else happening
        assert isinstance(event, ev.Event)
        live.append(0, [event])
    due = _reports(seconds, lags)
    for ms in range(250, len(seconds) * 1_000 + 9_000, 250):
        if ms == takeover * 1_000:
            live.state, live.epoch = keyframed(live.state), 2
        for _, signed in [d for d in due if ms - 250 < d[0] <= ms]:
            live.hear(ms, signed)
        there = beats(beat("w1", state="running", users=1), beat("w2", state="running", users=1))
        live.append(ms, decide(live.state, Senses(T0 + ms, there, looked=True)))
    last = {
        name: sum(isinstance(s.event, ev.Reported) and s.incarnation == life(name) for _, s in due)
        for name in ("w1", "w2")
    }
    live.append(20_000, [] if live.state.log.stop else [stopped()])
    for name, count in last.items():
        live.hear(20_001, finished(name, count + 1))
    live.append(20_002, decide(live.state, Senses(T0 + 60_000, looked=True)))
    judged = rejudge(live.log, live.reports)
    assert judged.state.log.closed is not None
    assert judged.entries == live.tick_of
    assert judged.state.log.tripped == live.state.log.tripped
    assert frame(judged.state, T0 + 30_000).thresholds == frame(live.state, T0 + 30_000).thresholds


def _reports(seconds: list[tuple[Second, Second]], lags: list[int]) -> list[tuple[int, ev.ByWorker]]:
    """When each report reaches the master; those of one worker keep their order."""
    due = []
    for column, name in enumerate(("w1", "w2")):
        came_ms = 0
        for index, signed in enumerate(
            told([s[column] for s in seconds], *TEXTS, name="/b" if column else "/", who=name)
        ):
            came_ms = max(came_ms, (index + 1) * 1_000 + lags[(index + column) % len(lags)])
            due.append((came_ms, signed))
    return sorted(due, key=lambda d: d[0])


def test_another_rule_is_judged_as_if_it_had_been_the_runs_own() -> None:
    """A run with one threshold, judged by another: its own trip is left aside."""
    live = Live()
    for happening in running("w1", users=1, thresholds=canonical(["p95<1ms for 1s"])):
        event = happening.event if isinstance(happening, ev.ByMaster) else happening
        assert isinstance(event, ev.Event)
        live.append(0, [event])
    for index, signed in enumerate(told([CALM, SLOW, SLOW, CALM], "p95<1ms for 1s")):
        live.hear(index * 1_000 + 1_200, signed)
        there = beats(beat("w1", state="running", users=1))
        live.append(index * 1_000 + 1_300, decide(live.state, Senses(T0 + index * 1_000 + 1_300, there, looked=True)))
    assert set(live.state.log.tripped) == {"p95 < 1ms for 1s"}
    judged = rejudge(live.log, live.reports, canonical(["p99 > 1s for 2s"]))
    (trip,) = judged.state.log.tripped.values()
    assert (trip.text, trip.from_ms, trip.to_ms) == ("p99 > 1s for 2s", 1_000, 3_000)
    assert judged.entries["p99 > 1s for 2s"] == next(e.id for e in live.log if e.id.ms == T0 + 3_300 and e.kind == "tk")


def test_a_closed_run_stays_judged() -> None:
    """Its rows are passed or failed, whatever the moment."""
    state = folded(run_of([CALM] * 4, "p95 < 1s"), at(4_000, stopped()), finished("w1", 5), at(5_000, closed()))
    assert [row.word for row in frame(state, T0 + 99_000).thresholds] == ["passed"]
