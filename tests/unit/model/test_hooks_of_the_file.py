"""Hooks on the master's side: when the run waits for them, what they may change, what is told to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from histories import T0, at, by, finished, folded, opened, ready, reported, running, seen, stopped, tally

from tidal.model import events as ev
from tidal.model.closing import HOOK_END_PATIENCE_MS, exit_code, is_measured
from tidal.model.decide import decide, has_enough_workers
from tidal.model.senses import Senses
from tidal.model.struct import replace
from tidal.model.view import Told, run_state, view_of

if TYPE_CHECKING:
    from tidal.model.state import State


def hooked(users: int = 10, **options: object) -> ev.ByMaster:
    """A run whose file listens to test_start and quitting."""
    made = opened(users, **options)
    assert isinstance(made.event, ev.RunOpened)
    return replace(made, event=replace(made.event, hooks=("quitting", "test_start")))


def kinds(state: State, ms: int, *, has_host: bool = True) -> list[type[ev.Event]]:
    """What is decided `ms` after T0."""
    return [type(e) for e in decide(state, Senses(T0 + ms, has_host=has_host))]


def test_only_hooks_of_the_master_s_side_need_a_host() -> None:
    """Listeners of `request` are the generators' business; a shape is the master's."""
    plain = opened()
    assert isinstance(plain.event, ev.RunOpened)
    assert not folded(replace(plain, event=replace(plain.event, hooks=("request", "user_error")))).log.needs_host
    assert folded(hooked()).log.needs_host
    assert folded(replace(plain, event=replace(plain.event, shape="Steps"))).log.needs_host


def test_the_start_waits_for_test_start_while_there_is_a_host() -> None:
    """Its listeners may prepare what the users need."""
    waiting = folded(hooked(), *ready("w1"))
    assert has_enough_workers(waiting)
    assert kinds(waiting, 0) == []
    assert kinds(waiting, 0, has_host=False) == [ev.RunStarted, ev.PlanSet]
    done = folded(hooked(), *ready("w1"), ev.HookDone("test_start"))
    assert kinds(done, 0) == [ev.RunStarted, ev.PlanSet]


def test_a_run_with_a_shape_begins_with_nobody() -> None:
    """Whatever --users says: the shape decides."""
    made = opened(users=50)
    assert isinstance(made.event, ev.RunOpened)
    state = folded(replace(made, event=replace(made.event, shape="Steps")), *ready("w1"), ev.HookDone("test_start"))
    plan = decide(state, Senses(T0, has_host=True))[1]
    assert isinstance(plan, ev.PlanSet)
    assert plan.tracks == (ev.Track("", ((0, 0.0),)),)


def test_the_close_waits_for_the_last_hooks_but_not_for_ever() -> None:
    """They may want another exit code."""
    history = [hooked(), *running("w1")[1:], at(5_000, stopped(timeout_ms=0)), reported("w1", 1), finished("w1", 2)]
    state = folded(history)
    assert is_measured(state, T0 + 5_100)
    assert kinds(state, 5_100) == []
    assert kinds(state, 5_100, has_host=False) == [ev.RunClosed]
    assert kinds(state, 5_000 + 10_000 + HOOK_END_PATIENCE_MS) == [ev.RunClosed]
    assert kinds(folded(history, at(5_200, ev.HookDone("quit"))), 5_300) == [ev.RunClosed]


def test_the_exit_code_is_the_stop_s_then_a_failed_hook_s_then_user_code_s_then_by_failures() -> None:
    """In this order."""
    base = [*running("w1", exit_code_on_error=3), reported("w1", 1, failures=1)]
    assert exit_code(folded(base)) == 3
    assert exit_code(folded(base, by("w1", 2, ev.WorkerFinished("", 7)))) == 7
    wanted = [*base, by("w1", 2, ev.WorkerFinished("", 7)), at(4_000, ev.HookDone("quit", 0, 0))]
    assert exit_code(folded(wanted)) == 0
    assert exit_code(folded(wanted, at(4_100, ev.HookDone("quit", 1)))) == 2
    assert exit_code(folded(wanted, by("w2", 1, replace(_empty(), hook_failures=1)))) == 2
    assert exit_code(folded(wanted, at(4_100, ev.HookDone("quit", 1)), at(5_000, stopped(exit_code=43)))) == 43
    assert exit_code(folded(running("w1"))) == 0


def _empty() -> ev.Reported:
    return ev.Reported(T0, T0 + 1_000, ())


def test_user_code_in_a_generator_may_end_the_run() -> None:
    """The first wish is enough, and it is named."""
    state = folded(running("w1"), by("w1", 1, ev.StopWanted(0, "runner.quit()")))
    (stop,) = decide(state, Senses(T0 + 2_000))
    assert stop == ev.StopOrdered("stopped", "runner.quit()", "user code on w1", 5_000)


def test_generators_have_indexes_of_their_own_over_the_fleet() -> None:
    """A worker that comes back has those of before; one that is new begins after all others."""
    state = folded(opened(), replace(seen("w1", processes=2)), replace(seen("w2", processes=3), first_index=2))
    assert {n: w.first_index for n, w in state.log.workers.items()} == {"w1": 0, "w2": 2}


def test_a_warm_up_is_in_the_curves_and_not_in_the_figures() -> None:
    """What is counted from full load on has no samples of before, but the time that users ran is counted."""
    warm = ev.Block(T0 // 1000, 1, {("GET", "/"): tally()}, {"Buyer": 500}, is_warmup=True)
    state = folded(running("w1"), by("w1", 1, ev.Reported(T0, T0 + 1_000, (warm,))))
    assert state.reports.endpoints == {}
    assert state.reports.user_ms == 500
    assert sum(p.requests for p in state.reports.series.points.values()) == 1


def test_a_view_tells_only_what_changed() -> None:
    """A host that is told each second must not be told a thousand endpoints."""
    told = Told()
    state = folded(running("w1"), reported("w1", 1, 4, failures=1))
    first = view_of(state, T0 + 2_000, told)
    assert [(e.method, e.name, e.tally.requests) for e in first.endpoints] == [("GET", "/", 4)]
    assert first.recent == ((T0 // 1000, 4, 1),)
    assert view_of(state, T0 + 3_000, told).endpoints == ()
    assert [c.id for c in first.clients] == ["host-w1_0"]


def test_the_words_for_a_run_are_locust_s() -> None:
    """As user code compares them."""
    assert run_state(folded(opened()), T0) == "ready"
    begun = folded(running("w1", users=10, rate=1.0))
    assert [run_state(begun, T0 + ms) for ms in (1_000, 20_000)] == ["spawning", "running"]
    assert run_state(folded(running("w1"), at(3_000, stopped())), T0) == "stopping"
