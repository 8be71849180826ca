"""Whatever is believed, the state that it folds to can be stored and read again: else no master could take over."""

from __future__ import annotations

import pytest
from histories import T0, at, by, folded, report, running
from hypothesis import example, given
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.codec import BadEntry, PipeReader, pack_message
from tidal.model.frame import frame
from tidal.model.gather import Gathering
from tidal.model.paces import pacing_rows
from tidal.model.pipe import Batch
from tidal.model.samples import COUNT_MAX
from tidal.model.state import State
from tidal.model.wire import INT_MAX

ANY = st.one_of(st.integers(-INT_MAX, INT_MAX), st.sampled_from([-INT_MAX, -1, 0, 1, COUNT_MAX - 1, INT_MAX]))
GENERATOR = st.builds(ev.GeneratorState, ANY, ANY, st.sampled_from(["running", "gone"]), ANY, ANY)


def stored(state: State) -> State:
    """The state by way of a keyframe, which is the same and can be drawn."""
    again = State.unpacked(state.packed())
    assert again.packed() == state.packed()
    assert frame(again, T0 + 5_000) == frame(state, T0 + 5_000)
    return again


@given(st.lists(st.tuples(st.lists(GENERATOR, min_size=1, max_size=3), ANY, ANY), min_size=1, max_size=4))
@example([([ev.GeneratorState(0, 7, "running", 1, -5)], 0, 0)])
@example([([ev.GeneratorState(0, 7, "running", 1, 0)], INT_MAX, 0)] * 3)
def test_gauges_of_nonsense_are_stored(said: list[tuple[list[ev.GeneratorState], int, int]]) -> None:
    """A lag below nothing, the CPU of all the world: one worker's word must not cost the run its keyframes."""
    reports = [
        by("w1", n, report(users={"Buyer": 1}, generators=tuple(each), cpu_permille=cpu, memory_bytes=memory))
        for n, (each, cpu, memory) in enumerate(said, 1)
    ]
    stored(folded(*running("w1"), reports))


@given(st.lists(ANY, min_size=1, max_size=4))
@example([-1])
@example([INT_MAX] * 3)
def test_answers_of_nonsense_are_stored(waits_us: list[int]) -> None:
    """How long Redis took, by a master's word."""
    ticks = [at(2_000 + n, ev.Ticked((), wait_us)) for n, wait_us in enumerate(waits_us)]
    stored(folded(*running("w1"), *ticks))


def test_the_paces_of_a_long_run_are_stored() -> None:
    """A thousand workers at ten iterations a second pass the bound of one report in eight hours."""
    pace = ev.PaceTally("Buyer", COUNT_MAX // 1_000_000, COUNT_MAX - 1, 0)
    state = folded(*running("w1"), [by("w1", n, report(pacing=(pace,))) for n in range(1, 4)])
    assert state.reports.paces["Buyer"].wanted_millionths >= 2 * COUNT_MAX
    assert pacing_rows(stored(state).reports, 1_000) == pacing_rows(state.reports, 1_000)


@pytest.mark.parametrize("wanted", [-1, COUNT_MAX])
def test_a_pace_that_no_report_can_have_is_refused(wanted: int) -> None:
    """Below nothing, or so large that sums would not hold it."""
    with pytest.raises(ValueError, match="counts are"):
        report(pacing=(ev.PaceTally("Buyer", 0, wanted, 0),))


@pytest.mark.parametrize(
    "said",
    [
        {"arrivals": (-1, -1, 0)},
        {"to_ms": INT_MAX},
        {"from_ms": -1},
        {"from_ms": T0 + 500},
        {"iterations": (COUNT_MAX, 0, 0, 0)},
        {"ended": (0, 0, -5)},
        {"late": -1},
        {"users": {"Buyer": -4}},
        {"failures": (ev.FailureTally("GET", "/", "boom", -1, T0, T0),)},
        {"failures": (ev.FailureTally("GET", "/", "boom", 1, -1, T0),)},
        {"exceptions": (ev.ExceptionTally("boom", "", -1),)},
    ],
    ids=str,
)
def test_a_batch_that_no_report_could_carry_ends_its_generator_alone(said: dict[str, object]) -> None:
    """User code has the pipe's other end: its agent, who has other generators, reads nonsense and no more."""
    sound = Batch(T0, T0 + 250, (), arrivals=(1, 1, 0))
    (heard,) = PipeReader().feed(pack_message(sound))
    gathering = Gathering(T0)
    gathering.add(sound)
    assert heard == sound
    assert gathering.report(T0 + 250, {}, (), 0, 0).arrivals == (1, 1, 0)
    with pytest.raises(BadEntry, match="a report"):
        PipeReader().feed(_forged(said))


def _forged(said: dict[str, object]) -> bytes:
    """The frame of a batch that says something else."""
    frame_ = _Forged(**{"from_ms": T0, "to_ms": T0 + 250, "blocks": (), **said})  # type: ignore[arg-type]
    return pack_message(frame_)


class _Forged(Batch, frozen=True):
    def __post_init__(self) -> None:
        """Nobody looks."""
