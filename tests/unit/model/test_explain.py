"""A run explained: what is planted in a history is told, with its evidence, and in an even one nothing is."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from histories import T0, T0_S, at, by, closed, folded, lost, running, stopped, tally

from tidal.model import events as ev
from tidal.model.explain import Explanation, Finding, explain, idle, marks
from tidal.model.frame import frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.model.state import State

SECONDS = 120


def load(
    latency_ms: Callable[[int], float] = lambda second: 40,
    fails: Callable[[int], float] = lambda second: 0,
    rate: Callable[[int], int] = lambda second: 40,
    users: Callable[[int], int] = lambda second: 10,
    lag_ms: Callable[[int], int] = lambda second: 2,
) -> list[ev.ByWorker]:
    """Two minutes of reports by w1, with some noise."""
    chance, reports = Random(7), []
    for second in range(SECONDS):
        level = latency_ms(second) * 1000 * chance.lognormvariate(0, 0.05)
        times = [round(level * chance.lognormvariate(0, 0.4)) for _ in range(rate(second))]
        failed = sum(chance.random() < fails(second) for _ in times)
        block = ev.Block(T0_S + second, 1, {("GET", "/a"): tally(times, failed)}, {"Buyer": 1000 * users(second)})
        from_ms = T0 + second * 1000
        failures = [ev.FailureTally("GET", "/a", "503", failed, from_ms, from_ms)] if failed else []
        generator = ev.GeneratorState(0, 1, "running", users(second), lag_ms(second))
        said = ev.Reported(
            from_ms, from_ms + 1000, (block,), tuple(failures), (), {"Buyer": users(second)}, (generator,), 300
        )
        reports.append(by("w1", second + 1, said))
    return reports


def ended(*between: ev.Event | ev.ByMaster, reports: list[ev.ByWorker]) -> State:
    """A run with these reports and events of the log, stopped at its end."""
    end = [at(SECONDS * 1000, stopped()), at(SECONDS * 1000 + 500, closed())]
    return folded(running("w1", "w2"), list(between), reports, end)  # type: ignore[arg-type]


def explained(state: State) -> Explanation:
    """The explanation."""
    return explain(state, frame(state, T0 + SECONDS * 1000 + 1000).story)


def of(kind: str, found: Explanation) -> list[Finding]:
    """The findings of a kind."""
    return [finding for finding in found.findings if finding.kind == kind]


def test_an_even_run_has_nothing_to_tell_of_its_figures() -> None:
    """Only what the log says."""
    found = explained(ended(reports=load()))
    assert {finding.kind for finding in found.findings} <= {"run", "load"}


def test_a_shift_is_told_with_whom_it_is_put_down_to() -> None:
    """From 40 to 100 ms at 1:00; the generators were in time, so it is the target."""
    found = explained(ended(reports=load(lambda s: 100 if s >= 60 else 40)))
    (shift,) = of("latency", found)
    assert abs(shift.at_ms - 60_000) <= 2_000
    assert shift.text.startswith("latency rose: ")
    assert "median 39.4 ms → 101 ms (2.6 times), p95 " in shift.text
    assert shift.whom == "target"
    assert any("put down to the target" in sentence for sentence in found.summary)


def test_lagging_generators_are_to_blame() -> None:
    """The same shift, with timers as late as the latency rose."""
    slow = load(lambda s: 140 if s >= 60 else 40, lag_ms=lambda s: 100 if s >= 60 else 2)
    found = explained(ended(reports=slow))
    assert [f.whom for f in of("latency", found)] == ["generators"]
    assert of("generator", found)


def test_a_spike_is_told_once() -> None:
    """Eight seconds of ten times the latency: a spike, and no shift beside it."""
    found = explained(ended(reports=load(lambda s: 400 if 50 <= s < 58 else 40)))
    (spike,) = of("spike", found)
    assert (spike.at_ms, spike.until_ms, spike.whom) == (50_000, 58_000, "target")
    assert of("latency", found) == []


def test_the_onset_of_failures_is_told_with_what_failed() -> None:
    """From none to a fifth at 0:40, and gone at 1:20."""
    began, ceased = of("errors", explained(ended(reports=load(fails=lambda s: 0.2 if 40 <= s < 80 else 0))))
    assert abs(began.at_ms - 40_000) <= 2_000
    assert began.text.startswith("failures began: 0 % → ")
    assert "GET /a: 503" in began.evidence[0]
    assert abs(ceased.at_ms - 80_000) <= 2_000
    assert ceased.text.startswith("failures ceased")


def test_the_knee_is_told() -> None:
    """Users rise to 100; from 50 on, they bring nothing more."""
    rising = load(rate=lambda s: min(100, 2 * s + 2), users=lambda s: min(100, s + 1))
    (found,) = of("throughput", explained(ended(reports=rising)))
    assert "stopped rising at" in found.text
    assert abs(found.at_ms - 50_000) <= 6_000


def test_a_line_that_goes_on_rising_has_no_knee() -> None:
    """As many requests as users bring."""
    rising = load(rate=lambda s: s + 2, users=lambda s: s + 1)
    assert of("throughput", explained(ended(reports=rising))) == []


def test_what_happened_stands_beside_what_changed() -> None:
    """A worker is lost at 0:58, the latency rises at 1:00: told together."""
    found = explained(ended(at(58_000, lost("w2")), reports=load(lambda s: 100 if s >= 60 else 40)))
    (shift,) = of("latency", found)
    assert any("w2 lost" in line for line in shift.evidence)
    assert [f.text[:7] for f in of("loss", found)] == ["w2 lost"]


def test_an_operators_acts_are_told_and_a_shapes_are_not() -> None:
    """A shape sets users each second; that is the plan, not an act."""
    acts = [at(30_000, ev.TargetSet(20, 5.0, "ann@laptop")), at(31_000, ev.TargetSet(21, 5.0, "shape Stages"))]
    assert [f.text[:3] for f in of("operator", explained(ended(*acts, reports=load())))] == ["ann"]


def test_a_run_without_a_sample_is_explained() -> None:
    """Nothing was measured; nothing is raised."""
    found = explained(ended(reports=[]))
    assert found.findings[0].kind == "run"
    assert explain(folded(), ()).summary == (
        "Nothing stood out: no level of latency or failures changed, nobody was lost.",
    )


@pytest.mark.parametrize("group", ["anomaly", "loss", "note", "threshold"])
def test_a_replay_can_jump_to_each(group: str) -> None:
    """In Redis time, in order; what got better is no place to go."""
    note = at(30_000, ev.Noted("ann", "info", "deploy began"))
    trip = at(70_000, ev.ThresholdTripped("p95<50ms", 60_000, 69_000, 100_000))
    state = ended(note, at(58_000, lost("w2")), trip, reports=load(lambda s: 100 if s >= 60 else 40))
    found = marks(explained(state), T0, frame(state, T0 + SECONDS * 1000 + 1000).story)
    assert [mark.at_ms for mark in found] == sorted(mark.at_ms for mark in found)
    assert group in {mark.group for mark in found}


def test_where_nothing_happens_is_idle() -> None:
    """Half a minute without a request, a user or news."""
    quiet = load(rate=lambda s: 0 if 40 <= s < 70 else 20, users=lambda s: 0 if 40 <= s < 70 else 10)
    state = ended(reports=quiet)
    assert (T0 + 40_000, T0 + 70_000) in idle(state)
    assert idle(state, [T0 + 55_000])[-2:] == ((T0 + 40_000, T0 + 55_000), (T0 + 56_000, T0 + 70_000))
