"""The search for a limit: on queues whose limit is known, and as a master makes it."""

from __future__ import annotations

import heapq
import math
from random import Random

import pytest
from histories import T0, T0_S, at, block, by, folded, report, running, tally
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.decide import decide
from tidal.model.each import Spans
from tidal.model.frame import frame
from tidal.model.judging import EXIT_NOT_MET, EXIT_UNJUDGED
from tidal.model.limit import Found, Next, Probe, next_step
from tidal.model.seeking import exit_code_of, seek
from tidal.model.senses import Senses
from tidal.model.verdict import EXIT_INVALID, EXIT_SUSPECT
from tidal.model.watched import edges_of, watches
from tidal.outputs.limit import limit_text

RATES = ev.LimitSpec(("p95 < 100ms",), "arrivals/s")
USERS = ev.LimitSpec(("p95 < 400ms",), "users", 5_000)


def search(spec: ev.LimitSpec, meets: object) -> tuple[Found, list[Probe]]:
    """Probe until something is found; `meets` says whether a level does."""
    probes: list[Probe] = []
    while isinstance(step := next_step(spec, probes), Next):
        probes.append(Probe(step.level_milli, meets(step.level_milli / 1000)))  # type: ignore[operator]
    return step, probes


# ------------------------------------------------------------------ a queue of known capacity


def p95_s(rate: float, servers: int, service_rate: float, luck: Random) -> float:
    """What a probe of 20 s measures of an M/M/c queue after it has settled for 5 s."""
    free, now_s, times_s = [0.0] * servers, 0.0, []
    while (now_s := now_s + luck.expovariate(rate)) < 25:
        done_s = max(now_s, free[0]) + luck.expovariate(service_rate)
        heapq.heapreplace(free, done_s)
        if 5 <= done_s < 25:
            times_s.append(done_s - now_s)
    return sorted(times_s)[int(0.95 * len(times_s))] if times_s else 0.0


def late_share(rate: float, servers: int, service_rate: float, time_s: float) -> float:
    """How many requests take longer than that in the long run: Erlang's C, and the wait's exponential tail."""
    offered, blocked = rate / service_rate, 1.0
    for k in range(1, servers + 1):
        blocked = offered * blocked / (k + offered * blocked)
    waits = blocked / (1 - offered / servers * (1 - blocked))
    spare = servers - 1 - offered
    return math.exp(-service_rate * time_s) * (1 + waits * (1 - math.exp(-service_rate * time_s * spare)) / spare)


def true_limit(servers: int, service_rate: float, time_s: float) -> float:
    """The rate at which exactly 5 % take longer."""
    low, high = 0.001, servers * service_rate * 0.999
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if late_share(middle, servers, service_rate, time_s) < 0.05 else (low, middle)
    return low


@pytest.mark.parametrize(("servers", "service_rate", "time_s"), [(4, 50.0, 0.1), (8, 25.0, 0.2)])
def test_it_finds_the_limit_of_a_queue_within_five_per_cent(servers: int, service_rate: float, time_s: float) -> None:
    """Simulated with chance, judged by the formula; the seeds are fixed."""
    limit = true_limit(servers, service_rate, time_s)
    for seed in range(3):
        luck = Random(seed)
        found, probes = search(RATES, lambda rate, luck=luck: p95_s(rate, servers, service_rate, luck) < time_s)
        assert found.level_milli is not None
        assert abs(found.level_milli / 1000 / limit - 1) < 0.05
        assert found.low_milli <= found.level_milli <= found.high_milli
        assert len(probes) <= RATES.probes_max


@settings(max_examples=15, deadline=None)
@given(limit=st.floats(2, 20_000), start=st.floats(1, 5_000))
def test_without_chance_it_finds_any_limit(limit: float, start: float) -> None:
    """Wherever it begins."""
    spec = ev.LimitSpec(("p95 < 1s",), "arrivals/s", round(start * 1000), 100_000_000)
    found, _ = search(spec, lambda rate: rate <= limit)
    assert found.level_milli is not None
    assert abs(found.level_milli / 1000 / limit - 1) < 0.05


@settings(max_examples=10, deadline=None)
@given(limit=st.integers(1, 3_000))
def test_users_are_whole(limit: int) -> None:
    """A limit of a few users is told as exactly as users can be."""
    found, probes = search(USERS, lambda users: users <= limit)
    assert found.level_milli is not None
    assert abs(found.level_milli / 1000 - limit) <= max(1.0, 0.05 * limit)
    assert all(p.level_milli % 1000 == 0 for p in probes)


@given(st.lists(st.tuples(st.integers(1, 10**8), st.booleans()), max_size=12))
@settings(max_examples=15, deadline=None)
def test_any_history_has_an_answer_or_a_next_probe(answers: list[tuple[int, bool]]) -> None:
    """Operators may have done anything meanwhile; and the same history has the same one."""
    probes = [Probe(level, passed) for level, passed in answers]
    step = next_step(RATES, probes)
    assert step == next_step(RATES, probes)
    assert isinstance(step, Found) or 0 < step.level_milli <= 2 * RATES.most_milli


def test_where_there_is_no_limit_it_says_so() -> None:
    """Everything passes, or nothing."""
    assert search(RATES, lambda _: True)[0].low_milli == RATES.most_milli
    found, _ = search(RATES, lambda _: False)
    assert (found.level_milli, found.low_milli) == (None, 0)
    assert "lowest level" in found.why


# ------------------------------------------------------------------ the master


def test_a_master_probes_judges_and_goes_on() -> None:
    """A level with its plan; its seconds judged when they are whole; the next level; at the end the stop."""
    spec = ev.LimitSpec(("p95 < 100ms",), "users", 5_000, settle_ms=1_000, probe_ms=3_000)
    history = running("w1", users=0, rate=1_000.0, limit=spec)
    first = seek(folded(history), T0 + 100)
    begun, target, plan = first
    assert isinstance(begun, ev.ProbeBegun)
    assert isinstance(plan, ev.PlanSet)
    assert (begun.number, begun.level_milli, begun.to_s - begun.from_s) == (1, 5_000, 3)
    assert isinstance(target, ev.TargetSet)
    assert plan.tracks[0].points[-1][1] == 5
    history += [at(100, event) for event in first]  # type: ignore[list-item]
    assert seek(folded(history), T0 + 500) == []
    keep = watches(folded(history).log)
    seconds = [by("w1", n + 1, report(block(n, 10), to_ms=(n + 1) * 1_000, watch=keep)) for n in range(7)]
    whole = ev.Ticked((), 0, "", begun.to_s)
    (judged,) = seek(folded(history, seconds, whole), T0 + 7_000)
    assert isinstance(judged, ev.ProbeJudged)
    assert (judged.passed, judged.values) == (True, (("p95 < 100ms", 1_000),))
    after = [*history, *seconds, whole, judged]
    (second, *_) = seek(folded(after), T0 + 7_500)
    assert isinstance(second, ev.ProbeBegun)
    assert (second.number, second.level_milli) == (2, 10_000)
    found = ev.LimitFound(40_000, 38_000, 41_000, 900)
    (stop,) = decide(folded(after, found), Senses(T0 + 8_000))
    assert isinstance(stop, ev.StopOrdered)
    assert stop.reason == "the limit is 40 users, 38 to 41 with 90 % confidence"
    shown = frame(folded(after, found), T0 + 8_000)
    assert "meets" in limit_text(shown)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (ev.LimitFound(40_000, 38_000, 41_000, 900), 0),
        (ev.LimitFound(None, 500_000, 0, 0, "the highest level allowed still meets the thresholds"), 0),
        (ev.LimitFound(None, 0, 1_000, 0, "even the lowest level does not meet the thresholds"), EXIT_NOT_MET),
        (ev.LimitFound(None, 0, 0, 0, "no end of it in 4 probes"), EXIT_UNJUDGED),
        (None, EXIT_UNJUDGED),
    ],
)
def test_the_exit_code_of_a_search(found: ev.LimitFound | None, code: int) -> None:
    """62 says that the target does not do; 63 that the search ended before it knew."""
    spec = ev.LimitSpec(("p95 < 100ms",), "users", 5_000)
    history = running("w1", users=0, limit=spec)
    log = folded([*history, *([found] if found else [])]).log
    assert exit_code_of(log, 0) == code
    assert exit_code_of(log, EXIT_SUSPECT) == (code or EXIT_SUSPECT)
    assert exit_code_of(log, EXIT_INVALID) == EXIT_INVALID


def test_a_large_fleet_measures_a_probe_and_nothing_beside_it() -> None:
    """Its histograms go over eight seconds, but one begins and one ends where the probe does."""
    spec = ev.LimitSpec(("p95 < 100ms", "max < 2ms"), "users", 5_000, probe_ms=5_000)
    first_s = T0_S // 8 * 8
    begun = ev.ProbeBegun(1, 5_000, first_s + 17, first_s + 22)
    history = [*running("w1", users=0, limit=spec), begun]
    log = folded(history).log
    keep = watches(log)
    seconds = []
    for number in range(16, 24):
        slow = not begun.from_s <= first_s + number < begun.to_s
        told = {("GET", "/"): tally([900_000 if slow else 1_000] * 10)}
        seconds.append(ev.Block(first_s + number, 1, told, {"Buyer": 1_000}))
    blocks = Spans(8, edges_of(log, keep)).joined(seconds)
    assert [(b.second - first_s, b.span) for b in blocks] == [(16, 1), (17, 5), (22, 2)]
    sent = by("w1", 1, report(*blocks, to_ms=(first_s + 24) * 1_000 - T0, watch=keep))
    (judged,) = seek(folded(history, sent, ev.Ticked((), 0, "", begun.to_s)), T0 + 30_000)
    assert isinstance(judged, ev.ProbeJudged)
    assert (judged.passed, judged.values) == (True, (("p95 < 100ms", 1_000), ("max < 2ms", 1_000)))


def test_a_level_far_beyond_is_cut_short() -> None:
    """A third of the probe is enough, when the value is twice what is allowed."""
    spec = ev.LimitSpec(("p95 < 0.4ms",), "users", 5_000, probe_ms=9_000)
    begun = ev.ProbeBegun(1, 5_000, T0_S, T0_S + 9)
    history = [*running("w1", users=0, limit=spec), begun]
    keep = watches(folded(history).log)
    seconds = [by("w1", n + 1, report(block(n, 10), to_ms=(n + 1) * 1_000, watch=keep)) for n in range(3)]
    (judged,) = seek(folded(history, seconds, ev.Ticked((), 0, "", T0_S + 3)), T0 + 3_500)
    assert isinstance(judged, ev.ProbeJudged)
    assert (judged.passed, judged.to_ms) == (False, 3_000)


def test_arrivals_rest_after_a_failure() -> None:
    """What has piled up is worked off before the next level; the curve keeps its past, so every index stays."""
    spec = ev.LimitSpec(("p95 < 100ms",), "arrivals/s", settle_ms=1_000)
    curve = ev.Track("", ((0, 0.0), (2_000, 80.0)), "arrivals/s")
    history = running("w1", users=0, limit=spec)
    plan = folded(history).log.plan
    assert plan is not None
    owned = ev.PlanSet(2, 1, (curve,), None, plan.owners, plan.table)
    failed = [
        ev.ProbeJudged(1, 40_000, passed=True, from_ms=0, to_ms=1),
        ev.ProbeJudged(2, 80_000, passed=False, from_ms=0, to_ms=1),
    ]
    begun = ev.ProbeBegun(2, 80_000, T0_S, T0_S + 1)
    _, after = seek(folded(history, owned, begun, failed), T0 + 9_000)
    assert isinstance(after, ev.PlanSet)
    points = after.tracks[0].points
    assert points[:2] == curve.points
    assert min(value for ms, value in points if ms > 9_300) < 20
    assert 40 < points[-1][1] < 80
