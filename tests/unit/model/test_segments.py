"""A run in phases: by its stages, or by what its plans wanted."""

from __future__ import annotations

import pytest
from histories import T0, block

from tidal.model import events as ev
from tidal.model.plan import ramp
from tidal.model.segments import PIECES_MAX, TOTAL, Phase, Pieces, add_all, phases_of
from tidal.model.struct import replace


def plan(points: tuple[tuple[int, float], ...], from_ms: int = 0, unit: str = "users") -> ev.PlanSet:
    """A plan of one curve."""
    return ev.PlanSet(1, from_ms, (ev.Track("", points, unit),), None, (), b"")


def told(phases: list[Phase]) -> list[tuple[str, int, int]]:
    """Name, begin and end in seconds."""
    return [(p.name, p.from_ms // 1000, p.to_ms // 1000) for p in phases]


def test_a_ramp_and_what_it_leads_to() -> None:
    """Thirty users at one a second, then a minute and a half of them."""
    found = phases_of([plan(ramp(0, 0, 30, 1.0))], 120_000)
    assert told(found) == [("ramp to 30 users", 0, 29), ("30 users", 29, 120)]
    assert [phase.is_steady for phase in found] == [False, True]


def test_an_operator_makes_a_phase() -> None:
    """From 30 to 60 users at 1:00, within three seconds, and back: the name says which time."""
    plans = [
        plan(((0, 30.0),)),
        plan(ramp(60_000, 30, 60, 10.0), 60_000),
        plan(ramp(120_000, 60, 30, 30.0), 120_000),
    ]
    assert [name for name, *_ in told(phases_of(plans, 180_000))] == [
        "30 users",
        "ramp to 60 users",
        "60 users",
        "30 users (2)",
    ]


def test_a_shapes_short_steps_are_a_ramp() -> None:
    """Levels of two seconds lead somewhere; one of ten is a phase."""
    points = tuple((at, float(v)) for i in range(10) for at, v in ((i * 2_000, i + 1), (i * 2_000 + 1_999, i + 1)))
    found = phases_of([plan((*points, (20_000, 20.0)))], 40_000)
    assert told(found) == [("ramp to 20 users", 0, 20), ("20 users", 20, 40)]


def test_stages_have_their_own_names() -> None:
    """As far as the run went."""
    stages = [
        ev.StageSpec("warm-up", 0, 60_000),
        ev.StageSpec("peak", 60_000, 120_000),
        ev.StageSpec("end", 300_000, 1 << 40),
    ]
    assert told(phases_of([plan(((0, 1.0),))], 90_000, stages)) == [("warm-up", 0, 60), ("peak", 60, 90)]


def test_arrivals_are_a_height_too() -> None:
    """By their rate."""
    found = phases_of([plan(((0, 10.0), (30_000, 10.0), (60_000, 40.0)), unit="arrivals/s")], 120_000)
    assert [name for name, *_ in told(found)] == ["10 arrivals/s", "ramp to 40 arrivals/s", "40 arrivals/s"]


@pytest.mark.parametrize("end_ms", [0, -5, 1])
def test_a_run_of_no_time_has_no_phase_to_speak_of(end_ms: int) -> None:
    """And no plan neither."""
    assert len(phases_of([plan(((0, 1.0),))], end_ms)) <= 1
    assert phases_of([], 1_000) == []


@pytest.mark.parametrize("end_ms", [30_000, 86_400_000, 2_000_000_000_000, 1 << 45])
def test_a_phase_of_ages_has_few_pieces(end_ms: int) -> None:
    """A clock that jumped by a thousand years: what was measured is there, empty seconds take no memory."""
    (phase,) = phases_of([plan(((0, 5),))], end_ms)
    pieces = Pieces([phase], T0)
    add_all(pieces, [block(second, 2) for second in (0, 3, 29)])
    row = pieces.row(phase, TOTAL)
    assert len(row) <= PIECES_MAX
    assert sum(piece.requests for piece in row) == sum(sum(piece.histogram.values()) for piece in row) == 6
    assert pieces.step_s == 1 or len(row) >= PIECES_MAX // 2


@pytest.mark.parametrize(
    ("second", "stage", "phase"),
    [(9, "", "a"), (9, "a", "a"), (9, "b", "b"), (10, "a", "b"), (10, "b", "b"), (8, "b", "a"), (9, "c", "a")],
)
def test_a_second_in_which_a_stage_ends_is_its_whose_requests_they_are(second: int, stage: str, phase: str) -> None:
    """The stage changes in the middle of second 9; a block says to which its requests belong, where that can be."""
    phases = phases_of([], 20_000, [ev.StageSpec("a", 0, 9_500), ev.StageSpec("b", 9_500, 20_000)])
    pieces = Pieces(phases, T0)
    add_all(pieces, [replace(block(second, 3), stage=stage)])
    assert {one.name: sum(piece.requests for piece in pieces.row(one, TOTAL)) for one in phases} == {
        **dict.fromkeys("ab", 0),
        phase: 3,
    }


def test_pieces_lie_where_their_seconds_are() -> None:
    """From the run's begin on; without requests there is none."""
    (phase,) = phases_of([plan(((0, 5),))], 6_000)
    pieces = Pieces([phase], T0)
    add_all(pieces, [block(second, count) for second, count in ((0, 1), (2, 3), (5, 2))])
    assert [piece.requests for piece in pieces.row(phase, TOTAL)] == [1, 0, 3, 0, 0, 2]
    assert pieces._count == 2 * 3
