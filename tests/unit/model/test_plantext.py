"""Plans in one line: what is understood, what is refused and where, and that printing is the way back."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidal.errors import BadPlan
from tidal.model.events import StageSpec, Track
from tidal.model.plan import counts_at
from tidal.model.plantext import ARRIVALS, USERS, Part, Plan, parsed, printed, span, stages_of, track_of

LONG = "0→100 in 30s, 100 for 5m, 100→500 in 1m, 500 for 10m, →0 in 30s"


def test_the_long_plan_as_stages_and_as_a_curve() -> None:
    """Ramps and holds, one after the other, and nothing at the end."""
    plan = parsed(LONG)
    assert [(p.start, p.end, p.length_ms) for p in plan.parts] == [
        (0, 100, 30_000), (100, 100, 300_000), (100, 500, 60_000), (500, 500, 600_000), (500, 0, 30_000),
    ]  # fmt: skip
    assert (plan.unit, plan.length_ms, plan.peak) == (USERS, 1_020_000, 500)
    assert track_of(plan) == Track(
        "", ((0, 0.0), (30_000, 100.0), (330_000, 100.0), (390_000, 500.0), (990_000, 500.0), (1_020_000, 0.0))
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0->100 in 30s", "0→100 in 30s"),
        ("→ 100 in 1m30", "BAD"),
        ("-> 100 in 1m30s", "0→100 in 1m30s"),
        ("100 users for 90", "100 for 1m30s"),
        ("1_000 for 1.5 hours", "1000 for 1h30m"),
        ("rate 50/s for 2m, 50/s→400/s in 5m", "50/s for 2m, 50/s→400/s in 5m"),
        ("rate 50 for 2m, ->400 in 5 min", "50/s for 2m, 50/s→400/s in 5m"),
        ("30/m for 500ms", "0.5/s for 500ms"),
        ("3600 / hour for ever", "1/s for ever"),
        ("warm up: 0->5 in 10s;peak: 5 for 1m 5s\n->0 in 1d,", "warm up: 0→5 in 10s, peak: 5 for 1m5s, 5→0 in 1d"),
        ("5→5 in 3s", "5 for 3s"),
    ],
)
def test_many_ways_to_say_it(text: str, wanted: str) -> None:
    """Both arrows, units spelled out or left out, names, separators; printed in one way."""
    if wanted == "BAD":
        with pytest.raises(BadPlan, match="column"):
            parsed(text)
    else:
        assert printed(parsed(text)) == wanted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "plan, column 1, at its end: there should be a number of users, or of arrivals such as 50/s"),
        ("100", 'column 4, at its end: there should be how long, or an arrow, as in "100 for 5m" or "100→0 in 30s"'),
        ("0→100 30s", "plan, column 7, at '30s': there should be how long the ramp takes, as in \"0→100 in 30s\""),
        ("0→ in 30s", "plan, column 4, at 'in 30s': there should be a number of users, or of arrivals such as 50/s"),
        ("5 for long", "plan, column 7, at 'long': there should be a time such as 30s, 5m or 1h30m"),
        ("5 for 0s", "plan, column 7, at '0s': there should be a time from 1ms to 366d"),
        ("5 for 3s 6 for 3s", "plan, column 10, at '6 for 3s': there should be a comma before the next stage"),
        ("5 for 3s, 5/s for 3s", "plan, column 11, at '5/s for 3s': there should be a level in users as before"),
        ("5/s for 3s, 5 users for 3s", "plan, column 13, at '5 users for 3s': there should be a level in arrivals/s"),
        ("2.5 for 3s", "plan, column 1, at '2.5 for 3s': there should be a whole number of users up to 10,000,000"),
        ("5/x for 3s", "plan, column 2, at '/x for 3s': there should be a unit of time after \"/\": /s, /m or /h"),
        ("5 for ever, 5 for 3s", "column 13, at '5 for 3s': there should be nothing: the stage before lasts for ever"),
        (": 5 for 3s", "plan, column 1, at ': 5 for 3s': there should be a name of 1 to 60 characters"),
        ("9" * 30, "plan, column 1, at '999999999999999999999999': there should be a whole number of users up to"),
        ("x" * 30_000, "a plan of 30,000 characters: 20,000 are the most"),
        ("1 for 1s," * 1_001, "there should be the end: a plan has 1,000 stages at most"),
        ("1 for 300d, 1 for 300d", "a plan of more than 366 days"),
        (",".join(f"s{i}: 1 for 1s" for i in range(101)), "101 stages have names: 100 are the most"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_place(text: str, says: str) -> None:
    """The column, what stands there, what would be right."""
    with pytest.raises(BadPlan) as raised:
        parsed(text)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


_PIECES = st.sampled_from(
    ["0", "100", "1.5", "→", "->", " in ", " for ", "30s", "1h", "5m", ",", ":", "rate ", "/s", "/", "ever", "warm",
     " ", "\n", ";", "_", "-", ">", "users", "\ud800", "\x00", "٣"],
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.lists(_PIECES, max_size=14).map("".join))
@example("1_ for 3s")
@example("1 for 1ms1ms")
def test_no_text_raises_anything_else(text: str) -> None:
    """Whatever is typed: a plan, which prints as one that means the same, or BadPlan."""
    try:
        plan = parsed(text)
    except BadPlan:
        return
    assert parsed(printed(plan)) == plan
    assert sum(s.to_ms - s.from_ms for s in stages_of(plan)) >= 0
    assert track_of(plan).unit == plan.unit


_NAMES = st.text(st.sampled_from("abz 0-._é"), max_size=8).map(str.strip)


@st.composite
def _plans(draw: st.DrawFn) -> Plan:
    unit = draw(st.sampled_from([USERS, ARRIVALS]))
    level = st.integers(0, 9_999) if unit == USERS else st.integers(0, 9_999_999_999).map(lambda n: n / 1_000_000)
    length = st.integers(1, 3_600_000) | st.sampled_from([1_000, 60_000, 86_400_000])
    parts = draw(st.lists(st.builds(Part, level.map(float), level.map(float), length, _NAMES), min_size=1, max_size=5))
    if draw(st.booleans()):
        last = draw(level.map(float))
        parts.append(Part(last, last, None, draw(_NAMES)))
    return Plan(tuple(parts), unit)


@settings(max_examples=150, deadline=None)
@given(_plans())
def test_printing_is_the_way_back(plan: Plan) -> None:
    """`parsed` reads what `printed` wrote as the same plan."""
    assert parsed(printed(plan)) == plan


@settings(max_examples=80, deadline=None)
@given(_plans())
def test_the_curve_begins_and_ends_with_the_plan(plan: Plan) -> None:
    """It starts at the first level, ends at nothing, and named stages cover what is named."""
    track = track_of(plan, "Buyer")
    assert track.points[0] == (0, plan.parts[0].start)
    if plan.length_ms is not None:
        assert track.points[-1][0] == plan.length_ms
        assert track.points[-1][1] == 0
        covered_ms = sum(s.to_ms - s.from_ms for s in stages_of(plan))
        assert covered_ms == (0 if len(plan.parts) == 1 and not plan.parts[0].name else plan.length_ms)


def test_stages_are_the_named_parts() -> None:
    """Neighbours of one name are one; what has no name goes by its number; a last one for ever ends far away."""
    stages = stages_of(parsed("up: 0->10 in 5s, up: 10 for 5s, 10 for 1s, peak: 10->90 in 5s, rest: 5 for ever"))
    up, third, peak, rest = stages
    assert (up, third) == (StageSpec("up", 0, 10_000), StageSpec("3", 10_000, 11_000))
    assert (peak, rest.from_ms, rest.to_ms > 1 << 34) == (StageSpec("peak", 11_000, 16_000), 16_000, True)
    assert stages_of(parsed("5 for 3s")) == ()
    assert stages_of(parsed("only: 5 for 3s")) == (StageSpec("only", 0, 3_000),)


def test_users_of_a_jump_start_at_once() -> None:
    """A hold at a level higher than the stage before ends in is a step."""
    track = track_of(parsed("5 for 10s, 20 for 10s"))
    assert [counts_at((track,), ms)[""] for ms in (0, 9_999, 10_000, 19_999, 20_000)] == [5, 5, 20, 20, 0]


def test_times_in_words() -> None:
    """The fewest units."""
    assert [span(ms) for ms in (1, 1_000, 90_000, 5_400_500, 86_400_000)] == ["1ms", "1s", "1m30s", "1h30m500ms", "1d"]
