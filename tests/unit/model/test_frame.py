from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from draws import log_entries, report_entries, woven
from histories import (
    T0,
    T0_S,
    at,
    block,
    by,
    changed,
    closed,
    entries,
    finished,
    fold_all,
    folded,
    keyframed,
    left,
    lost,
    opened,
    planned,
    ready,
    report,
    reported,
    running,
    seen,
    started,
    stopped,
    tally,
    ticked,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.codec import Entry, EntryId, encode, entry_of
from tidal.model.frame import PATIENCE_S, WINDOW_S, frame
from tidal.model.rows import Chart
from tidal.model.series import POINTS_MAX
from tidal.model.state import State
from tidal.model.stats import Tally
from tidal.model.struct import fields_of, is_record, replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.rows import EndpointRow, Frame, WorkerRow

HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202e<b>\x00\n\x9b31m\u2028" + "x" * 5_000
HOSTILE_ID = HOSTILE[:60]


def _at(state: State, ms: int) -> Frame:
    return frame(state, T0 + ms)


def _row(made: Frame, name: str = "/") -> EndpointRow:
    (row,) = [row for row in made.endpoints if row.name == name]
    return row


def _worker(made: Frame, name: str = "w1") -> WorkerRow:
    (row,) = [row for row in made.workers if row.name == name]
    return row


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)
    elif is_record(type(value)):
        for field in fields_of(type(value)):
            yield from _texts(getattr(value, field.name))


# ------------------------------------------------------------------ laws


@settings(max_examples=80, deadline=None)
@given(st.data(), log_entries(), report_entries(), st.integers(-12_000, 60_000))
def test_live_and_replay_show_the_same(data: st.DataObject, log: list[Entry], reports: list[Entry], ms: int) -> None:
    """A frame is a function of entries and moment, in any interleaving, from a keyframe or not; it changes nothing."""
    state = fold_all(data.draw(woven(log, reports)))
    before = state.packed()
    made = _at(state, ms)
    assert repr(made) == repr(_at(keyframed(state), ms)) == repr(_at(fold_all(data.draw(woven(log, reports))), ms))
    assert state.packed() == before


@settings(max_examples=80, deadline=None)
@given(log_entries(), report_entries(), st.integers(-12_000, 60_000))
def test_the_figures_of_a_frame_agree_with_each_other(log: list[Entry], reports: list[Entry], ms: int) -> None:
    """The total is the sum of the rows, the ledger balances, percentiles lie between minimum and maximum."""
    made = _at(fold_all(log + reports), ms)
    assert made.total.requests == sum(row.requests for row in made.endpoints)
    assert made.total.failures == sum(row.failures for row in made.endpoints)
    ledger = made.ledger
    assert ledger.planned_user_ms + ledger.surplus_user_ms == ledger.ran_user_ms + ledger.missing_user_ms
    ends = (ledger.iterations_finished, ledger.iterations_failed, ledger.iterations_cancelled)
    assert ledger.iterations_started == sum(ends) + ledger.iterations_in_flight + ledger.iterations_unknown
    for row in (made.total, *made.endpoints):
        assert row.min_us <= row.median_us <= row.p95_us <= row.p99_us <= row.max_us
    assert len({len(getattr(made.chart, f.name)) for f in fields_of(Chart)[2:]}) == 1
    assert made.completeness.workers_reporting <= made.completeness.workers_expected


# ------------------------------------------------------------------ rates


def _steady(*names: str, until: int = 10) -> list[Any]:
    return [
        *running(*names),
        *[reported(n, seq, requests=20, failures=2) for seq in range(1, until + 1) for n in names],
    ]


def test_a_rate_is_the_mean_of_three_whole_seconds() -> None:
    """Twenty requests a second, two of them failed, of each of two workers."""
    made = _at(folded(*_steady("w1", "w2")), 10_400)
    assert (_row(made).rps_milli, _row(made).failures_milli) == (40_000, 4_000)
    assert (made.total.rps_milli, made.total.requests) == (40_000, 400)
    assert made.total.total_rps_milli == 400 * 1_000_000 // 10_400


def test_the_rate_waits_for_the_slowest_worker_and_not_for_ever() -> None:
    """Its last second is one that everybody has reported; after three seconds the window moves on without them."""
    late = [reported("w1", seq, requests=20) for seq in (11, 12)]
    state = folded(*_steady("w1", "w2"), *late)
    assert _row(_at(state, 12_100)).rps_milli == 40_000
    assert _row(_at(state, 16_000)).rps_milli < 40_000


def test_rates_fall_to_zero_when_reports_stop() -> None:
    """A target or a fleet that went silent shows 0, not its last good second."""
    state = folded(*_steady("w1"))
    silent_s = PATIENCE_S + WINDOW_S
    assert _row(_at(state, 10_000 + 1_000 * silent_s - 1_000)).rps_milli > 0
    assert _row(_at(state, 10_000 + 1_000 * silent_s)).rps_milli == 0
    assert _row(_at(state, 60_000)).requests == 200


def test_a_rate_is_never_that_of_the_future() -> None:
    """A worker whose clock is ahead reports seconds that have not been."""
    state = folded(*running("w1"), by("w1", 1, report(block(50, 90), to_ms=51_000)))
    assert _row(_at(state, 10_000)).rps_milli == 0


# ------------------------------------------------------------------ completeness


def test_how_complete_the_figures_are() -> None:
    """Of those who own slots and are not gone: how many report, and up to when all have."""
    state = folded(
        *running("w1", "w2", "w3"), reported("w1", 1), reported("w1", 9), reported("w2", 7), reported("w3", 1)
    )
    made = _at(state, 9_500).completeness
    assert (made.workers_reporting, made.workers_expected, made.complete_to_ms) == (2, 3, T0 + 1_000)
    fold_all([], state)
    gone = folded(
        *running("w1", "w2", "w3"), reported("w1", 9), reported("w2", 7), reported("w3", 1), at(9_000, lost("w3"))
    )
    made = _at(gone, 9_500).completeness
    assert (made.workers_reporting, made.workers_expected, made.complete_to_ms) == (2, 2, T0 + 7_000)


def test_figures_are_complete_to_nothing_while_a_worker_has_said_nothing() -> None:
    """And with no owners at all, to what there is."""
    made = _at(folded(*running("w1", "w2"), reported("w1", 4)), 5_000).completeness
    assert (made.workers_reporting, made.workers_expected, made.complete_to_ms) == (1, 2, 0)
    alone = _at(folded(opened(), reported("w1", 4)), 5_000).completeness
    assert (alone.workers_reporting, alone.workers_expected, alone.complete_to_ms) == (0, 0, T0 + 4_000)


# ------------------------------------------------------------------ the run


def test_the_header_before_during_and_after() -> None:
    """Phase, times, users, outcome."""
    history: list[Any] = [opened(10, 10.0, run_time_ms=60_000), *ready("w1")]
    header = _at(folded(*history), -2_000).run
    assert (header.phase, header.began_ms, header.elapsed_ms, header.users_planned) == ("waiting", 0, 0, 0)
    assert (header.host, header.classes, header.planned_ms) == ("http://shop", ("Buyer", "Reader"), 60_000)
    history += [started(), planned("w1", end_ms=60_000), reported("w1", 5, users=9)]
    header = _at(folded(*history), 5_500).run
    assert (header.phase, header.elapsed_ms, header.users_planned, header.users_running) == ("running", 5_500, 10, 9)
    history += [at(6_000, stopped()), at(7_000, closed(1))]
    header = _at(folded(*history), 90_000).run
    assert (header.phase, header.elapsed_ms, header.users_planned, header.users_running) == ("closed", 6_000, 0, 0)
    assert (header.outcome, header.reason, header.exit_code) == ("stopped", "an operator's wish", 1)


def test_a_closed_run_says_what_became_of_its_workers() -> None:
    """Nobody runs any more: finished with a last report, silent without one; lost and left stay what they are."""
    history = [*running("w1", "w2", "w3", "w4"), changed("w1", "running"), changed("w2", "running"), lost("w3")]
    history += [left("w4"), planned("w1", "w2"), finished("w1", 1), at(6_000, stopped())]
    assert [w.state for w in _at(folded(*history), 7_000).workers] == ["running", "running", "lost", "left"]
    made = _at(folded(*history, at(20_000, closed(1))), 21_000)
    assert [w.state for w in made.workers] == ["finished", "silent", "lost", "left"]
    assert not any(w.running for w in made.workers)


def test_what_has_no_latency_is_counted_apart() -> None:
    """So that whoever draws the frame shows a dash where there is no figure."""
    silent = ev.Block(T0_S, 1, {("GET", "/"): Tally(requests=2, untimed=2)}, {})
    made = _at(folded(*running("w1"), by("w1", 1, report(silent))), 2_000)
    assert (_row(made).untimed, made.total.untimed, made.total.is_timed) == (2, 2, False)


@settings(max_examples=20, deadline=None)
@given(st.integers(20_000, 10**9))
def test_a_closed_run_stands_still(ms: int) -> None:
    """A frame an hour later is the frame of the moment of closing."""
    state = folded(*_steady("w1"), at(11_000, stopped()), at(12_000, closed()))
    assert _at(state, ms) == _at(state, 12_000)
    assert _at(state, ms).at_ms == T0 + 12_000


def test_users_of_the_gone_do_not_run() -> None:
    """Neither of a lost worker, nor of one that left."""
    state = folded(*running("w1", "w2", "w3"), *[reported(n, 1) for n in ("w1", "w2", "w3")], lost("w2"), left("w3"))
    made = _at(state, 1_500)
    assert (made.run.users_running, [w.users for w in made.workers]) == (5, [5, 0, 0])


# ------------------------------------------------------------------ workers


def test_a_workers_row_joins_what_masters_and_workers_wrote() -> None:
    """State and heartbeat of the log, users and generators of the reports."""
    generators = (ev.GeneratorState(1, 7, "running", 3, 12), ev.GeneratorState(2, 8, "gone", 0, 999))
    sent = by("w1", 1, report(users={"Buyer": 3, "Reader": 1}, generators=generators))
    row = _worker(_at(folded(*running("w1", "w2"), changed("w1", "running"), sent, at(1_000, ticked("w1"))), 1_500))
    assert (row.state, row.users, row.users_by_class) == ("running", 4, (("Buyer", 3), ("Reader", 1)))
    assert (row.generators, row.generators_alive, row.lag_ms) == (2, 1, 12)
    assert (row.heartbeat_age_ms, row.report_age_ms, row.share_permille) == (600, 500, 500)
    assert (row.cpu_permille, row.memory_bytes) == (250, 1 << 20)


def test_workers_stand_in_the_order_of_their_numbers() -> None:
    """Ten after two."""
    made = _at(folded(opened(), *[seen(f"w{n}") for n in (10, 2, 1)]), 0)
    assert [row.name for row in made.workers] == ["w1", "w2", "w10"]


def test_a_worker_in_a_new_life_starts_from_nothing() -> None:
    """What its old life reported stays in the totals, not in its row."""
    state = folded(*running("w1"), reported("w1", 1, requests=9), at(1_000, lost("w1")), seen("w1", 2))
    row = _worker(_at(state, 2_000))
    assert (row.state, row.users, row.report_age_ms, row.incarnation) == ("waiting", 0, None, "w1.2")
    assert _at(state, 2_000).total.requests == 9


# ------------------------------------------------------------------ tables, story, chart


def test_failures_and_exceptions_come_with_the_most_frequent_first() -> None:
    """Exceptions name the workers, in order."""
    failures = (ev.FailureTally("GET", "/", "rare", 1, 5, 6), ev.FailureTally("GET", "/", "often", 7, 5, 6))
    boom = (ev.ExceptionTally("boom", "line 1\nline 2", 2),)
    state = folded(
        *running("w1", "w2"),
        by("w2", 1, report(failures=failures, exceptions=boom)),
        by("w1", 1, report(failures=failures, exceptions=boom)),
    )
    made = _at(state, 1_000)
    assert [(f.error, f.occurrences) for f in made.failures] == [("often", 14), ("rare", 2)]
    (row,) = made.exceptions
    assert (row.message, row.traceback, row.occurrences, row.workers) == ("boom", "line 1\nline 2", 4, ("w1", "w2"))


def test_a_generator_that_died_is_in_the_story_and_in_the_ledger() -> None:
    """At its moment, by its worker's name, with what was never sent."""
    died = by("w1", 1, ev.GeneratorLost(2, 7, T0 + 1_000, T0 + 1_700, "killed by signal 9", 5))
    made = _at(folded(*running("w1"), at(5_000, ticked()), died, at(6_000, ev.Noted("a", "info", "later"))), 7_000)
    (row,) = [r for r in made.story if r.kind == "gl"]
    assert row.text == "generator 2 of w1 died (killed by signal 9): its last 700 ms were never sent"
    assert [r.at_ms for r in made.story] == sorted(r.at_ms for r in made.story)
    assert made.ledger.lost_intervals == 1


def test_rows_of_one_moment_stand_in_the_same_order_live_and_replayed() -> None:
    """A keyframe sorts what a live fold holds in the order in which it came."""
    died = [by("w1", n, ev.GeneratorLost(3 - n, 7, T0, T0 + 1_000, "killed")) for n in (1, 2)]
    alike = [report(failures=(ev.FailureTally("GET", "/", f"no\x00{c}", 1, 0, n),)) for n, c in enumerate("\x01\x00")]
    state = folded(*running("w1", "w2"), *died, *[by("w2", n, event) for n, event in enumerate(alike, 1)])
    assert _at(state, 2_000) == _at(keyframed(state), 2_000)


def test_the_ledger_says_what_is_missing() -> None:
    """Planned 5.5 and 10 user-seconds, ran one; what nobody has reported yet is not missing until the run is closed."""
    history = (*running("w1"), reported("w1", 1), at(2_000, ticked()))
    ended = (at(2_000, stopped()), at(2_100, closed()))
    going, over = _at(folded(*history), 2_000).ledger, _at(folded(*history, *ended), 2_100).ledger
    assert (going.planned_user_ms, going.ran_user_ms, going.missing_user_ms) == (5_500, 1_000, 4_500)
    assert (over.planned_user_ms, over.ran_user_ms, over.missing_user_ms) == (15_500, 1_000, 14_500)
    assert going.surplus_user_ms == over.surplus_user_ms == 0


def test_the_chart_sets_the_plan_beside_what_ran() -> None:
    """Second by second, in the units that the names say."""
    state = folded(*_steady("w1", until=4), at(4_000, ticked()), at(5_000, stopped()), at(6_000, closed()))
    chart = _at(state, 6_000).chart
    assert (chart.start_ms, chart.step_ms) == (T0, 1_000)
    assert chart.rps_milli[:4] == (20_000,) * 4
    assert chart.failures_milli[:4] == (2_000,) * 4
    assert chart.users_running_milli[:4] == (1_000,) * 4
    assert chart.users_planned[1:4] == (10, 10, 10)
    assert all(abs(us - 1_000) <= 5 for us in chart.p50_us[:4])


def test_the_chart_ends_with_the_last_whole_second_of_the_plan() -> None:
    """The plan is added up to the master's last tick: of a part of a second there would be a part of the users."""
    going = folded(*_steady("w1", until=4), at(3_400, ticked()))
    chart = _at(going, 4_000).chart
    assert chart.users_planned[1:] == (10, 10)
    assert _at(folded(*_steady("w1", until=4), at(4_000, ticked())), 4_000).chart.users_planned[1:] == (10, 10, 10)


def test_a_second_of_another_century_does_not_fill_the_memory() -> None:
    """One worker that says it is 1970, and gives its entry the id of that: the chart coarsens, it does not grow."""
    stray = ev.Reported(5_000, 6_000, (replace(block(), second=5),))
    fields = encode(ev.ByWorker("w1.1", 1, 1, 6_000, stray))
    state = fold_all([entry_of("reports", EntryId(6_000, 0), fields)])
    fold_all(entries(*running("w1"), reported("w1", 2), at(3_000, ticked())), state)
    chart = _at(state, 5_000).chart
    assert len(chart.rps_milli) <= POINTS_MAX
    assert _at(state, 5_000).total.requests == 2


def test_counts_of_entries_that_were_not_believed() -> None:
    """Refused and skipped, of both streams."""
    history = [
        Entry("log", EntryId(1, 0), "nt", 1, b"?"),
        Entry("reports", EntryId(1, 0), "rp", 1, b"?"),
        Entry("reports", EntryId(2, 0), "zz", 1, b"\x00"),
    ]
    made = _at(fold_all(history), 0)
    assert (made.bad_entries, made.skipped_entries) == (2, 1)


def test_nothing_at_all_is_a_frame_too() -> None:
    """Before the first entry."""
    made = frame(State(), 0)
    assert (made.run.phase, made.total.requests, made.endpoints, made.workers, made.story) == ("waiting", 0, (), (), ())


# ------------------------------------------------------------------ hostile text


def _is_harmless(text: str) -> bool:
    lines = text.split("\n")  # a traceback has lines
    bad = {unicodedata.category(c) for line in lines for c in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return not bad and max(map(len, lines)) <= 400 and len(lines) <= 60


def test_a_host_with_a_password_is_shown_without_it() -> None:
    """A picture is shown to colleagues; the log has the host as the generators need it."""
    state = folded(opened(host="http://ann:s3cret@shop.example"))
    assert frame(state, T0).run.host == "http://[redacted]@shop.example"


def test_hostile_text_is_cleaned_wherever_it_stands() -> None:
    """Names, hosts, errors, reasons, notes, states: no control or format character reaches a frame, and no end."""
    event = replace(
        opened().event,  # type: ignore[type-var]
        run=HOSTILE,
        fleet=HOSTILE,
        author=HOSTILE,
        file=HOSTILE,
        classes=(ev.ClassSpec(HOSTILE, host=HOSTILE),),
    )
    sent = report(
        ev.Block(T0_S, 1, {(HOSTILE, HOSTILE): tally()}, {HOSTILE: 1}),
        failures=(ev.FailureTally(HOSTILE, HOSTILE, HOSTILE, 1, 0, 0),),
        exceptions=(ev.ExceptionTally(HOSTILE, HOSTILE, 1),),
        users={HOSTILE: 1},
    )
    made = _at(
        folded(
            at(-10_000, event),
            started(),
            ev.WorkerSeen(HOSTILE, HOSTILE, HOSTILE_ID, HOSTILE, 1, 1),
            ev.WorkerChanged(HOSTILE, HOSTILE_ID, HOSTILE, True, True, True, HOSTILE),  # noqa: FBT003 - as it is decoded
            ev.WorkerRefused(HOSTILE + "2", HOSTILE, HOSTILE + "2", HOSTILE),
            ev.PlanSet(1, 0, (), None, (HOSTILE_ID,), b"\x00\x00", HOSTILE),
            ev.Noted(HOSTILE, HOSTILE, HOSTILE),
            ev.ByWorker(HOSTILE_ID, 1, 1, T0, sent),
            ev.ByWorker(HOSTILE_ID, 2, 2, T0, ev.GeneratorLost(1, 1, T0, T0, HOSTILE)),
            ev.StopOrdered(HOSTILE, HOSTILE, HOSTILE, 0),
            ev.RunClosed(HOSTILE, HOSTILE, 0),
        ),
        5_000,
    )
    texts = list(_texts(made))
    assert len(texts) > 40
    assert [text for text in texts if not _is_harmless(text)] == []
