from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from draws import log_entries, report_entries
from histories import (
    T0,
    at,
    beat,
    beats,
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
    ticked,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal import errors
from tidal.model import decide as deciding
from tidal.model import events as ev
from tidal.model.attendance import TICK_MS
from tidal.model.capacity import slot_loads
from tidal.model.closing import CLOSE_PATIENCE_MS, EXIT_LAPSED, exit_code
from tidal.model.codec import ENTRY_BYTES_MAX, REPORTS, Entry, EntryId, pack
from tidal.model.decide import UNWATCHED_MS, decide, start_lead_ms
from tidal.model.frame import frame
from tidal.model.ledger import planned_users
from tidal.model.plan import LEAD_MS, Ownership
from tidal.model.plantext import ARRIVALS
from tidal.model.senses import Senses
from tidal.model.sharing import MOVE_LEAD_MS
from tidal.model.state import State
from tidal.model.stats import Tally
from tidal.model.struct import replace
from tidal.model.verdict import EXIT_INVALID, judge
from tidal.model.wire import to_wire

if TYPE_CHECKING:
    from histories import Happening

    from tidal.model.liveness import Heartbeat


def senses(ms: int, *there: Heartbeat, looked: bool = False, **more: object) -> Senses:
    """What the shell found `ms` after T0; with heartbeats it has looked around."""
    return Senses(T0 + ms, beats(*there), looked or bool(there), **more)  # type: ignore[arg-type]


def decided(state: State, sensed: Senses) -> list[ev.Event]:
    """What is decided, the regular tick aside."""
    return [event for event in decide(state, sensed) if not isinstance(event, ev.Ticked)]


def want(event: ev.Event, number: int = 1, author: str = "bob") -> ev.ByOperator:
    """An operator's intent."""
    return ev.ByOperator(f"i{number}", author, T0, event)


def _plan(events: list[ev.Event]) -> ev.PlanSet:
    (plan,) = [event for event in events if isinstance(event, ev.PlanSet)]
    return plan


def _stop(events: list[ev.Event]) -> ev.StopOrdered:
    (stop,) = events
    assert isinstance(stop, ev.StopOrdered)
    return stop


def _slots(plan: ev.PlanSet, name: str) -> int:
    return len(Ownership(plan.owners, plan.table).slots_of(life(name) if "." not in name else name))


# ------------------------------------------------------------------ who is there


def test_a_new_heartbeat_is_greeted_with_the_next_name() -> None:
    """Names follow the order of the workers' ids, and are w1, w2, w3."""
    events = decided(folded(opened(), seen("w1")), senses(0, beat("w1"), beat("a"), beat("b")))
    assert [(e.name, e.worker) for e in events if isinstance(e, ev.WorkerSeen)] == [("w2", "host-a"), ("w3", "host-b")]


def test_a_worker_that_comes_back_keeps_its_name() -> None:
    """The id is the same, the incarnation another."""
    state = folded(opened(), seen("w1"), seen("w2"), lost("w1"))
    (event,) = decided(state, senses(0, beat("w1", 2), beat("w2", state="waiting")))
    assert (event.name, event.incarnation) == ("w1", "w1.2")  # type: ignore[attr-defined]


def test_another_schema_is_refused_by_name_and_version() -> None:
    """The worker's people read which tidal speaks what."""
    (event,) = decided(folded(opened()), senses(0, beat("w1", schema=2, version="9.9")))
    assert event == ev.WorkerRefused("w1", "host-w1", "w1.1", "it speaks schema 2 (tidal 9.9), this run schema 1")
    assert decided(folded(opened(), event), senses(50, beat("w1", schema=2))) == []


def test_a_worker_of_another_run_is_nobody() -> None:
    """The fleet's keys are shared."""
    assert decided(folded(opened()), senses(0, beat("w1", run="r2"))) == []


def test_a_change_of_state_or_lamps_is_written_down_once() -> None:
    """Then it is in the state, and nothing is left to say."""
    state = folded(opened(), seen("w1"))
    (event,) = decided(state, senses(0, beat("w1", state="loading", why="compiling")))
    assert event == ev.WorkerChanged(
        "w1", "w1.1", "loading", alive=True, running=False, reporting=False, why="compiling"
    )
    assert decided(folded(opened(), seen("w1"), event), senses(50, beat("w1", state="loading"))) == []


def test_a_worker_whose_loop_lags_is_stalled() -> None:
    """It beats, but its generators do not come round."""
    state = folded(*running("w1"), changed("w1", "running"))
    (event,) = decided(state, senses(500, beat("w1", state="running", lag_ms=5_000)))
    assert event.state == "stalled"  # type: ignore[attr-defined]


def test_why_a_worker_is_stalled_is_written_down_when_it_becomes_known() -> None:
    """Which line holds its generator may be found after the stall; once it is told, it is not told again."""
    stalled = changed("w1", "stalled")
    stuck = beat("w1", state="running", users=5, lag_ms=5_000, why="generator 0 is held at shop.py:9 in pay")
    (event,) = decided(folded(*running("w1"), replace(stalled, running=True)), senses(500, stuck))
    assert (event.state, event.why) == ("stalled", "generator 0 is held at shop.py:9 in pay")  # type: ignore[attr-defined]
    assert decided(folded(*running("w1"), event), senses(500, stuck)) == []
    silent = replace(stuck, why="")
    assert decided(folded(*running("w1"), event), senses(500, silent)) == []


@pytest.mark.parametrize("state", ["lost", "refused", "nonsense", "\x1b[2J"])
def test_a_state_that_a_worker_cannot_have_is_waiting(state: str) -> None:
    """A heartbeat is a worker's word, not the master's judgement."""
    (event,) = decided(folded(opened(), seen("w1"), changed("w1")), senses(0, beat("w1", state=state)))
    assert event.state == "waiting"  # type: ignore[attr-defined]


def test_the_lamp_of_reports_goes_out_when_they_stay_away() -> None:
    """Three intervals and a second after the last one."""
    history = [*running("w1"), changed("w1", "running", reporting=True), reported("w1", 5)]
    sensed = beat("w1", state="running", users=5)
    assert decided(folded(*history), senses(9_000, sensed)) == []
    (event,) = decided(folded(*history), senses(9_001, sensed))
    assert (event.alive, event.running, event.reporting) == (True, True, False)  # type: ignore[attr-defined]


def test_who_is_lost_or_has_left_is_written_down_once() -> None:
    """By name and incarnation; after that it is known."""
    state = folded(opened(), seen("w1"), seen("w2"), at(1_000, ticked("w1", age_ms=200)))
    sensed = senses(1_500, looked=True, lost=("w1.1",), left=("w2.1",))
    assert decided(state, sensed) == [
        ev.WorkerLost("w1", "w1.1", T0 + 800),
        ev.WorkerLeft("w2", "w2.1", "it was told to"),
    ]
    assert decided(folded(opened(), seen("w1"), seen("w2"), lost("w1"), left("w2")), sensed) == []


def test_a_stranger_who_is_lost_or_left_stops_nothing() -> None:
    """An incarnation that no entry names."""
    sensed = senses(0, looked=True, lost=("x",), left=("y",))
    assert all(isinstance(e, ev.WorkerLost | ev.WorkerLeft) for e in decided(folded(opened()), sensed))


def test_nothing_is_said_of_workers_without_a_fresh_look() -> None:
    """What was sensed counts once."""
    assert decide(folded(opened()), Senses(T0, beats(beat("w1")))) == []


def test_a_tick_each_second_carries_the_heartbeats() -> None:
    """With their ages, in the order of names, of those who are there."""
    state = folded(opened(), *ready("w1", "w2"), seen("w3"), lost("w3"), at(0, ticked()))
    there = [beat("w2", at_ms=T0 + 900, cpu_permille=5), beat("w1", at_ms=T0 + 2_000), beat("w3")]
    (tick,) = [e for e in decide(state, senses(TICK_MS, *there)) if isinstance(e, ev.Ticked)]
    assert tick.beats == (ev.Beat("w1", 0), ev.Beat("w2", 100, 5))
    assert not [e for e in decide(state, senses(TICK_MS - 1, *there)) if isinstance(e, ev.Ticked)]


def test_a_clock_that_goes_back_holds_up_no_tick() -> None:
    """Another server took over: screens go on at once, and the verdict says that seconds are not what they were."""
    state = folded(*running("w1"), at(60_000, ticked("w1")))
    slightly = decide(state, senses(59_500, beat("w1", state="running")))
    assert not any(isinstance(e, ev.Ticked) for e in slightly)
    (tick,) = [e for e in decide(state, senses(15_000, beat("w1", state="running"))) if isinstance(e, ev.Ticked)]
    fold_all(entries(at(15_000, tick, n=state.log.n + 1)), state)
    assert (state.log.ticked_ms, state.log.clock_back_ms) == (T0 + 15_000, 45_000)
    assert "Redis' clock went back by 45.0 s: seconds are not what they were" in judge(state, is_final=True).reasons


def test_a_load_that_ended_while_no_master_could_say_so_is_as_long_as_its_plan() -> None:
    """Redis was away at the end: rates go by the plan's length, not by when the stop was written."""
    state = folded(*running("w1"), at(0, planned("w1", number=2, end_ms=12_000)), at(17_000, stopped("finished")))
    assert state.log.load_ended_ms == T0 + 12_000
    assert frame(state, T0 + 18_000).run.elapsed_ms == 12_000
    early = folded(*running("w1"), at(0, planned("w1", number=2, end_ms=12_000)), at(7_000, stopped()))
    assert early.log.load_ended_ms == T0 + 7_000


def test_where_redis_clock_goes_back_the_plan_goes_on() -> None:
    """Plan time goes on from where it was seen last, whatever else is to be done; a hair's breadth is left alone."""
    state = folded(*running("w1"), at(50_000, planned("w1", number=2, from_ms=50_300, users=20)), at(60_000, ticked()))
    wish = want(ev.WantTarget(30, 10.0))
    decided_now = decided(state, senses(15_000, intents=(wish,)))
    assert decided_now == [ev.RunStarted(T0 - 45_000)]
    fold_all(entries(at(15_000, *decided_now, n=state.log.n + 1)), state)
    assert (state.log.phase, planned_users(state.log, 60_000)) == ("running", 20)
    assert state.log.story[-1].text == "Redis' clock went back by 45.0 s: the plan goes on from where it was"
    assert _plan(decided(state, senses(15_050, intents=(wish,)))).from_ms == 60_050 + LEAD_MS
    assert decided(folded(*running("w1"), at(60_000, ticked())), senses(59_200)) == []


# ------------------------------------------------------------------ the start


def test_the_run_starts_when_enough_workers_are_ready() -> None:
    """A little in the future, with a plan that shares the slots by the workers' processes."""
    state = folded(opened(20, 10.0, expect_workers=2, run_time_ms=60_000), seen("w1", processes=3), *ready("w2"))
    assert decided(state, senses(0)) == []
    fold_all(entries(at(0, changed("w1"), n=9)), state)
    start, plan = decided(state, senses(100))
    assert start == ev.RunStarted(T0 + 100 + start_lead_ms(0, 2, plan.tracks))
    assert isinstance(plan, ev.PlanSet)
    assert (plan.number, plan.from_ms, plan.end_ms) == (1, 0, 60_000)
    assert (_slots(plan, "w1"), _slots(plan, "w2")) == (48, 16)
    begun = folded(opened(20, 10.0), at(0, start), plan)
    assert [planned_users(begun.log, ms) for ms in (0, 100, 2_000, 59_999, 60_000)] == [1, 2, 20, 20, 0]


@pytest.mark.parametrize(
    ("rtt_us", "workers", "unit", "lead_ms"),
    [(300, 1, "users", 52), (20_000, 10, "users", 140), (300, 5_000, "users", LEAD_MS), (300, 1, ARRIVALS, LEAD_MS)],
)
def test_the_start_is_as_near_as_the_workers_are(rtt_us: int, workers: int, unit: str, lead_ms: int) -> None:
    """Far or many ones have the time that their plan needs to reach them, and so has what must not begin late."""
    assert start_lead_ms(rtt_us, workers, [ev.Track("A", ((0, 1.0),)), ev.Track("", ((0, 1.0),), unit)]) == lead_ms


def test_a_spawn_rate_next_to_nothing_starts_the_run() -> None:
    """Its first user at once, the next one in another century."""
    state = folded(opened(10, 1e-12), *ready("w1"))
    begun = folded(opened(10, 1e-12), *ready("w1"), decided(state, senses(0)))
    assert [planned_users(begun.log, ms) for ms in (0, 10**12)] == [1, 1]


def test_there_are_never_more_users_than_the_fixed_counts_allow() -> None:
    """When every class is fixed, their sum is the most there can be."""
    event = replace(opened(50).event, classes=(ev.ClassSpec("A", fixed_count=3),))  # type: ignore[type-var]
    _, plan = decided(folded(at(-10_000, event), *ready("w1")), senses(0))
    assert isinstance(plan, ev.PlanSet)
    assert plan.tracks[0].points[-1][1] == 3


def test_a_run_whose_workers_do_not_come_is_refused() -> None:
    """After the wait and not before, with exit code 40 and who was there."""
    state = folded(opened(expect_workers=2, expect_workers_max_wait_ms=5_000), *ready("w1"))
    assert decided(state, senses(-5_000)) == []
    stop = _stop(decided(state, senses(-4_999)))
    assert (stop.outcome, stop.exit_code) == ("refused", errors.NoWorkers.exit_code)
    assert "1 of 2 workers were ready after 5 s" in stop.reason


def test_who_expects_no_worker_needs_one_all_the_same() -> None:
    """Nobody would make the load."""
    assert decided(folded(opened(expect_workers=0)), senses(0)) == []
    assert isinstance(decided(folded(opened(expect_workers=0), *ready("w1")), senses(0))[0], ev.RunStarted)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("NotShipped", errors.NotShipped.exit_code),
        ("FileImportError", errors.WorkerLoadError.exit_code),
        ("FileSyntaxError", errors.WorkerLoadError.exit_code),
        ("nonsense", errors.WorkerLoadError.exit_code),
    ],
)
def test_a_file_that_does_not_load_on_a_worker_refuses_the_run(error: str, code: int) -> None:
    """Before the start, with the worker's name and the reason."""
    state = folded(opened(), seen("w1"), by("w1", 1, ev.LoadFailed(error, "no module named shop")))
    stop = _stop(decided(state, senses(0)))
    assert (stop.outcome, stop.reason, stop.exit_code) == ("refused", "w1: no module named shop", code)
    assert _closing(state, stop).exit_code == code


def test_a_worker_that_could_not_load_and_is_gone_refuses_nothing() -> None:
    """Those who are awaited may load it."""
    state = folded(opened(), seen("w1"), by("w1", 1, ev.LoadFailed("NotShipped", "no shop")), lost("w1"))
    assert decided(state, senses(0)) == []


def _closing(state: State, stop: ev.StopOrdered) -> ev.RunClosed:
    """The close that follows a stop, once there is nobody to wait for."""
    fold_all(entries(at(100, stop, epoch=2, n=1)), state)
    (event,) = decided(state, senses(150))
    assert isinstance(event, ev.RunClosed)
    return event


def test_a_worker_that_joins_later_and_cannot_load_is_refused_alone() -> None:
    """The run goes on without it."""
    state = folded(*running("w1"), seen("w2"), by("w2", 1, ev.LoadFailed("NotShipped", "no shop")))
    (event,) = decided(state, senses(500, beat("w2", state="waiting")))
    assert event == ev.WorkerRefused("w2", "host-w2", "w2.1", "no shop")


def test_exit_codes_are_those_of_the_errors() -> None:
    """The model repeats them because it imports no shell."""
    codes = {
        deciding.EXIT_NOT_SHIPPED: errors.NotShipped,
        deciding.EXIT_WORKER_LOAD: errors.WorkerLoadError,
        deciding.EXIT_NO_WORKERS: errors.NoWorkers,
        deciding.EXIT_TOO_SMALL: errors.FleetTooSmall,
        EXIT_LAPSED: errors.RunLapsed,
    }
    assert {code: error.exit_code for code, error in codes.items()} == {code: code for code in codes}
    assert set(codes) <= set(errors.exit_codes())


# ------------------------------------------------------------------ who owns what


def test_a_loss_moves_the_users_at_once() -> None:
    """The plan begins now; only the lost one's slots move; the tracks stay."""
    state = folded(*running("w1", "w2", "w3"), at(5_000, lost("w2")))
    before = state.log.plan
    assert before is not None
    plan = _plan(decided(state, senses(5_000)))
    assert (plan.number, plan.from_ms, plan.owners, plan.why) == (2, 5_000, ("w1.1", "w3.1"), "w2 is gone")
    assert (plan.tracks, plan.end_ms) == (before.tracks, before.end_ms)
    old, new = Ownership(before.owners, before.table), Ownership(plan.owners, plan.table)
    assert all(new.owner(slot) == old.owner(slot) for slot in range(64) if old.owner(slot) != "w2.1")
    fold_all(entries(at(5_100, plan, epoch=2, n=1)), state)
    assert decided(state, senses(5_200)) == []


def test_a_join_moves_users_a_little_later() -> None:
    """Nothing is missing meanwhile, so everybody gets the plan in time."""
    state = folded(*running("w1"), at(5_000, seen("w2")), changed("w2"))
    plan = _plan(decided(state, senses(5_000)))
    assert (plan.from_ms, plan.owners, plan.why) == (5_000 + MOVE_LEAD_MS, ("w1.1", "w2.1"), "w2 came")
    assert (_slots(plan, "w1"), _slots(plan, "w2")) == (32, 32)


def test_a_worker_that_came_back_gets_slots_in_its_new_life() -> None:
    """Its old life is gone, its new one is a join: one plan for both."""
    state = folded(*running("w1", "w2"), at(5_000, lost("w1")), seen("w1", 2), changed("w1", number=2))
    plan = _plan(decided(state, senses(5_000)))
    assert (plan.from_ms, plan.owners) == (5_000, ("w2.1", "w1.2"))


def test_a_plan_never_begins_before_the_one_it_follows() -> None:
    """A loss while a move is still ahead takes effect with that move."""
    state = folded(*running("w1", "w2"), at(5_000, planned("w1", "w2", number=2, from_ms=6_000)), lost("w2"))
    assert _plan(decided(state, senses(5_100))).from_ms == 6_000


def test_when_everybody_is_lost_the_plan_waits_for_somebody() -> None:
    """There is nobody to give the users to; the next worker gets all."""
    state = folded(*running("w1"), at(5_000, lost("w1")))
    assert decided(state, senses(5_000)) == []
    fold_all(entries(at(6_000, seen("w2"), epoch=2, n=1), at(6_000, changed("w2"), epoch=2, n=2)), state)
    assert _slots(_plan(decided(state, senses(6_000))), "w2") == 64


def test_a_worker_that_came_back_under_its_own_id_ends_its_old_life() -> None:
    """A restart quicker than the lease: the old incarnation is lost at once, and its slots find an owner."""
    log = folded(*running("w1", "w2"))
    events = decided(log, senses(2_000, beat("w1", number=2), beat("w2", state="running")))
    assert [e.incarnation for e in events if isinstance(e, ev.WorkerLost)] == [life("w1")]
    kinds = [type(e) for e in events if isinstance(e, ev.WorkerLost | ev.WorkerSeen)]
    assert kinds == [ev.WorkerLost, ev.WorkerSeen]


def test_a_run_without_any_worker_at_its_end_has_failed() -> None:
    """Nobody generated the load to the end: that is no finished run, whatever was counted before."""
    state = folded(*running("w1", run_time_ms=10_000), lost("w1"))
    assert decided(state, senses(5_000)) == []
    (stop,) = decided(state, senses(10_000))
    assert isinstance(stop, ev.StopOrdered)
    assert (stop.outcome, stop.exit_code) == ("failed", errors.RunLapsed.exit_code)
    assert (stop.reason, stop.author) == ("every worker is gone", "")


def test_a_run_whose_last_worker_leaves_at_its_end_has_finished() -> None:
    """It may own nothing new, and ran what it had to the end."""
    state = folded(*running("w1", "w2", run_time_ms=10_000), lost("w1"), changed("w2", "draining"))
    assert _stop(decided(state, senses(10_000))).outcome == "finished"


def test_an_endless_run_without_any_worker_waits_for_one_as_long_as_at_its_start() -> None:
    """From the last heartbeat on; a worker that came since and does not get ready puts it off once."""
    gone = [*running("w1", keep_running=True), at(4_000, ticked("w1")), at(6_000, lost("w1"))]
    assert decided(folded(*gone), senses(64_000)) == []
    assert _stop(decided(folded(*gone), senses(64_001))).reason == "every worker is gone"
    there = [at(20_000, seen("w2")), at(70_000, ticked("w2"))]
    assert decided(folded(*gone, *there), senses(80_000)) == []
    assert _stop(decided(folded(*gone, *there), senses(80_001))).reason == "every worker is gone"


def test_a_worker_that_says_it_leaves_hands_its_users_over() -> None:
    """A draining worker's slots move a little later, one that nobody can relieve keeps them."""
    state = folded(*running("w1", "w2"), at(5_000, changed("w2", "draining")))
    plan = _plan(decided(state, senses(5_000)))
    assert (plan.from_ms, plan.owners, plan.why) == (5_000 + MOVE_LEAD_MS, ("w1.1",), "w2 leaves")
    assert decided(folded(*running("w1"), at(5_000, changed("w1", "draining"))), senses(5_000)) == []


def test_a_worker_that_finished_owns_nothing() -> None:
    """Its users stopped by its own word: others take them."""
    state = folded(*running("w1", "w2"), at(5_000, ticked()), finished("w2", 1))
    assert _plan(decided(state, senses(5_000))).owners == ("w1.1",)


# ------------------------------------------------------------------ what operators want


def test_a_wish_for_users_is_accepted_and_planned() -> None:
    """From the users of that moment to the wanted, at the wanted rate."""
    state = folded(*running("w1", users=10, rate=10.0))
    accepted, target, plan = decided(state, senses(5_000, intents=(want(ev.WantTarget(30, 5.0)),)))
    assert accepted == ev.IntentAccepted("i1", "bob", "30 users at 5/s")
    assert target == ev.TargetSet(30, 5.0, "bob")
    assert isinstance(plan, ev.PlanSet)
    assert (plan.number, plan.from_ms, plan.tracks[0].points) == (2, 5_300, ((5_300, 10.0), (9_300, 30.0)))
    assert plan.why == "bob wants 30 users"


def test_a_wish_before_the_start_is_a_target_and_no_plan() -> None:
    """The first plan will heed it."""
    state = folded(opened(10), seen("w1"))
    _, target = decided(state, senses(0, intents=(want(ev.WantTarget(30)),)))
    assert target == ev.TargetSet(30, 10.0, "bob")
    fold_all(entries(at(0, target, epoch=2, n=1), at(0, changed("w1"), epoch=2, n=2)), state)
    assert _plan(decided(state, senses(0))).tracks[0].points[-1][1] == 30


def test_a_wish_to_stop_stops() -> None:
    """In the operator's name and words."""
    state = folded(*running("w1", stop_timeout_ms=700))
    accepted, stop = decided(state, senses(5_000, intents=(want(ev.WantStop("enough")),)))
    assert accepted == ev.IntentAccepted("i1", "bob", "stop")
    assert stop == ev.StopOrdered("stopped", "enough", "bob", 700)


def test_a_note_is_written_down() -> None:
    """In the operator's name."""
    events = decided(folded(*running("w1")), senses(0, intents=(want(ev.WantNote("deploy")),)))
    assert events == [ev.IntentAccepted("i1", "bob", "note"), ev.Noted("bob", "info", "deploy")]


@pytest.mark.parametrize(
    "wish",
    [
        ev.WantTarget(-1),
        ev.WantTarget(10_000_001),
        ev.WantTarget(5, 0.0),
        ev.WantTarget(5, -2.0),
        ev.WantTarget(5, 1e9),
    ],
)
def test_an_impossible_wish_is_refused_with_a_reason(wish: ev.Event) -> None:
    """And changes nothing."""
    (event,) = decided(folded(*running("w1")), senses(0, intents=(want(wish),)))
    assert isinstance(event, ev.IntentRefused)
    assert event.why


@pytest.mark.parametrize("wish", [ev.WantTarget(5), ev.WantStop()])
def test_a_wish_that_comes_too_late_is_refused(wish: ev.Event) -> None:
    """The run is stopping."""
    state = folded(*running("w1"), at(1_000, stopped()))
    (event,) = decided(state, senses(1_100, intents=(want(wish),)))
    assert isinstance(event, ev.IntentRefused)
    assert "stopping" in event.why


def test_no_intent_is_answered_twice() -> None:
    """Neither when it was answered before, nor when it stands in the letter box twice."""
    answered = [ev.IntentAccepted("i1", "bob", "note"), ev.IntentRefused("i2", "bob", "stop", "no")]
    state = folded(*running("w1"), *answered)
    twice = (want(ev.WantNote("a"), 1), want(ev.WantStop(), 2), want(ev.WantNote("b"), 3), want(ev.WantNote("b"), 3))
    assert decided(state, senses(0, intents=twice)) == [
        ev.IntentAccepted("i3", "bob", "note"),
        ev.Noted("bob", "info", "b"),
    ]


@pytest.mark.parametrize("first", [ev.WantStop("enough"), ev.WantTarget(3)])
def test_a_wish_that_changes_the_run_is_read_back_before_the_next_is_answered(first: ev.Event) -> None:
    """Two stops, or a stop and a target, or two plans of one number, cannot be decided from the same state."""
    state = folded(*running("w1"))
    both = (want(first, 1), want(ev.WantTarget(7), 2))
    events = decided(state, senses(5_000, intents=both))
    assert [e.id for e in events if isinstance(e, ev.IntentAccepted)] == ["i1"]
    fold_all(entries(*[at(5_000, event, epoch=2) for event in events]), state)
    later = decided(state, senses(5_050, intents=both))
    if isinstance(first, ev.WantStop):
        assert later == [ev.IntentRefused("i2", "bob", "7 users at 10/s", "the run is stopping")]
    else:
        assert _plan(later).number == 3


def test_nonsense_from_a_worker_cannot_keep_a_run_from_stopping() -> None:
    """One bad entry each turn is written down, and the operator is heard all the same."""
    state = fold_all([*entries(*running("w1")), Entry(REPORTS, EntryId(1, 0), "rp", 1, b"?")])
    events = decided(state, senses(5_000, looked=True, intents=(want(ev.WantStop()),)))
    assert [type(e) for e in events] == [ev.EntryRefused, ev.IntentAccepted, ev.StopOrdered]
    late = decided(
        fold_all([Entry(REPORTS, EntryId(2, 0), "rp", 1, b"?")], folded(*running("w1", run_time_ms=9_000))),
        senses(9_000, looked=True),
    )
    assert [type(e) for e in late] == [ev.EntryRefused, ev.StopOrdered]


def test_refused_entries_are_written_down_once() -> None:
    """How many since the last time, and the last of them."""
    bad = [Entry(REPORTS, EntryId(T0, n), "rp", 1, b"?") for n in range(3)]
    state = fold_all([*entries(*running("w1")), *bad])
    (event,) = decided(state, senses(1_000, looked=True))
    assert event == ev.EntryRefused(REPORTS, f"{T0}-2", "an unknown flag byte", 3)
    fold_all(entries(at(1_000, event, epoch=2, n=1)), state)
    assert decided(state, senses(1_100, looked=True)) == []


def test_a_flood_of_refused_entries_is_told_once_a_tick() -> None:
    """Twenty turns a second write one line, of what was refused since the last; what is left is told at the close."""
    state, told = folded(*running("w1")), []
    for turn in range(60):
        fold_all([Entry(REPORTS, EntryId(T0, turn), "rp", 1, b"?")], state)
        events = decide(state, senses(1_000 + 50 * turn, looked=True))
        told += [event.count for event in events if isinstance(event, ev.EntryRefused)]
        fold_all(entries(*[at(1_000 + 50 * turn, event, epoch=2 + turn) for event in events]), state)
    assert told == [1, 20, 20]
    fold_all(entries(at(4_000, stopped(), epoch=99), finished("w1", 1)), state)
    last = decide(state, senses(4_000, looked=False))
    assert [type(e) for e in last] == [ev.EntryRefused, ev.RunClosed]
    assert last[0] == ev.EntryRefused(REPORTS, f"{T0}-59", "an unknown flag byte", 19)


def test_the_heartbeats_of_many_workers_fit_their_entries() -> None:
    """Of five thousand there are several ticks at one moment, none larger than an entry may be; the fold has all."""
    names = [f"w{n}" for n in range(1, 5_001)]
    state = folded(opened(), *[seen(name) for name in names])
    there = [beat(name, lag_ms=n, memory_bytes=1 << 40, at_ms=T0) for n, name in enumerate(names)]
    ticks = [event for event in decide(state, senses(1_000, *there)) if isinstance(event, ev.Ticked)]
    assert len(ticks) == 5
    assert max(len(pack(to_wire(tick))) for tick in ticks) < ENTRY_BYTES_MAX // 2
    fold_all(entries(*[at(1_000, tick, epoch=2) for tick in ticks]), state)
    assert all(record.beat is not None and record.beat_at_ms == T0 + 1_000 for record in state.log.workers.values())


# ------------------------------------------------------------------ the end


def test_a_run_ends_with_its_time() -> None:
    """At the moment of plan time that the plan says."""
    state = folded(*running("w1", run_time_ms=60_000))
    assert decided(state, senses(59_999)) == []
    assert _stop(decided(state, senses(60_000))) == ev.StopOrdered("finished", "the run time is over", "", 5_000)


def test_two_workers_whose_users_end_the_run_are_heard_in_one_order() -> None:
    """Reports come in any: every master says the same of them."""
    wishes = [by("w2", 1, ev.StopWanted(0, "two")), by("w1", 1, ev.StopWanted(0, "one"))]
    for history in (wishes, wishes[::-1]):
        stop = _stop(decided(folded(*running("w1", "w2"), *history), senses(5_000)))
        assert (stop.outcome, stop.reason, stop.author) == ("stopped", "one", "user code on w1")


def test_an_endless_run_that_nobody_watches_lapses() -> None:
    """After a minute, unless it was told to keep running, or has an end."""
    alone = senses(100_000, unwatched_ms=UNWATCHED_MS)
    stop = _stop(decided(folded(*running("w1")), alone))
    assert (stop.outcome, stop.exit_code, stop.author) == ("lapsed", errors.RunLapsed.exit_code, "")
    assert stop.reason.startswith("it has no end and nobody watched it for a minute")
    assert decided(folded(*running("w1")), senses(100_000, unwatched_ms=UNWATCHED_MS - 1)) == []
    assert decided(folded(*running("w1", keep_running=True)), alone) == []
    assert decided(folded(*running("w1", run_time_ms=10**6)), alone) == []


def unjudged(*names: str) -> list[Happening]:
    """A run whose exit code no verdict changes."""
    return running(*names, exit_by_verdict=False)


def ended(event: ev.Event) -> tuple[str, str, int]:
    """How a run was closed."""
    assert isinstance(event, ev.RunClosed)
    return event.outcome, event.reason, event.exit_code


def test_a_stopping_run_closes_with_the_last_word_of_its_workers() -> None:
    """Each owner that is not gone says when its users have stopped."""
    state = folded(*unjudged("w1", "w2", "w3"), at(5_000, lost("w3")), stopped(), finished("w1", 1))
    assert decided(state, senses(5_100)) == []
    fold_all(entries(finished("w2", 1)), state)
    (event,) = decided(state, senses(5_200))
    assert ended(event) == ("stopped", "an operator's wish", 0)


def test_a_stopping_run_has_patience_and_an_end_of_it() -> None:
    """Whose last report is missing is said."""
    state = folded(*unjudged("w1", "w2"), at(5_000, stopped(timeout_ms=700)), finished("w1", 1))
    assert decided(state, senses(5_000 + 700 + CLOSE_PATIENCE_MS - 1)) == []
    (event,) = decided(state, senses(5_000 + 700 + CLOSE_PATIENCE_MS))
    assert ended(event) == ("stopped", "an operator's wish; no last report from w2", 0)


def test_a_close_waits_for_what_redis_lost_of_a_worker_that_the_plan_knows_no_more() -> None:
    """It is alive and hands it in again; whoever is gone does not."""
    state = folded(*unjudged("w1", "w2"), at(4_000, planned("w1", number=2)), at(5_000, stopped()), finished("w1", 1))
    fold_all(entries(reported("w2", 1), finished("w2", 3)), state)
    assert decided(state, senses(5_100)) == []
    fold_all(entries(reported("w2", 2)), state)
    (event,) = decided(state, senses(5_200))
    assert ended(event) == ("stopped", "an operator's wish", 0)
    moved = [*unjudged("w1", "w2"), at(4_000, planned("w1", number=2)), at(4_500, lost("w2"))]
    gone = folded(*moved, at(5_000, stopped()), finished("w1", 1), finished("w2", 3))
    assert decided(gone, senses(5_100)) != []


def test_a_close_does_not_wait_for_gaps_of_who_never_joined() -> None:
    """Anybody with a worker's rights can write them; nobody will fill them."""
    state = folded(*unjudged("w1"), at(5_000, stopped()), finished("w1", 1))
    fold_all(entries(reported("nobody", 2)), state)
    (event,) = decided(state, senses(5_100))
    assert ended(event) == ("stopped", "an operator's wish", 0)


def test_while_redis_is_full_no_last_report_can_come() -> None:
    """Workers keep theirs until it takes them: patience begins when it does."""
    state = folded(*unjudged("w1", "w2"), at(5_000, stopped(timeout_ms=700)), finished("w1", 1))
    assert decided(state, senses(600_000, well_ms=CLOSE_PATIENCE_MS - 1)) == []
    (event,) = decided(state, senses(600_000, well_ms=CLOSE_PATIENCE_MS))
    assert ended(event) == ("stopped", "an operator's wish; no last report from w2", 0)


@pytest.mark.parametrize(
    ("happenings", "code"),
    [
        ([], 0),
        ([reported("w1", 1, requests=5)], 0),
        ([reported("w1", 1, requests=5, failures=1)], 1),
        ([by("w1", 1, report(exceptions=(ev.ExceptionTally("boom", "", 1),)))], 1),
    ],
)
def test_the_exit_code_is_one_when_anything_failed(happenings: list[ev.ByWorker], code: int) -> None:
    """A failed request or an exception of user code."""
    state = folded(*unjudged("w1"), *happenings, at(5_000, stopped()), at(5_000, lost("w1")))
    (event,) = decided(state, senses(5_100))
    assert (event.exit_code, type(event)) == (code, ev.RunClosed)  # type: ignore[attr-defined]


def test_a_code_that_the_stop_carries_is_the_runs() -> None:
    """Whatever failed."""
    state = folded(*running("w1"), reported("w1", 1, 5, 5), at(5_000, stopped("lapsed", 43)), at(5_000, lost("w1")))
    (event,) = decided(state, senses(5_100))
    assert event.exit_code == 43  # type: ignore[attr-defined]


def test_the_verdict_is_written_down_and_changes_the_code() -> None:
    """Nothing ran: the run is invalid and its code says so; a suspect one may be allowed, an invalid one never."""
    for options, code in (({}, EXIT_INVALID), ({"allow_suspect": True}, EXIT_INVALID), ({"exit_by_verdict": False}, 0)):
        state = folded(*running("w1", **options), at(5_000, stopped()), finished("w1", 1))
        (event,) = decided(state, senses(5_100))
        assert isinstance(event, ev.RunClosed)
        assert (event.verdict, event.exit_code) == ("invalid", code)
        assert "not generated" in event.reasons[0]


def test_a_target_that_never_answered_is_no_success() -> None:
    """All requests hung until the end cut them off: nothing failed, and yet a pipeline must not be told 0."""
    hung = replace(block(0, 0), tallies={("GET", "/"): Tally(cancelled=3)})
    for options, code in (({}, 1), ({"exit_code_on_error": 9}, 9), ({"exit_by_verdict": False}, 0)):
        state = folded(*running("w1", **options), by("w1", 1, report(hung)))
        assert exit_code(state) == code
    answered = folded(*running("w1"), by("w1", 1, report(hung)), reported("w1", 2))
    assert exit_code(answered) == 0


@pytest.mark.parametrize(("options", "code"), [({}, EXIT_LAPSED), ({"exit_by_verdict": False}, 0)])
def test_a_run_that_was_stopped_before_it_began_has_passed_nothing(options: dict[str, object], code: int) -> None:
    """A Ctrl-C while it waits for workers; Locust's own command line says 0 there."""
    state = folded(opened(**options), *ready("w1"), stopped())
    (event,) = decided(state, senses(5_100))
    assert ended(event) == ("stopped", "an operator's wish", code)


def test_after_the_end_and_before_the_beginning_nothing_is_decided() -> None:
    """Not even a tick."""
    over = folded(*running("w1"), at(1_000, stopped()), closed())
    assert decide(over, senses(99_000, beat("w9"), intents=(want(ev.WantStop()),))) == []
    assert decide(State(), senses(99_000, beat("w9"))) == []


def test_a_successor_names_the_same_worker_and_shares_out_alike() -> None:
    """What was read from a keyframe is in another order than what was folded straight."""
    failed = [by(name, 1, ev.LoadFailed("NotShipped", "no shop")) for name in ("w2", "w1")]
    ten = ready(*[f"w{i}" for i in range(1, 12)])
    for state in (folded(opened(), seen("w2"), seen("w1"), *failed), folded(opened(), *ten)):
        assert decided(keyframed(state), senses(0)) == decided(state, senses(0))


# ------------------------------------------------------------------ laws

SENSES = st.builds(
    lambda ms, there, gone, unwatched_ms, wishes: senses(
        ms, *there, looked=True, lost=gone, unwatched_ms=unwatched_ms, intents=tuple(wishes)
    ),
    st.integers(-9_000, 90_000),
    st.lists(st.builds(beat, st.sampled_from(["w1", "w2", "w5"]), st.integers(1, 3)), max_size=3),
    st.sets(st.sampled_from(["w1.1", "w2.1"])).map(lambda s: tuple(sorted(s))),
    st.sampled_from([0, UNWATCHED_MS]),
    st.lists(
        st.builds(
            want,
            st.sampled_from([ev.WantStop(), ev.WantTarget(5), ev.WantNote("x"), ev.WantTarget(-1)]),
            st.integers(1, 3),
        ),
        max_size=3,
    ),
)


@settings(max_examples=80, deadline=None)
@given(log_entries(), report_entries(), SENSES)
def test_deciding_changes_nothing_and_can_be_written(log: list[Entry], reports: list[Entry], sensed: Senses) -> None:
    """Pure: the same answer twice, the state untouched, and every answer goes through the codec."""
    state = fold_all(log + reports)
    before = state.packed()
    events = decide(state, sensed)
    assert decide(state, sensed) == events
    assert state.packed() == before
    epoch = state.log.epoch + 1
    after = fold_all(entries(*[at(max(0, sensed.now_ms - T0), e, epoch=epoch) for e in events]), state)
    assert not events or after.log.n == len(events)


@settings(max_examples=80, deadline=None)
@given(log_entries(), report_entries(), SENSES)
def test_a_successor_decides_the_same(log: list[Entry], reports: list[Entry], sensed: Senses) -> None:
    """From a keyframe as from the whole log."""
    state = fold_all(log + reports)
    assert decide(keyframed(state), sensed) == decide(state, sensed)


def test_too_few_places_are_refused_before_the_start() -> None:
    """With the number that is missing, once nobody else came for a while; a worker without a limit takes all."""
    small = [at(0, replace(seen(name), users_max=300)) for name in ("w1", "w2")]
    there = [opened(1_000, 100.0), *small, at(0, changed("w1")), at(0, changed("w2"))]
    assert decided(folded(*there), senses(1_000)) == []
    (refused,) = decided(folded(*there), senses(11_000))
    assert isinstance(refused, ev.StopOrdered)
    assert (refused.outcome, refused.exit_code) == ("refused", 45)
    assert refused.reason.startswith("400 of 1,000 users are too many for the workers (w1 takes 300, w2 takes 300)")
    started_, plan = decided(folded(*there, *ready("w3")), senses(1_000))
    assert isinstance(started_, ev.RunStarted)
    assert isinstance(plan, ev.PlanSet)
    assert len(Ownership(plan.owners, plan.table).slots_of(life("w3"))) > len(
        Ownership(plan.owners, plan.table).slots_of(life("w1"))
    )


def test_more_places_are_waited_for_after_each_worker_that_comes() -> None:
    """While not all are there that are expected, nobody knows yet whether they are too few."""
    small = [*at_most(300, "w1"), *at_most(300, "w2", ms=5_000)]
    assert decided(folded(opened(1_000, 100.0), *small), senses(15_000)) == []
    assert _stop(decided(folded(opened(1_000, 100.0), *small), senses(15_001))).exit_code == 45
    state = folded(opened(1_000, 100.0, expect_workers=3), *small)
    assert decided(state, senses(50_000)) == []
    assert "2 of 3 workers were ready" in _stop(decided(state, senses(50_001))).reason


def test_a_fleet_that_is_too_small_is_told_by_some_of_its_names() -> None:
    """The line stays one line."""
    many = [event for n in range(1, 9) for event in at_most(10, f"w{n}")]
    reason = _stop(decided(folded(opened(1_000, 100.0), *many), senses(11_000))).reason
    assert reason.startswith("920 of 1,000 users are too many for the workers (w1 takes 10, ")
    assert reason.count("takes") == 5


def at_most(users: int, name: str, ms: int = 0) -> list[Happening]:
    """A worker that takes so many came then, and is ready."""
    return [at(ms, replace(seen(name), users_max=users)), at(ms, changed(name))]


def test_a_new_target_moves_what_does_not_fit() -> None:
    """Ten fit where they are; of a hundred, one that takes twenty has twenty."""
    small = [at(0, replace(seen("w1"), users_max=20)), at(0, changed("w1")), *ready("w2"), started()]
    state = folded(opened(), *small, at(0, planned("w1", "w2")))
    assert decided(state, senses(1_000)) == []
    state = folded(opened(), *small, at(0, planned("w1", "w2", users=100)))
    (plan,) = decided(state, senses(1_000))
    assert isinstance(plan, ev.PlanSet)
    assert plan.why == "as many users as each worker takes"
    owned = Ownership(plan.owners, plan.table)
    loads = slot_loads(plan.tracks, state.log.classes, state.log.slots)
    assert sum(loads[slot] for slot in owned.slots_of(life("w1"))) <= 20
    assert sum(loads) == 100
    after = folded(opened(), *small, at(0, planned("w1", "w2", users=100)), at(1_000, plan))
    assert decided(after, senses(2_000)) == []
