from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from draws import log_entries, report_entries, woven
from histories import (
    T0,
    T0_S,
    at,
    block,
    by,
    changed,
    entries,
    finished,
    fold_all,
    folded,
    keyframed,
    left,
    life,
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

from tidal.model import counting, fresh
from tidal.model import events as ev
from tidal.model import fold as folding
from tidal.model.codec import LOG, REPORTS, Entry, EntryId, encode, entry_of, unpack
from tidal.model.fold import AHEAD_MAX, INCARNATIONS_MAX
from tidal.model.ledger import planned_users
from tidal.model.samples import COUNT_MAX
from tidal.model.state import INTENTS_KEPT, INTERVALS_KEPT, STORY_MAX, State
from tidal.model.stats import Tally
from tidal.model.struct import replace

if TYPE_CHECKING:
    from tidal.model.state import LogHalf, ReportHalf

# ------------------------------------------------------------------ laws


@settings(max_examples=80, deadline=None)
@given(st.data(), log_entries(), report_entries())
def test_many_at_a_time_fold_to_the_same_state(data: st.DataObject, log: list[Entry], reports: list[Entry]) -> None:
    """However the entries are cut into portions."""
    found, state = data.draw(woven(log, reports)), State()
    middle = data.draw(st.integers(0, len(found)))
    folding.fold_entries(state, found[:middle])
    folding.fold_entries(state, found[middle:])
    assert state.packed() == fold_all(found).packed()


def test_what_waits_to_be_counted_is_bounded() -> None:
    """Reports with ever new endpoints are counted before the portion ends."""
    parts = [[("GET", f"/{part}/{n}") for n in range(2_000)] for part in range(12)]
    blocks = [ev.Block(T0_S, 1, dict.fromkeys(part, tally())) for part in parts]
    state, size = State(), 0
    for entry in entries([by("w1", number, report(made)) for number, made in enumerate(blocks, 1)]):
        folding.fold_loosely(state, entry)
        size = max(size, state.reports._fresh.size)
    assert size <= fresh.FRESH_MAX
    assert state.reports.total.requests >= fresh.FRESH_MAX


def test_what_waits_of_a_run_without_requests_is_bounded_too() -> None:
    """Its blocks have user-time alone."""
    blocks = [ev.Block(T0_S + n % 9, 1, {}, {"Buyer": 1}) for n in range(fresh.FRESH_MAX // 100)]
    state, sizes = State(), []
    for entry in entries([by("w1", number, report(*blocks)) for number in range(1, 121)]):
        folding.fold_loosely(state, entry)
        sizes.append(state.reports._fresh.size)
    assert sizes[0] == len(blocks)
    assert max(sizes) <= fresh.FRESH_MAX
    assert sizes[-1] < sizes[98]
    assert state.reports.user_ms == 120 * len(blocks)


@settings(max_examples=150, deadline=None)
@given(st.data(), log_entries(), report_entries())
def test_reports_commute(data: st.DataObject, log: list[Entry], reports: list[Entry]) -> None:
    """Any interleaving of the two streams that keeps the order of each folds to the same bytes."""
    one = data.draw(woven(log, reports))
    other = data.draw(woven(log, reports))
    assert fold_all(one).packed() == fold_all(other).packed() == fold_all(log + reports).packed()


@settings(max_examples=80, deadline=None)
@given(st.data(), report_entries())
def test_the_order_of_reports_matters_to_no_count(data: st.DataObject, reports: list[Entry]) -> None:
    """Handed in in another order, reports add up to the same counts, series and gauges."""
    other = data.draw(st.permutations(reports))
    mine, theirs = fold_all(reports).reports, fold_all(other).reports
    for state in (mine, theirs):  # which failure, which line of one moment came last: no more may depend on the order
        state.load_failures = {}
        state.lines.kept.sort(key=lambda each: (each[1].at_ms, each[0], repr(each[1])))
    assert State(reports=mine).packed() == State(reports=theirs).packed()


@settings(max_examples=80, deadline=None)
@given(report_entries())
def test_the_total_is_all_endpoints_in_one(reports: list[Entry]) -> None:
    """What is added up as reports come equals what merging all endpoints gives."""
    half, merged = fold_all(reports).reports, Tally()
    for record in half.endpoints.values():
        merged.merge(record.tally)
    assert half.total == merged


def _without_counters(state: State) -> State:
    for half in (state.log, state.reports):
        _zero(half)
    return state


def _zero(half: LogHalf | ReportHalf) -> None:
    half.repeats = half.skipped = half.refused.count = 0
    if hasattr(half, "fenced"):
        half.fenced = 0


@settings(max_examples=80, deadline=None)
@given(st.data(), log_entries(), report_entries())
def test_an_entry_folded_twice_counts_once(data: st.DataObject, log: list[Entry], reports: list[Entry]) -> None:
    """Every entry twice, at once or all over again, folds to the same state, counters of repeats apart."""
    history = data.draw(woven(log, reports))
    once = _without_counters(fold_all(history)).packed()
    assert _without_counters(fold_all([e for entry in history for e in (entry, entry)])).packed() == once
    assert _without_counters(fold_all(history, fold_all(history))).packed() == once


@settings(max_examples=80, deadline=None)
@given(st.data(), log_entries(), report_entries())
def test_a_keyframe_stands_for_what_it_covers(data: st.DataObject, log: list[Entry], reports: list[Entry]) -> None:
    """Folding on from a keyframe taken anywhere equals folding straight on."""
    history = data.draw(woven(log, reports))
    cut = data.draw(st.integers(0, len(history)))
    again = keyframed(fold_all(history[:cut]))
    assert again.packed() == fold_all(history[:cut]).packed()
    assert fold_all(history[cut:], again).packed() == fold_all(history).packed()


@settings(max_examples=50, deadline=None)
@given(log_entries())
def test_older_epochs_change_nothing(log: list[Entry]) -> None:
    """After a newer master has written, whatever an older one appends is fenced off."""
    newer = entries(at(60_000, ev.MasterTook("b", 2, "0"), epoch=99))
    before = _without_counters(fold_all([*log, *newer])).log
    after = _without_counters(fold_all([*log, *newer, *log])).log
    assert State(log=after).packed() == State(log=before).packed()


# ------------------------------------------------------------------ identity


def test_a_report_counts_once_however_often_it_is_handed_in() -> None:
    """The same range again is a repeat, and nothing of it is counted."""
    state = folded(reported("w1", 1, requests=3), reported("w1", 1, requests=3))
    assert state.reports.endpoints["GET", "/"].tally.requests == 3
    assert state.reports.repeats == 1


def test_a_gap_is_filled_later() -> None:
    """Reports beyond a gap count at once; the watermark waits for the missing one."""
    state = folded(reported("w1", 1), reported("w1", 3), reported("w1", 4))
    assert (state.reports.incarnations["w1.1"].watermark, state.reports.user_ms) == (1, 3_000)
    fold_all(entries(reported("w1", 2)), state)
    record = state.reports.incarnations["w1.1"]
    assert (record.watermark, record.ahead, state.reports.user_ms) == (4, {}, 4_000)


def test_the_gauges_are_those_of_the_newest_report() -> None:
    """A late report adds its counts and leaves the gauges alone."""
    state = folded(reported("w1", 2, users=7), reported("w1", 1, users=3))
    assert state.reports.incarnations["w1.1"].users == {"Buyer": 7}
    assert state.reports.incarnations["w1.1"].to_ms == T0 + 2_000
    generators = tuple(
        ev.GeneratorState(n, 7, word, 1, lag_ms)
        for n, (word, lag_ms) in enumerate([("running", 3), ("running", 40), ("gone", 900)])
    )
    record = folded(by("w1", 1, report(generators=generators))).reports.incarnations["w1.1"]
    assert (record.generators, record.generators_alive, record.lag_ms) == (3, 2, 40)


def test_an_overlapping_range_is_refused_by_name() -> None:
    """A range that is neither new nor a repeat cannot be told apart: it is refused, counted and named."""
    state = folded(reported("w1", 1), by("w1", 3, report(block()), last=5), by("w1", 4, report(block()), last=7))
    assert state.reports.refused.count == 1
    assert "4..7 overlaps what w1.1 sent" in state.reports.refused.why
    assert state.reports.user_ms == 2_000


@pytest.mark.parametrize(
    ("first", "last", "repeats", "refused"), [(1, 3, 1, 0), (3, 3, 1, 0), (3, 4, 0, 1), (2, 9, 0, 1), (4, 9, 0, 0)]
)
def test_a_range_is_a_repeat_an_overlap_or_new(first: int, last: int, repeats: int, refused: int) -> None:
    """To the number, where 1 to 3 were counted."""
    state = folded(by("w1", 1, report(block()), last=3), by("w1", first, report(block()), last=last))
    assert (state.reports.repeats, state.reports.refused.count) == (repeats, refused)
    assert state.reports.user_ms == (1_000 if repeats or refused else 2_000)


def test_ranges_beyond_a_gap_are_joined() -> None:
    """What is noted grows with the gaps, not with the reports behind them; a part of what was counted is a repeat."""
    state = folded(*[reported("w1", seq) for seq in (9, 5, 3, 4, 6, 8)])
    record = state.reports.incarnations["w1.1"]
    assert (record.watermark, record.ahead) == (0, {3: 6, 8: 9})
    fold_all(entries(by("w1", 4, report(block()), last=5)), state)
    assert (state.reports.repeats, state.reports.refused.count) == (1, 0)
    fold_all(entries(reported("w1", 7), by("w1", 1, report(block()), last=2)), state)
    assert (record.watermark, record.ahead, state.reports.user_ms) == (9, {}, 8_000)


def test_more_gaps_than_a_worker_makes_are_refused() -> None:
    """What fills the first gap is taken all the same, so that a worker gets on."""
    state = folded(*[reported("w1", 2 * n) for n in range(1, AHEAD_MAX + 11)])
    record = state.reports.incarnations["w1.1"]
    assert (len(record.ahead), state.reports.refused.count) == (AHEAD_MAX, 10)
    assert "too many gaps" in state.reports.refused.why
    fold_all(entries(reported("w1", 1)), state)
    assert (record.watermark, len(record.ahead)) == (2, AHEAD_MAX - 1)


def test_incarnations_are_bounded() -> None:
    """A flood of lives is counted as refused; those that are known go on."""
    state = folded(*[reported(f"w{n}", 1) for n in range(INCARNATIONS_MAX + 5)])
    assert len(state.reports.incarnations) == INCARNATIONS_MAX
    assert state.reports.refused.count == 5
    fold_all(entries(reported("w0", 2)), state)
    assert state.reports.incarnations["w0.1"].watermark == 2


@pytest.mark.parametrize("second", [0, T0_S - 3_700, T0_S + 70, T0_S + 3_700, (1 << 40) - 1])
def test_a_block_far_outside_of_the_run_is_refused_alone(second: int) -> None:
    """It would coarsen the chart and blank the current rates; the rest of the report counts, and its range is done."""
    stray = replace(block(), second=second)
    state = folded(*running("w1"), by("w1", 1, report(block(0), stray)), reported("w1", 2))
    assert (state.reports.series.step_s, state.reports.latest_s) == (1, T0_S + 1)
    assert (state.reports.user_ms, state.reports.incarnations["w1.1"].watermark) == (2_000, 2)
    assert state.reports.refused.count == 1
    assert "1 block far outside of the run, in a report of w1.1" in state.reports.refused.why


def test_a_block_that_lasts_for_ages_is_refused_alone() -> None:
    """Its end would coarsen the chart as well."""
    state = folded(*running("w1"), by("w1", 1, report(block(0), replace(block(), span=1 << 19))))
    assert (state.reports.series.step_s, state.reports.user_ms, state.reports.refused.count) == (1, 1_000, 1)


EVER_MS = ev.MOMENT_MS_MAX - 1


@pytest.mark.parametrize(("sent_ms", "from_ms", "to_ms"), [(EVER_MS, 0, EVER_MS), (0, 0, 0), (EVER_MS, 0, T0 + 1_000)])
def test_a_worker_whose_every_moment_is_wrong_is_not_believed(sent_ms: int, from_ms: int, to_ms: int) -> None:
    """It sends, begins and ends in another age: what Redis said of the entries bounds what the run was."""
    strays = [replace(block(), second=second) for second in (0, 1, T0_S // 2, T0_S * 2, (1 << 40) - 1)]
    gauges = {"users": {"Buyer": 5}, "generators": (ev.GeneratorState(0, 1, "running", 5),)}
    failure = ev.FailureTally("GET", "/", "no", 1, from_ms, to_ms)
    line = ev.LogLine(EVER_MS, "info", "x", "hello")
    wild = ev.Reported(from_ms, to_ms, (block(0), *strays), (failure,), lines=(line,), **gauges)  # type: ignore[arg-type]
    *others, told, last = entries(*running("w1", "w2"), reported("w1", 1), by("w2", 1, wild), reported("w1", 2))
    told = entry_of(REPORTS, told.id, encode(replace(by("w2", 1, wild), at_ms=sent_ms)))
    reports = fold_all([*others, told, last]).reports
    mine, failed = reports.incarnations["w2.1"], reports.failures["GET", "/", "no"]
    assert (reports.series.step_s, mine.strain.step_s, reports.latest_s) == (1, 1, T0_S + 1)
    moments = [failed.first_ms, failed.last_ms, mine.to_ms, reports.lines.kept[-1][1].at_ms * (sent_ms > 0) or T0]
    assert all(T0 <= moment_ms <= T0 + 1_000 for moment_ms in moments)
    assert (reports.user_ms, reports.refused.count) == (3_000, 1)
    assert "5 blocks and moments of failures" in reports.refused.why


def test_a_generator_that_died_in_another_age_is_told_of_the_run_alone() -> None:
    """What was never sent is no longer than the run: else the story would speak of decades."""
    gone = ev.GeneratorLost(0, 1, 0, EVER_MS, "signal 9")
    state = folded(*running("w1"), reported("w1", 1), by("w1", 2, gone))
    (((to_ms, _, _), (from_ms, _)),) = state.reports.lost_intervals.items()
    assert (from_ms, to_ms, state.reports.refused.count) == (T0 + 1_000, T0 + 2_000, 1)


def test_what_an_outage_held_back_is_believed() -> None:
    """Reports of before it come after it, from a worker that nobody had heard of: Redis was away for half an hour."""
    state = folded(*running("w1"), replace(reported("w1", 1), at_ms=T0 + 1_800_000))
    assert (state.reports.user_ms, state.reports.refused.count) == (1_000, 0)


def test_a_report_from_the_future_ends_when_it_came() -> None:
    """Its end would make every other worker look silent; what it measured counts."""
    future = report(block(), to_ms=9_000_000)
    state = folded(*running("w1"), by("w1", 1, replace(future, from_ms=T0)))
    record = state.reports.incarnations["w1.1"]
    assert (record.to_ms, state.reports.user_ms, state.reports.refused.count) == (T0 + 1_000, 1_000, 1)
    assert "its end far outside of the run, in a report of w1.1" in state.reports.refused.why


def test_sums_beyond_63_bits_can_be_kept() -> None:
    """However great the numbers of however many reports: a keyframe can be packed, read, and is the same again."""
    key = ("GET", "/")
    huge = Tally(1, 1, COUNT_MAX - 1, 0, COUNT_MAX - 1, 1, COUNT_MAX - 1, COUNT_MAX - 1, {5: 1})
    state = folded(reported("w1", 1), by("w1", 2, report(ev.Block(T0_S, 1, {key: huge}, {"Buyer": COUNT_MAX - 1}))))
    tally = state.reports.endpoints[key].tally
    for _ in range(70):  # as many endpoints in one name, and as many reports, as it takes
        tally.merge(tally.copy())
        state.reports.user_ms *= 2
    packed = state.packed()
    again = State.from_wire(unpack(packed, 1 << 20))
    assert again.packed() == packed
    more = entries(reported("w1", 3))
    assert fold_all(more, again).packed() == fold_all(more, state).packed()


def test_lives_of_one_worker_are_counted_apart() -> None:
    """A worker that came back numbers its reports anew."""
    state = folded(reported("w1", 1), reported("w1", 1, number=2))
    assert set(state.reports.incarnations) == {"w1.1", "w1.2"}
    assert state.reports.repeats == 0


def test_nonsense_is_counted_and_named_in_its_own_half() -> None:
    """A bad entry stops nothing; the greatest id is the one that is named."""
    bad = [Entry(REPORTS, EntryId(5, 1), "rp", 1, b"?"), Entry(REPORTS, EntryId(5, 0), "rp", 1, b"")]
    state = fold_all([*bad, Entry(LOG, EntryId(9, 0), "", 1, b""), *entries(opened())])
    assert (state.reports.refused.count, state.reports.refused.id) == (2, "5-1")
    assert (state.log.refused.count, state.log.run) == (1, "r1")


def test_a_newer_schema_is_refused_and_an_unknown_kind_skipped() -> None:
    """Both are counted, apart from each other."""
    state = fold_all([Entry(LOG, EntryId(1, 0), "ro", 2, b"\x00\x90"), Entry(LOG, EntryId(2, 0), "zz", 1, b"\x00")])
    assert (state.log.refused.count, state.log.skipped) == (1, 1)
    assert "schema version 2" in state.log.refused.why


def test_positions_say_how_far_each_stream_was_folded() -> None:
    """Even a refused entry moves its stream's position on."""
    state = fold_all([Entry(LOG, EntryId(7, 3), "", 1, b"")])
    assert state.position == {LOG: EntryId(7, 3), REPORTS: EntryId(0, 0)}


# ------------------------------------------------------------------ workers


def test_a_worker_comes_serves_and_is_lost() -> None:
    """Lost: it owns nothing, its lamps are out, its incarnation is over."""
    state = folded(opened(), seen("w1"), changed("w1", "running"), lost("w1"))
    record = state.log.workers["w1"]
    assert (record.state, record.alive, record.running, record.is_gone) == ("lost", False, False, True)
    assert state.log.ended == {"w1.1": "lost"}


def test_a_worker_that_comes_back_is_the_same_worker_with_a_new_life() -> None:
    """The row keeps its name; what is said of the old life no longer touches it."""
    state = folded(opened(), seen("w1"), lost("w1"), seen("w1", 2), changed("w1", "draining", 1), left("w1", 1))
    record = state.log.workers["w1"]
    assert (record.incarnation, record.state, record.is_gone) == ("w1.2", "waiting", False)


def test_what_is_said_of_the_gone_is_ignored() -> None:
    """A change that was written after the loss does not bring a worker back."""
    assert folded(opened(), seen("w1"), lost("w1"), changed("w1", "running")).log.workers["w1"].state == "lost"


def test_a_stranger_that_is_refused_gets_a_row() -> None:
    """So that people see why it does not serve."""
    state = folded(opened(), ev.WorkerRefused("w1", "host-w1", "w1.1", "another schema"))
    assert (state.log.workers["w1"].state, state.log.workers["w1"].why) == ("refused", "another schema")


def test_a_tick_carries_the_heartbeats() -> None:
    """Each known worker's beat is kept with its moment; an unknown name is nobody."""
    state = folded(opened(), seen("w1"), at(5_000, ticked("w1", "w9")))
    record = state.log.workers["w1"]
    assert record.beat is not None
    assert (record.beat.age_ms, record.beat_at_ms, state.log.ticked_ms) == (100, T0 + 5_000, T0 + 5_000)


# ------------------------------------------------------------------ the plan


def test_planned_users_follow_the_plan_in_force() -> None:
    """Before the start nobody, then the ramp, then the newer plan from its moment on, after the end nobody."""
    later = planned("w1", users=2, number=2, from_ms=5_000, end_ms=8_000)
    state = folded(running("w1", users=10, rate=10.0), at(4_000, later))
    wanted = {ms: planned_users(state.log, ms) for ms in (-1, 0, 450, 4_999, 5_000, 6_000, 7_999, 8_000)}
    assert wanted == {-1: 0, 0: 1, 450: 5, 4_999: 10, 5_000: 1, 6_000: 2, 7_999: 2, 8_000: 0}


def test_the_planned_user_time_is_the_sum_of_the_curve() -> None:
    """By hand: ten users at ten a second are 5.5 s of user-time in the first second, then 10 a second."""
    state = folded(running("w1", users=10, rate=10.0), at(3_000, ticked()))
    assert state.log.planned_user_ms == 5_500 + 2 * 10_000
    assert [p.user_ms for _, p in sorted(state.log.planned.points.items())] == [5_500, 10_000, 10_000]


def test_the_planned_user_time_keeps_to_each_step_of_each_plan() -> None:
    """Also in a second in which a plan is replaced, and one in which the last one ends."""
    later = planned("w1", users=7, rate=3.0, number=2, from_ms=2_300, end_ms=4_450)
    history = [
        opened(),
        *ready("w1"),
        started(),
        at(0, planned("w1", users=9, rate=4.0, end_ms=9_999)),
        at(1_000, later),
    ]
    state = folded(*history, at(6_000, ticked()))
    assert state.log.planned_user_ms == sum(planned_users(state.log, ms) for ms in range(6_000))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 700_000), max_size=8))
def test_the_cut_of_the_ticks_does_not_change_what_was_planned(ticks: list[int]) -> None:
    """However often the master looked around, the same user-time was planned."""
    history = running("w1", users=30, rate=10.0)
    state = folded(history, [at(ms, ticked()) for ms in sorted(ticks)], at(700_000, ticked()))
    straight = folded(history, at(700_000, ticked()))
    assert {i: p.user_ms for i, p in state.log.planned.points.items()} == {
        i: p.user_ms for i, p in straight.log.planned.points.items()
    }
    assert state.log.planned_s == straight.log.planned_s
    assert state.log.planned_user_ms == straight.log.planned_user_ms == 700_000 * 30 - sum(range(30)) * 100


def test_nothing_is_planned_after_a_stop() -> None:
    """The ledger's planned user-time ends with the order to stop."""
    state = folded(running("w1", users=1), at(2_000, stopped()), at(9_000, ticked()))
    assert state.log.planned_user_ms == 2_000


def test_a_clock_that_jumps_by_a_year_does_not_hang_the_fold() -> None:
    """Planned time is added up in the steps of the series, so a jump costs thousands of steps, not millions."""
    year_ms = 365 * 86_400_000
    state = folded(running("w1", users=1), at(year_ms, ticked()))
    assert state.log.planned_user_ms == year_ms
    assert state.log.planned.last_s == T0_S + year_ms // 1000 - 1


# ------------------------------------------------------------------ bounds


def test_only_the_last_seconds_are_kept_for_current_rates() -> None:
    """Memory of the recent counts does not grow with the run."""
    state = folded([reported("w1", seq) for seq in range(1, 60)])
    assert len(state.reports.endpoints["GET", "/"].recent) == counting.RECENT_S


def test_the_story_keeps_its_beginning() -> None:
    """Beyond the bound the middle goes, and how much of it is counted."""
    notes = [ev.Noted("ann", "info", f"note {i}") for i in range(STORY_MAX + 100)]
    log = folded(opened(), notes).log
    assert (len(log.story), log.story_dropped) == (STORY_MAX, 101)
    assert "opened run" in log.story[0].text
    assert log.story[-1].text.endswith(f"note {STORY_MAX + 99}")


def test_old_intents_are_forgotten_in_the_order_of_their_answers() -> None:
    """The same ones go, whether or not a keyframe was in between."""
    answers = [ev.IntentAccepted(f"{i * 7919 % 2_000:04}", "ann", "stop") for i in range(INTENTS_KEPT + 50)]
    history = entries(opened(), answers)
    straight = fold_all(history)
    taken_up = fold_all(history[900:], keyframed(fold_all(history[:900])))
    assert taken_up.packed() == straight.packed()
    assert list(straight.log.intents)[-1] == answers[-1].id
    assert len(straight.log.intents) == INTENTS_KEPT
    assert answers[0].id not in straight.log.intents


def test_lost_intervals_are_bounded_and_all_counted() -> None:
    """What is beyond the bound is in the count."""
    lost_ones = [by("w1", i, ev.GeneratorLost(1, 7, T0, T0 + i, "killed")) for i in range(1, INTERVALS_KEPT + 11)]
    reports = folded(lost_ones).reports
    assert (len(reports.lost_intervals), reports.lost_count) == (INTERVALS_KEPT, INTERVALS_KEPT + 10)


def test_endpoints_failures_and_exceptions_are_bounded() -> None:
    """An endpoint name with an id in it does not eat the master's memory: the rest is counted as (other)."""
    names = [f"/{i}" for i in range(counting.ENDPOINTS_MAX + 50)]
    parts = [names[i : i + 1_000] for i in range(0, len(names), 1_000)]
    blocks = [ev.Block(T0_S, 1, {("GET", n): tally() for n in part}) for part in parts]
    failures = [ev.FailureTally("GET", "/", f"no {i}", 1, 0, 0) for i in range(folding.FAILURES_MAX + 50)]
    state = folded(
        [by("w1", i, report(b)) for i, b in enumerate(blocks, 1)],
        [by("w2", i, report(failures=tuple(failures[i * 500 - 500 : i * 500]))) for i in range(1, 6)],
    )
    assert len(state.reports.endpoints) == counting.ENDPOINTS_MAX + 1
    assert state.reports.endpoints["", counting.OTHER].tally.requests == 50
    assert state.reports.failures["", counting.OTHER, counting.OTHER].occurrences == 50
    assert len(state.reports.failures) == folding.FAILURES_MAX + 1


def test_long_texts_of_a_report_are_cut() -> None:
    """A worker cannot fill the master's memory with one message."""
    huge = "x" * 100_000
    event = report(
        failures=(ev.FailureTally("GET", huge, "no", 1, 0, 0),), exceptions=(ev.ExceptionTally("boom", huge, 1),)
    )
    reports = folded(by("w1", 1, event)).reports
    assert max(len(text) for key in (*reports.failures, *reports.exceptions) for text in key) <= ev.TRACEBACK_MAX


# ------------------------------------------------------------------ the ends


def test_the_phases_follow_the_log() -> None:
    """Waiting, running, stopping, closed."""
    history = (opened(), started(), stopped(), ev.RunClosed("stopped", "", 0))
    phases = [folded(*history[: i + 1]).log.phase for i in range(4)]
    assert phases == ["waiting", "running", "stopping", "closed"]


def test_a_worker_that_finished_and_one_that_did_not_load_are_remembered() -> None:
    """Both are decided upon later."""
    state = folded(ready("w1"), finished("w1", 1), by("w2", 1, ev.LoadFailed("NotShipped", "no module shop")))
    assert state.reports.incarnations[life("w1")].finished
    assert state.reports.load_failures == {"w2.1": ("NotShipped", "no module shop")}
