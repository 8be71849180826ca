"""What anybody can make up without end is bounded: lives, gauges, codes, plans. Memory and time follow from that."""

from __future__ import annotations

from struct import pack as packed_numbers

import pytest
from histories import T0, beat, by, folded, life, opened, planned, report, running

from tidal.model import events as ev
from tidal.model import fold as folding
from tidal.model.codec import unpack
from tidal.model.decide import decide
from tidal.model.fold import GAUGES_MAX, INCARNATIONS_MAX, fold
from tidal.model.lanes import Lane
from tidal.model.plan import ramp
from tidal.model.reports import WATCH_S_MAX
from tidal.model.samples import TEXT_MAX, PaceTally
from tidal.model.senses import Senses
from tidal.model.series import Point, Strain, Sums
from tidal.model.spec import HEIGHT_MAX, POINTS_MAX, STAGE_NAME_MAX, STAGES_MAX, LimitSpec, Rest, StageSpec
from tidal.model.state import IncarnationRecord, State
from tidal.model.struct import replace

NAME = "n" * 5_000


# ------------------------------------------------------------------ what workers make up


def test_gauges_of_many_classes_are_few() -> None:
    """One incarnation has room for a million figures, the thousandth for a thousand; names are cut."""
    state = folded(opened())
    others = {str(n): IncarnationRecord() for n in range(GAUGES_MAX // 100)}
    state.reports.incarnations.update(others)
    classes = {f"{n:05}{NAME}": 1 for n in range(200)}
    generators = tuple(ev.GeneratorState(n, n, "running", 1, classes=classes) for n in range(3))
    fold(state, by("w1", 1, report(users=classes, generators=generators)))
    record = state.reports.incarnations[life("w1")]
    assert len(record.users) <= 100
    assert sum(map(len, record.by_generator.values())) <= 100
    assert max(map(len, record.users)) == folding.CLASS_NAME_MAX
    assert (record.generators, record.generators_alive) == (3, 3)


def test_load_failures_are_few() -> None:
    """Each made-up life may say that the file does not load; only so many are kept, and those that come first."""
    state = folded(opened())
    state.reports.load_failures = {str(n): ("FileImportError", "no") for n in range(folding.FAILURES_MAX)}
    fold(state, by("w1", 1, ev.LoadFailed("FileImportError", "no such module")))
    assert len(state.reports.load_failures) == folding.FAILURES_MAX


@pytest.mark.parametrize(("wanted", "kept"), [(0, 0), (3, 3), (255, 255), (256, 255), (-1, 255), ((1 << 62), 255)])
def test_an_exit_code_is_one(wanted: int, kept: int) -> None:
    """What no process can end with is the worst that it can, never a success."""
    state = folded(opened(), by("w1", 1, ev.WorkerFinished("done", wanted)), ev.HookDone("quit", 0, wanted))
    assert state.reports.exit_codes[life("w1")] == kept
    assert state.log.exit_code_wanted == kept


def test_lives_that_somebody_makes_up_are_not_greeted_for_ever() -> None:
    """A key that names another incarnation at each look would make the log grow, and every state with it."""
    state = folded(*running("w1"))
    state.log.incarnations.update({str(n): "w9" for n in range(INCARNATIONS_MAX)})
    made_up = beat("w7", run="r1")
    events = decide(state, Senses(T0 + 5_000, {made_up.incarnation: made_up}, looked=True))
    assert not any(isinstance(e, ev.WorkerSeen) for e in events)


@pytest.mark.parametrize(
    "changes",
    [
        {"processes": 5_000}, {"processes": -1}, {"users": -1}, {"lag_ms": 1 << 60}, {"pid": -1},
        {"memory_bytes": 1 << 62}, {"skew_ms": -1 << 60}, {"host": NAME}, {"why": NAME}, {"worker": ""},
        {"worker": "w" * 65}, {"incarnation": ""}, {"incarnation": NAME},
    ],
)  # fmt: skip
def test_a_heartbeat_of_nonsense_is_none(changes: dict[str, object]) -> None:
    """Negative, too large, too long, nameless."""
    with pytest.raises(ValueError, match="heartbeat"):
        replace(beat("w1"), **changes)  # type: ignore[arg-type]


# ------------------------------------------------------------------ what a master's rights can write


def plan(**changes: object) -> ev.PlanSet:
    """A good plan with something wrong."""
    return replace(planned("w1"), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"table": b"\x00"}, {"table": b"\x00\x05"}, {"table": b"\xff\xff" * 40_000}, {"number": -1}, {"from_ms": -1},
        {"from_ms": 1 << 60}, {"end_ms": -5}, {"end_ms": 1 << 60}, {"tracks": (ev.Track("", ()),) * 2_000},
        {"owners": ()}, {"stages": (StageSpec("s", 0, 1),) * (STAGES_MAX + 1)},
        {"rest": Rest(0, (ev.Track("", ()),) * 2_000, None)},
    ],
)  # fmt: skip
def test_a_plan_that_nobody_could_execute_is_refused(changes: dict[str, object]) -> None:
    """Where it is decoded: no worker and no master that reads it stumbles."""
    with pytest.raises(ValueError, match=r"plan|owner"):
        plan(**changes)


@pytest.mark.parametrize(
    "points",
    [
        ((0, -1.0),), ((0, 1e300),), ((5, 1.0), (0, 1.0)), ((1 << 60, 1.0),), ((-(1 << 60), 1.0),),
        tuple((n, 1.0) for n in range(POINTS_MAX + 1)),
    ],
)  # fmt: skip
def test_a_curve_that_nobody_could_follow_is_refused(points: tuple[tuple[int, float], ...]) -> None:
    """Below nothing, without end, back in time, of too many points."""
    with pytest.raises(ValueError, match="curve"):
        ev.Track("", points)


GOOD = {
    "watch of the last": ev.Watch("/", keep_s=WATCH_S_MAX),
    "watch of a span": ev.Watch("/", from_s=7, to_s=7),
    "curve": ev.Track("", ((0, 1.0),), base=0, rest=0),
    "stage": StageSpec("s" * STAGE_NAME_MAX, 5, 5),
    "search": LimitSpec(("p95 < 1s",), start_milli=1, most_milli=1, tolerance_permille=1, probe_ms=1_000, settle_ms=0),
    "long search": LimitSpec((), most_milli=HEIGHT_MAX * 1_000, tolerance_permille=1_000, settle_ms=600_000),
    "probe": ev.ProbeBegun(0, 0, 9, 9),
    "trip": ev.ThresholdTripped("p95 < 1s", 5, 5),
    "books": ev.LedgerSealed(1, 10, 7, 3, 0),
    "wish": ev.BlockWanted("c" * TEXT_MAX, 1, 1),
    "totals": ev.TicketsWanted((("c" * TEXT_MAX, 0, 1, 0, 0, 0),)),
    "pace": PaceTally("Buyer", 3, 1, 3),
}


@pytest.mark.parametrize(
    ("of", "changes"),
    [
        ("watch of the last", {"keep_s": WATCH_S_MAX + 1}), ("watch of the last", {"keep_s": -1}),
        ("watch of the last", {"keep_s": 0}), ("watch of the last", {"of": "x" * (TEXT_MAX + 1)}),
        ("watch of a span", {"from_s": 8}), ("watch of a span", {"from_s": -1}), ("watch of a span", {"keep_s": 1}),
        ("watch of a span", {"to_s": 1 << 60}),
        ("curve", {"base": -1}), ("curve", {"rest": -1}), ("curve", {"points": ((0, HEIGHT_MAX * 1.1),)}),
        ("stage", {"name": ""}), ("stage", {"name": "s" * (STAGE_NAME_MAX + 1)}), ("stage", {"to_ms": 4}),
        ("stage", {"to_ms": 1 << 60}), ("stage", {"from_ms": -(1 << 60)}),
        ("search", {"unit": "rows"}), ("search", {"start_milli": 0}), ("search", {"start_milli": 2}),
        ("search", {"tolerance_permille": 0}), ("search", {"probe_ms": 999}), ("search", {"settle_ms": -1}),
        ("search", {"probes_max": 0}), ("search", {"probes_max": 201}),
        ("long search", {"most_milli": HEIGHT_MAX * 1_000 + 1}), ("long search", {"tolerance_permille": 1_001}),
        ("long search", {"settle_ms": 600_001}), ("long search", {"probe_ms": 600_001}),
        ("probe", {"number": -1}), ("probe", {"level_milli": -1}), ("probe", {"from_s": -1}), ("probe", {"to_s": 8}),
        ("probe", {"to_s": 1 << 60}),
        ("trip", {"from_ms": -1}), ("trip", {"to_ms": 4}), ("trip", {"to_ms": 1 << 60}),
        ("books", {"ran_user_ms": 8}), ("books", {"to_s": -1}),
        ("wish", {"counter": "c" * (TEXT_MAX + 1)}),
        ("totals", {"rows": (("c" * (TEXT_MAX + 1), 0, 1, 0, 0, 0),)}), ("totals", {"rows": (("", 0, -1, 0, 0, 0),)}),
        ("totals", {"rows": (("", 0, 1, 0, 0, 1 << 60),)}),
        ("pace", {"late": 4}), ("pace", {"begun": -1}), ("pace", {"wanted_millionths": -1}), ("pace", {"late": -1}),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_where_it_is_born(of: str, changes: dict[str, object]) -> None:
    """By one more or less than what can be, of which the table above has the ends."""
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        replace(GOOD[of], **changes)  # type: ignore[type-var]


@pytest.mark.parametrize(
    "changes",
    [
        {"slots": 0}, {"slots": 1 << 40}, {"classes": (ev.ClassSpec("A", -1.0),)},
        {"classes": (ev.ClassSpec("A", 1.0, 1 << 40),)}, {"tracks": (ev.Track("", ()),) * 2_000},
        {"stages": (StageSpec("s", 0, 1),) * (STAGES_MAX + 1)}, {"options": ev.RunOptions(users=-1)},
    ],
)  # fmt: skip
def test_a_run_that_nobody_could_plan_is_refused(changes: dict[str, object]) -> None:
    """A table of a million million slots, negative weights."""
    with pytest.raises(ValueError, match=r"slots|weight|curves|users"):
        replace(opened().event, **changes)  # type: ignore[type-var]


@pytest.mark.parametrize(("users", "rate"), [(-1, 1.0), (1 << 40, 1.0), (5, 0.0), (5, -1.0), (5, 1e300)])
def test_a_target_that_nobody_could_go_to_is_not_the_target(users: int, rate: float) -> None:
    """The next plan is made from what was the target before."""
    state = folded(*running("w1"), ev.TargetSet(users, rate, "ann"))
    assert (state.log.users, state.log.spawn_rate) == (10, 10.0)
    with pytest.raises(ValueError, match="users at"):
        replace(opened().event, options=ev.RunOptions(users, rate))  # type: ignore[type-var]


def test_a_plan_of_all_slots_and_the_steepest_curve_is_folded_in_time() -> None:
    """A hundred days of ten million users are added up in the steps of the series."""
    owners = tuple(life(f"w{n}") for n in range(1_000))
    table = packed_numbers(f">{ev.SLOTS_MAX}H", *(n % 1_000 for n in range(ev.SLOTS_MAX)))
    curve = ev.Track("", ramp(0, 0, ev.USERS_MAX, 1e6))
    huge = ev.PlanSet(2, 0, (curve,), None, owners, table)
    state = folded(*running("w1"), huge, ev.ByMaster(1, 90, T0 + 100 * 86_400_000, ev.Ticked(())))
    assert state.log.planned_user_ms > 10**15


# ------------------------------------------------------------------ stored states


def unsound(state: State) -> list[State]:
    """The state with parts that do not belong together."""
    bad = [State.from_wire(unpack(state.packed(), 1 << 26)) for _ in range(13)]
    bad[0].log.phase = "resting"
    bad[1].log.intents["i9"] = True
    bad[2].log.planned.step_s = 0
    bad[3].position.pop("log")
    bad[4].reports.series.points[0] = Point(requests=-1)
    bad[5].reports.series.points[0] = Point(histogram={1 << 30: 1})
    bad[6].reports.series.first_s = 5  # and no last one
    bad[7].log.planned.first_s, bad[7].log.planned.last_s = 0, 1 << 60  # whoever looks at it goes from end to end
    bad[8].reports.incarnations["w9"] = IncarnationRecord(strain=Strain(1, 0, 1 << 60, {0: (1, 0, 0, 0)}))
    bad[9].log.held.arrivals = Sums(1, 9, 5)
    bad[11].log.refused.id, bad[12].reports.refused.id = "zz", "1-"  # the greatest one is kept
    bad[10].reports.lanes.by_key["GET", "/"] = Lane(1, 0, 1 << 60)
    return bad


def test_a_stored_state_that_does_not_hold_together_is_refused() -> None:
    """The fold takes for granted what it has made itself; a keyframe may come from anybody with rights to write it."""
    for bad in unsound(folded(*running("w1"))):
        with pytest.raises(ValueError, match=r"belong together|a histogram"):
            State.from_wire(unpack(bad.packed(), 1 << 26))
