"""The verdict: what makes a run suspect or invalid, and what does not; in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from draws import log_entries, report_entries, woven
from histories import (
    T0,
    T0_S,
    at,
    by,
    closed,
    entries,
    finished,
    fold_all,
    folded,
    keyframed,
    life,
    lost,
    planned,
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
from tidal.model.frame import frame
from tidal.model.spikes import spikes
from tidal.model.struct import replace
from tidal.model.verdict import EXIT_INVALID, EXIT_SUSPECT, Verdict, exit_code_of, judge

if TYPE_CHECKING:
    from histories import Happening

    from tidal.model.codec import Entry
    from tidal.model.state import State

END = 60


def second(
    seq: int, name: str = "w1", *, user_ms: int = 10_000, lag_ms: int = 2, cpu: int = 300, latency_us: int = 20_000
) -> ev.ByWorker:
    """Report `seq`: fifty requests in second seq-1."""
    block = ev.Block(T0_S + seq - 1, 1, {("GET", "/"): tally([latency_us] * 50)}, {"Buyer": user_ms})
    generators = (ev.GeneratorState(0, 7, "running", 10, lag_ms),)
    event = report(block, to_ms=seq * 1_000, users={"Buyer": 10}, generators=generators, cpu_permille=cpu)
    return by(name, seq, event)


def still_at(from_ms: int, lag_ms: int) -> ev.Reported:
    """What a worker says that waits for a generator: it reports no further, and for how long already."""
    generators = (ev.GeneratorState(0, 7, "running", 10, lag_ms),)
    return replace(report(to_ms=from_ms, users={"Buyer": 10}, generators=generators), from_ms=T0 + from_ms)


def level(*names: str, **options: object) -> list[Happening]:
    """Ten users from the first moment on."""
    flat = replace(planned(*names, users=10), tracks=(ev.Track("", ((0, 10.0),)),))
    return [*running(*names, **options)[:-1], at(0, flat)]  # type: ignore[arg-type]


def whole(*more: Happening, seconds: dict[int, dict[str, int]] | None = None, **options: object) -> State:
    """A minute of one worker, which then ended in order; some of its seconds were otherwise."""
    told = [second(s, **(seconds or {}).get(s, {})) for s in range(1, END + 1)]
    end = [at(END * 1_000, ticked("w1")), at(END * 1_000, stopped()), finished("w1", END + 1)]
    return folded(*level("w1", **options), *told, *more, *end)


def verdict(state: State) -> Verdict:
    """The final one."""
    return judge(state, is_final=True)


def test_a_healthy_run_is_valid() -> None:
    """Also with users that begin a little late, a moment of lag and a garbage collection."""
    assert verdict(whole()) == Verdict("valid")
    small = {1: {"user_ms": 8_000}, 7: {"lag_ms": 100}, 8: {"lag_ms": 120}, 30: {"lag_ms": 900}, 31: {"cpu": 990}}
    assert verdict(whole(seconds=small)) == Verdict("valid")


def test_less_than_a_second_is_judged_like_any_other() -> None:
    """Nothing of half a second's plan was missing: its one user counts as one, not as none."""
    block = ev.Block(T0_S, 1, {("GET", "/"): tally([20_000] * 5)}, {"Buyer": 400})
    told = by("w1", 1, report(block, to_ms=400, users={"Buyer": 1}))
    flat = replace(planned("w1", users=1), tracks=(ev.Track("", ((0, 1.0),)),))
    begun = [*running("w1")[:-1], at(0, flat), told, at(400, ticked("w1")), at(400, stopped())]
    assert verdict(folded(*begun, finished("w1", 2))).reasons == ()


def test_what_never_began_is_not_judged() -> None:
    """No word, no reasons, whatever somebody reports before."""
    assert judge(folded(*running("w1")[:-2]), is_final=True) == Verdict()
    assert judge(folded(*running("w1")[:-2], second(1)), is_final=True) == Verdict()


@pytest.mark.parametrize(("missing_ms", "word"), [(2_000, "valid"), (5_000, "suspect"), (40_000, "invalid")])
def test_missing_load(missing_ms: int, word: str) -> None:
    """A thousandth and a grace are forgiven, a twentieth is another load than was planned."""
    short = {
        20 + i: {"user_ms": 10_000 - min(10_000, missing_ms - 10_000 * i)} for i in range(-(-missing_ms // 10_000))
    }
    found = verdict(whole(seconds=short))
    assert found.word == word
    if word == "suspect":
        assert found.reasons == ("5.0 user-seconds (0.8 %) not generated, most of it from 0:19 to 0:20",)


def test_surplus() -> None:
    """Users that ran twice."""
    found = verdict(whole(seconds={20: {"user_ms": 30_000}}))
    assert found.word == "suspect"
    assert found.reasons == ("20 user-seconds (3.3 %) too many, most of it from 0:19 to 0:20",)


@pytest.mark.parametrize(("timeout_ms", "word"), [(0, "suspect"), (3_000, "suspect"), (5_000, "valid")])
def test_tasks_may_run_on_when_the_plan_falls(timeout_ms: int, word: str) -> None:
    """Five users that are to go take five seconds for it: as long as the stop timeout allows, that is not too many."""
    fall = ((0, 10.0), (30_000, 10.0), (30_000, 5.0))
    plan = replace(planned("w1", users=10), tracks=(ev.Track("", fall),))
    told = [second(s, user_ms=10_000 if s <= 35 else 5_000) for s in range(1, END + 1)]
    end = [at(END * 1_000, ticked("w1")), at(END * 1_000, stopped()), finished("w1", END + 1)]
    found = verdict(folded(*running("w1", stop_timeout_ms=timeout_ms)[:-1], at(0, plan), *told, *end))
    assert found.word == word
    if word == "suspect":
        assert found.reasons == ("25 user-seconds (5.6 %) too many, most of it from 0:30 to 0:35",)


def test_what_is_missing_everywhere_has_no_place() -> None:
    """A little in each second is no gap; one where too much ran is not where it is missing."""
    thin: dict[int, dict[str, int]] = {s: {"user_ms": 9_900} for s in range(1, END + 1)}
    reasons = verdict(whole(seconds=thin | {30: {"user_ms": 30_000}})).reasons
    assert "5.9 user-seconds (1.0 %) not generated" in reasons
    assert "20 user-seconds (3.3 %) too many, most of it from 0:29 to 0:30" in reasons


def test_a_lost_worker_is_named_with_what_it_cost() -> None:
    """When, how much was not generated, and what nobody will ever know."""
    both: list[Happening] = [second(s, name, user_ms=5_000) for s in range(1, 31) for name in ("w1", "w2")]
    alone = [second(s, user_ms=5_000 if s < 34 else 10_000) for s in range(31, END + 1)]
    gone = at(32_500, ev.WorkerLost("w2", life("w2"), T0 + 30_400))
    moved = at(32_600, replace(planned("w1", users=10, number=2, from_ms=32_600), tracks=(ev.Track("", ((0, 10.0),)),)))
    end = [at(END * 1_000, ticked("w1")), at(END * 1_000, stopped()), finished("w1", END + 1)]
    found = verdict(folded(*level("w1", "w2"), *both, gone, moved, *alone, *end))
    assert found.word == "suspect"
    assert found.reasons == (
        "worker w2 lost at 0:32, 15 user-seconds (2.5 %) not generated, its last 0.4 s were never reported",
    )


def test_a_lost_worker_that_came_back_and_told_all_is_named_for_what_did_not_run() -> None:
    """Frozen for ten seconds: its users were missing until they ran elsewhere, and nothing that it measured is."""
    both: list[Happening] = [second(s, name, user_ms=5_000) for s in range(1, 31) for name in ("w1", "w2")]
    alone = [second(s, user_ms=5_000 if s < 34 else 10_000) for s in range(31, END + 1)]
    gone = at(32_500, ev.WorkerLost("w2", life("w2"), T0 + 30_400))
    moved = at(32_600, replace(planned("w1", users=10, number=2, from_ms=32_600), tracks=(ev.Track("", ((0, 10.0),)),)))
    late = [second(s, "w2", user_ms=0) for s in range(31, 42)]
    end = [at(END * 1_000, ticked("w1")), at(END * 1_000, stopped()), finished("w1", END + 1)]
    found = verdict(folded(*level("w1", "w2"), *both, gone, moved, *late, *alone, *end))
    assert found.word == "suspect"
    assert found.reasons == ("worker w2 lost at 0:32, 15 user-seconds (2.5 %) not generated",)


@pytest.mark.parametrize(("short", "amount"), [(29, None), (30, "5.0"), (37, "5.0"), (38, None)])
def test_what_is_missing_near_a_loss_is_put_down_to_it(short: int, amount: str | None) -> None:
    """From a second before the last sign of life, at 30.4 s, to five after it was noticed, at 32.5 s."""
    both: list[Happening] = [second(s, "w2", user_ms=0) for s in range(1, 31)]
    alone = [second(s, user_ms=5_000 if s == short else 10_000) for s in range(1, END + 1)]
    gone = at(32_500, ev.WorkerLost("w2", life("w2"), T0 + 30_400))
    end = [at(END * 1_000, ticked("w1")), at(END * 1_000, stopped()), finished("w1", END + 1)]
    (told,) = (r for r in verdict(folded(*level("w1", "w2"), *both, gone, *alone, *end)).reasons if "w2 lost" in r)
    assert (f", {amount} user-seconds" in told) if amount else ("user-seconds" not in told)


def idle(name: str, *seqs: int) -> list[Happening]:
    """Reports of a worker whose users did not run."""
    return [second(seq, name, user_ms=0) for seq in seqs]


def gone(name: str, lost_ms: int) -> ev.ByMaster:
    """It was lost then; its last sign came two seconds before."""
    return at(lost_ms, ev.WorkerLost(name, life(name), T0 + lost_ms - 2_000))


def thin(missing_ms: int, *seqs: int) -> dict[int, dict[str, int]]:
    """Seconds in which so much did not run."""
    return {seq: {"user_ms": 10_000 - missing_ms} for seq in seqs}


def test_each_loss_has_its_own_gap_however_large_another_is() -> None:
    """The second one told all that it had measured; what its users did not do is put down to it all the same."""
    told = [*idle("w2", *range(1, 41)), *idle("w3", *range(1, 41)), gone("w2", 15_000), gone("w3", 43_000)]
    lacking = thin(2_000, 14, 15, 16) | thin(2_000, *range(41, 46))
    found = verdict(whole(at(0, planned("w1", "w2", "w3")), *told, seconds=lacking))
    assert [reason.partition(" (")[0] for reason in found.reasons if "not generated" in reason] == [
        "worker w3 lost at 0:43, 10 user-seconds",
        "worker w2 lost at 0:15, 6.0 user-seconds",
    ]


def test_a_gap_that_two_losses_explain_hides_no_other() -> None:
    """It is named with both, and counted once: what is missing elsewhere is said, too, where most of it lies."""
    told = [*idle("w2", *range(1, 13)), *idle("w3", *range(1, 13)), gone("w2", 15_000), gone("w3", 15_000)]
    lacking = thin(2_000, 14, 15, 16) | thin(5_000, 40)
    reasons = verdict(whole(at(0, planned("w1", "w2", "w3")), *told, seconds=lacking)).reasons
    assert [reason.partition(" (")[0] for reason in reasons if "not generated" in reason] == [
        "worker w2 lost at 0:15, 6.0 user-seconds",
        "worker w3 lost at 0:15, 6.0 user-seconds",
        "11 user-seconds",
    ]


def test_the_largest_gap_is_the_one_that_is_named() -> None:
    """Of several."""
    (reason,) = verdict(whole(seconds=thin(3_000, 20) | thin(6_000, 40) | thin(1_000, 50))).reasons
    assert reason == "10 user-seconds (1.7 %) not generated, most of it from 0:39 to 0:40"


def test_a_few_losses_are_named() -> None:
    """The verdict of a fleet that dies stays readable."""
    died = [by("w2", n, ev.GeneratorLost(n, 7, T0 + n * 1_000, T0 + n * 1_000 + 300, "signal 9")) for n in range(1, 8)]
    reasons = verdict(whole(*died)).reasons
    assert [reason.partition(" of ")[0] for reason in reasons] == [f"generator {n}" for n in range(1, 6)]


def test_the_heaviest_reason_comes_first() -> None:
    """A loss is named, and that the load was another one than the plan's is said before it, though it is the reason."""
    both: list[Happening] = [second(s, name, user_ms=5_000) for s in range(1, 31) for name in ("w1", "w2")]
    alone = [second(s, user_ms=5_000 if s < 38 else 10_000) for s in range(31, END + 1)]
    gone = at(32_500, ev.WorkerLost("w2", life("w2"), T0 + 30_400))
    end = [at(END * 1_000, ticked("w1")), at(END * 1_000, stopped()), finished("w1", END + 1)]
    found = verdict(folded(*level("w1", "w2"), *both, gone, *alone, *end))
    assert found.word == "invalid"
    assert found.reasons == (
        "35 user-seconds (5.8 %) not generated, most of it from 0:30 to 0:37",
        "worker w2 lost at 0:32, 35 user-seconds (5.8 %) not generated, its last 0.4 s were never reported",
    )


def test_a_dead_generator_is_named() -> None:
    """Its last interval is in no figure."""
    died = by("w2", 1, ev.GeneratorLost(2, 7, T0 + 9_000, T0 + 9_300, "signal 9", 5))
    found = verdict(whole(died))
    assert found.word == "suspect"
    assert found.reasons == ("generator 2 of w2.1 died at 0:09 (signal 9), its last 0.3 s were never reported",)


def test_a_worker_that_went_on_after_it_was_lost() -> None:
    """Its users ran twice."""
    more = [second(s, "w2", user_ms=0) for s in range(1, 3)] + [second(s, "w2", user_ms=1_000) for s in range(3, 15)]
    history = [at(2_000, planned("w1", "w2")), *more, at(4_000, lost("w2"))]
    reasons = verdict(whole(*history)).reasons
    told = "worker w2 was taken for lost at 0:04 and went on for 10 s: 12 user-seconds ran twice"
    assert any(told in reason for reason in reasons)


@pytest.mark.parametrize(("last", "is_double"), [(5, False), (6, True)])
def test_a_second_is_no_double(last: int, *, is_double: bool) -> None:
    """So long it takes until a worker has read that it was lost."""
    more = [*idle("w2", 1, 2, 3), *(second(s, "w2", user_ms=1_000) for s in range(4, last + 1))]
    reasons = verdict(whole(at(2_000, planned("w1", "w2")), *more, at(4_000, lost("w2")))).reasons
    assert any("ran twice" in reason for reason in reasons) is is_double


def test_a_double_is_blamed_for_its_own_seconds() -> None:
    """Not for what ran too much when it had ended."""
    more = [*idle("w2", 1, 2), *(second(s, "w2", user_ms=1_000) for s in range(3, 10))]
    history = [at(2_000, planned("w1", "w2")), *more, at(4_000, lost("w2"))]
    found = verdict(whole(*history, seconds={1: {"user_ms": 12_000}, 20: {"user_ms": 15_000}}))
    told = "worker w2 was taken for lost at 0:04 and went on for 5 s: 7.0 user-seconds ran twice"
    assert (found.word, told in found.reasons) == ("suspect", True)


def test_a_worker_whose_users_did_not_run_is_no_double() -> None:
    """Frozen, it said later what it had measured before; and nobody ran users of its own meanwhile."""
    more = [second(s, "w2", user_ms=1_000 if s < 4 else 0) for s in range(1, 15)]
    history = [at(2_000, planned("w1", "w2")), *more, at(4_000, lost("w2"))]
    assert not any("ran twice" in reason for reason in verdict(whole(*history)).reasons)


def test_a_worker_whose_users_nobody_took_over_is_no_double() -> None:
    """All were cut off and went on: taken for lost, but no user ran too much."""
    both: list[Happening] = [second(s, name, user_ms=5_000) for s in range(1, END + 1) for name in ("w1", "w2")]
    end: list[Happening] = [at(END * 1_000, ticked("w1")), at(END * 1_000, stopped()), finished("w1", END + 1)]
    found = verdict(folded(*level("w1", "w2"), at(20_000, lost("w2")), *both, *end))
    assert not any("ran twice" in reason for reason in found.reasons)


def test_lag_that_changes_what_is_measured() -> None:
    """Ten seconds in a minute at 37 ms, with a p50 of 20 ms: the issue's own words."""
    slow = {s: {"lag_ms": 37, "cpu": 970} for s in range(10, 25)}
    found = verdict(whole(seconds=slow))
    assert found.word == "suspect"
    told = "generators of w1 at 97 % CPU from 0:09 to 0:24, latency inflated by about 37 ms (p50 is 20 ms)"
    assert found.reasons == (told,)


@pytest.mark.parametrize(
    ("lag_ms", "latency_us", "length", "word"),
    [
        (37, 20_000, 4, "valid"),  # four seconds
        (37, 2_000_000, 40, "valid"),  # nothing beside two seconds
        (200, 20_000, 50, "invalid"),  # most of what was measured, most of the time
        (200, 3_000_000, 50, "valid"),
    ],
)
def test_lag_is_judged_by_what_it_does(lag_ms: int, latency_us: int, length: int, word: str) -> None:
    """By its length, and beside what was measured."""
    slow = {s: {"lag_ms": lag_ms if s <= length else 1, "latency_us": latency_us} for s in range(1, END + 1)}
    assert verdict(whole(seconds=slow)).word == word


def test_a_generator_that_stood_still() -> None:
    """User code that burns CPU for eight seconds: its lag is in the verdict."""
    still = {20 + i: {"lag_ms": 1_000 * i} for i in range(1, 9)}
    found = verdict(whole(seconds=still))
    assert found.word == "suspect"
    assert "a generator of w1 stood still for 8.0 s at about 0:20" in found.reasons[0]
    waiting = by("w1", END + 2, still_at(20_000, 8_000))
    assert "a generator of w1 stood still for 8.0 s at about 0:20" in verdict(whole(waiting)).reasons[0]
    for_long = {20 + i: {"lag_ms": 1_000 * i} for i in range(1, 39)}
    assert verdict(whole(seconds=for_long)).word == "invalid"


def test_numbers_that_never_came() -> None:
    """A hole in what a worker sent, a worker that never said its last, entries that were refused."""
    missing = verdict(whole(second(END + 5)))
    assert missing == Verdict("suspect", ("reports of w1 are missing in 1 place: others after them came",))
    told = [second(s) for s in range(1, END + 1)]
    silent = verdict(folded(*level("w1"), *told, at(END * 1_000, ticked()), at(END * 1_000, stopped())))
    assert silent == Verdict("suspect", ("no last report from w1",))
    refused = verdict(whole(by("w1", END + 2, report()), by("w1", END + 2, report(), last=END + 9)))
    why = f"{END + 2}..{END + 9} overlaps what w1.1 sent"
    assert refused == Verdict("suspect", (f"1 entry was refused; what it counted is missing: {why}",))


def test_what_may_come_yet_is_not_missed() -> None:
    """While the run goes on; once it is closed, nobody waits for it any more."""
    told = [*level("w1", "w2"), *(second(s) for s in range(1, 6)), *idle("w2", 1, 2, 4), at(5_000, ticked("w1"))]
    assert judge(folded(*told)) == Verdict("valid")
    reasons = judge(folded(*told, at(5_000, stopped()), at(5_000, closed()))).reasons
    assert reasons == (
        "no last report from w1, w2",
        "reports of w2 are missing in 1 place: others after them came",
    )


@pytest.mark.parametrize(
    ("back_ms", "found"),
    [
        (999, Verdict("valid")),
        (1_000, Verdict("suspect", ("Redis' clock went back by 1.0 s: seconds are not what they were",))),
    ],
)
def test_a_clock_that_went_back(back_ms: int, found: Verdict) -> None:
    """A failover to a machine whose clock is behind, by a second or more."""
    assert verdict(whole(at(30_000, ticked("w1")), at(30_000 - back_ms, ticked("w1")))) == found


def test_users_that_were_let_go_are_not_missing() -> None:
    """The operator chose that who ends by itself stays away; ended users that come back are told."""
    few = {s: {"user_ms": 9_000} for s in range(31, END + 1)}
    one = by("w1", END + 2, replace(report(to_ms=30_000), ended=(1, 0, 1)))
    assert verdict(whole(seconds=few)).word == "suspect"
    assert verdict(whole(one, seconds=few)).word == "valid"
    back = by("w1", END + 2, replace(report(to_ms=30_000), ended=(7, 7, 0)))
    (reason,) = verdict(whole(back, seconds=few)).reasons
    assert reason.endswith("7 times a user ended by itself, 7 restarted")


def test_where_a_spike_comes_from() -> None:
    """From the generators when they lagged as much, else from the target."""
    slow = {s: {"latency_us": 900_000} for s in range(30, 35)}
    (told,) = spikes(whole(seconds=slow))
    assert told.startswith(("p95 rose to 89", "p95 rose to 90"))
    assert told.endswith("(usually 20 ms) from 0:29 to 0:34, put down to the target: the generators lagged 2 ms")
    slow = {s: {"latency_us": 900_000, "lag_ms": 700} for s in range(30, 35)}
    (told,) = spikes(whole(seconds=slow))
    assert told.endswith("put down to the generators, which lagged 700 ms themselves")
    assert spikes(whole()) == ()


# ------------------------------------------------------------------ what follows from it


def test_exit_codes() -> None:
    """Invalid always fails; suspect fails unless it is allowed; what failed otherwise stays what it was."""
    for ordinary in (0, 1, 7):
        assert exit_code_of(Verdict("valid"), ordinary, allow_suspect=False) == ordinary
        assert exit_code_of(Verdict(), ordinary, allow_suspect=False) == ordinary
        assert exit_code_of(Verdict("suspect"), ordinary, allow_suspect=False) == EXIT_SUSPECT
        assert exit_code_of(Verdict("suspect"), ordinary, allow_suspect=True) == ordinary
        assert exit_code_of(Verdict("invalid"), ordinary, allow_suspect=True) == EXIT_INVALID
    assert {EXIT_INVALID, EXIT_SUSPECT} <= set(errors.OTHER_EXIT_CODES)


def test_a_frame_shows_the_one_of_the_log_once_there_is_one() -> None:
    """And the one so far before."""
    state = whole()
    assert frame(state, T0 + END * 1_000).verdict.word == "valid"
    told = replace(closed(), verdict="suspect", reasons=("somebody\x1b[31m said so",))
    fold_all(entries(at(END * 1_000 + 50, told, n=state.log.n + 1)), state)
    made = frame(state, T0 + 99_000).verdict
    assert (made.word, made.reasons) == ("suspect", ("somebody said so",))


@settings(max_examples=80, deadline=None)
@given(st.data(), log_entries(), report_entries())
def test_it_follows_from_the_state_alone(data: st.DataObject, log: list[Entry], reports: list[Entry]) -> None:
    """In any interleaving, from a keyframe or not; it fits an entry, and it changes nothing."""
    state = fold_all(data.draw(woven(log, reports)))
    before = state.packed()
    found = judge(state, is_final=True)
    assert judge(keyframed(fold_all(data.draw(woven(log, reports)))), is_final=True) == found
    assert (found.word == "valid") <= (found.reasons == ())
    assert spikes(keyframed(state)) == spikes(state)
    assert state.packed() == before
    assert len("".join(found.reasons)) < 64_000
