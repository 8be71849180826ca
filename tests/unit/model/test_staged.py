"""Figures by stage and by class: exact, capped, and shown in every output."""

from __future__ import annotations

from histories import T0, at, block, by, closed, finished, folded, opened, planned, report, seen, started, stopped

from tidal.model import events as ev
from tidal.model import staged
from tidal.model.frame import frame
from tidal.model.struct import replace
from tidal.outputs.json import frame_json
from tidal.outputs.markdown import markdown
from tidal.outputs.text import interval_line, summary

STAGES = (ev.StageSpec("warm up", 0, 2_000), ev.StageSpec("hold", 2_000, 10_000))


def _state(*blocks: ev.Block) -> object:
    plan = replace(planned("w1"), stages=STAGES)
    return folded(opened(), seen("w1"), started(), plan, by("w1", 1, report(*blocks)))


def _cut(second: int, stage: str, cls: str, name: str = "/", **more: int) -> ev.Block:
    return replace(block(second, name=name, **more), stage=stage, user_class=cls)


BLOCKS = (
    _cut(0, "warm up", "Buyer", requests=3),
    _cut(1, "warm up", "Reader", requests=2, name="/buy", failures=1),
    _cut(3, "hold", "Buyer", requests=5),
)


def test_each_stage_and_class_has_its_own_figures() -> None:
    """They sum up to the whole; a stage's rates are means over as long as it has lasted."""
    picture = frame(_state(*BLOCKS), T0 + 4_000)  # type: ignore[arg-type]
    warm, hold = picture.stages
    assert (warm.name, warm.lasted_ms, warm.is_on, warm.total.requests, warm.total.failures) == (
        "warm up",
        2_000,
        False,
        5,
        1,
    )
    assert [(e.name, e.requests) for e in warm.endpoints] == [("/", 3), ("/buy", 2)]
    assert (hold.lasted_ms, hold.is_on, hold.total.requests, hold.total.total_rps_milli) == (2_000, True, 5, 2_500)
    assert [(c.name, c.total.requests, c.ran_user_ms) for c in picture.classes] == [
        ("Buyer", 8, 2_000),
        ("Reader", 2, 1_000),
    ]
    assert sum(s.total.requests for s in picture.stages) == picture.total.requests
    assert picture.run.stage == "hold"
    assert "in hold" in interval_line(picture)


def test_the_warm_up_that_is_not_counted_is_in_no_cut() -> None:
    """As it is in no endpoint."""
    picture = frame(_state(replace(BLOCKS[0], is_warmup=True)), T0 + 4_000)  # type: ignore[arg-type]
    assert (picture.total.requests, picture.classes, [s.total.requests for s in picture.stages]) == (0, (), [0, 0])


def test_cuts_are_bounded_and_the_rest_is_counted() -> None:
    """Stages, classes and their endpoints beyond the caps are (other)."""
    stages = [_cut(0, f"s{i}", f"C{i}") for i in range(staged.CUTS_MAX + 5)]
    picture = frame(_state(*stages), T0 + 4_000)  # type: ignore[arg-type]
    other = {s.name: s.total.requests for s in picture.stages}[staged.OTHER]
    assert (other, {c.name: c.total.requests for c in picture.classes}[staged.OTHER]) == (5, 5)
    endpoints = [_cut(0, "hold", "Buyer", name=f"/{i}") for i in range(staged.CUT_ROWS_MAX + 7)]
    hold = frame(_state(*endpoints), T0 + 4_000).stages[1]  # type: ignore[arg-type]
    assert (len(hold.endpoints), hold.endpoints[0].name, hold.endpoints[0].requests) == (
        staged.CUT_ROWS_MAX + 1,
        "(other)",
        7,
    )
    assert hold.total.requests == staged.CUT_ROWS_MAX + 7


def test_the_outputs_show_them() -> None:
    """Text with the endpoints of a stage, Markdown with its totals, JSON with all; nothing without stages."""
    ending = [at(10_000, ev.Ticked(())), at(10_000, stopped("finished")), finished("w1", 2), closed()]
    plan = replace(planned("w1"), stages=STAGES)
    told = by("w1", 1, report(*BLOCKS))
    picture = frame(folded(opened(), seen("w1"), started(), plan, told, *ending), T0 + 11_000)
    text = summary(picture)
    assert "Stages, rates as means over each" in text
    assert "GET /buy" in text
    assert "User classes" in text
    assert "| `warm up` | 0:02 | 5 | 20.00 % |" in markdown(picture)
    assert '"stages":[{"endpoints":[' in frame_json(picture)
    plain = frame(
        folded(opened(), seen("w1"), started(), planned("w1"), by("w1", 1, report(block())), *ending), T0 + 11_000
    )
    assert "Stages" not in summary(plain)
    assert "| stage |" not in markdown(plain)
