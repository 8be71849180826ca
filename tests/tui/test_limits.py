"""Thresholds in the charts: lines to scale, distinct without colours, told where there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from closeups import looked_at
from frames import ASCII, LOOK, frame
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tidal.model.closeup import Focus
from tidal.model.judged_rows import ThresholdRow
from tidal.model.struct import replace
from tidal.tui.look import Look
from tidal.tui.widgets.chart import Plot, Series, draw
from tidal.tui.widgets.charts import plots_of
from tidal.tui.widgets.endpoint_page import endpoint_lines
from tidal.tui.widgets.limits import Limit, told

if TYPE_CHECKING:
    from tidal.model.rows import Frame

BLOCK = Look(dots="block")
FLAT = Plot("Latency", "ms", (Series("p95", "p95", (200_000,) * 30),), 1000)


def threshold(metric: str, limit: int, word: str = "holds", of: str = "") -> ThresholdRow:
    """A threshold that judges all of the run."""
    return ThresholdRow("", "", word, limit_milli=limit, metric=metric, of=of, wanted=f"{metric} < {limit}")


def plain(plot: Plot, look: Look, width: int = 60, height: int = 11) -> list[str]:
    """The rows of a chart, without tones."""
    return ["".join(said for said, _ in runs) for runs in draw(plot, width, height, look)]


def judged(*rows: ThresholdRow) -> Frame:
    """A run with thresholds."""
    return replace(frame(), thresholds=rows)


@pytest.mark.parametrize(("look", "held", "bad"), [(LOOK, "⠄", "⠤"), (BLOCK, "▖ ", "▖▖"), (ASCII, "- ", "==")])
def test_a_line_tells_by_its_dots_whether_it_is_kept_to(look: Look, held: str, bad: str) -> None:
    """Sparse while it is, close when it is not; in ASCII by another character: colours are not needed."""
    lines = {}
    for is_bad in (False, True):
        plot = replace(FLAT, limits=(Limit("p95<120", 120_000, is_bad=is_bad),))
        lines[is_bad] = next(row for row in plain(plot, look)[1:] if row.startswith("   120"))
    assert held * 4 in lines[False]
    assert bad * 4 in lines[True]


def test_a_limit_nearby_widens_the_scale_and_one_far_off_does_not() -> None:
    """The data keep at least half of the height; what is not drawn is told, with an arrow."""
    near = plain(replace(FLAT, limits=(Limit("p95<400ms", 400_000),)), LOOK)
    far = plain(replace(FLAT, limits=(Limit("p95<5s", 5_000_000),)), LOOK)
    assert near[1].lstrip().startswith("400┤")
    assert far[1].lstrip().startswith("200│")
    assert "┈ p95<400ms ✓" in near[0]
    assert "↑ p95<5s ✓" in far[0]


def test_without_room_in_the_legend_it_is_told_beside_its_line() -> None:
    """Where nothing is drawn, and what lies above in the highest row."""
    plot = replace(FLAT, limits=(Limit("p95<120ms", 120_000), Limit("p95<5s", 5_000_000)))
    narrow = plain(plot, LOOK, 34)
    assert "p95" not in narrow[0].replace("━ p95", "")
    assert any(row.endswith(" p95<120ms ✓ ") for row in narrow)
    assert narrow[1].endswith(" ↑ p95<5s ✓ ")


def test_words_of_what_is_not_kept_to_find_a_place() -> None:
    """Where data lie at the end of its line: in the nearest row that is free, however far; a calm one may go untold."""
    full = replace(FLAT, series=(Series("p95", "p95", (200_000, 0) * 30),))  # up and down in every column
    top = replace(FLAT, series=(Series("p95", "p95", (200_000,) * 60),))
    for plot, is_bad, is_told in ((top, True, True), (top, False, True), (full, True, False), (full, False, False)):
        limited = replace(plot, limits=(Limit("p95<200ms", 200_000, is_bad=is_bad),))
        assert any("p95<200ms" in row for row in plain(limited, LOOK, 34)[1:]) == is_told
    low = replace(FLAT, series=(Series("p95", "p95", (200_000, 60_000) * 30),))  # free below 60 ms
    for is_bad in (True, False):
        limited = replace(low, limits=(Limit("p95<200ms", 200_000, is_bad=is_bad),))
        assert any("p95<200ms" in row for row in plain(limited, LOOK, 34)[1:]) == is_bad


def test_a_line_never_takes_the_tone_of_the_data() -> None:
    """Where a series is drawn in a cell the line gives way: dots of failures at the height of a limit would be news."""
    failed = Series("failed", "failures", (2_000,) * 60)
    for look in (LOOK, BLOCK, ASCII):
        without = draw(replace(FLAT, series=(*FLAT.series, failed)), 60, 6, look)
        plot = replace(FLAT, series=(*FLAT.series, failed), limits=(Limit("p95<9", 9_000),))
        drawn = [
            ["".join(said for said, tone in runs if tone == "failures") for runs in rows[1:]]
            for rows in (without, draw(plot, 60, 6, look))
        ]
        assert drawn[0] == drawn[1]


def test_a_line_holds_only_for_the_part_that_is_judged() -> None:
    """From 15 s to 30 s of a minute: a quarter of the width."""
    plot = replace(FLAT, limits=(Limit("p95<120", 120_000, is_bad=True, from_ms=15_000, to_ms=30_000),))
    row = next(row for row in plain(plot, ASCII, 67) if row.startswith("   120"))
    assert row[7:].rstrip() == " " * 15 + "=" * 15


def test_a_share_of_the_requests_follows_them() -> None:
    """fail% has no height of its own: so many per cent of the requests, and no line where that is the ground."""
    shown = judged(ThresholdRow("", "", "holds", limit_milli=20_000, metric="fail%", wanted="fail% <= 20%"))
    limit = plots_of(shown)["requests"].limits[0]
    assert limit.values == tuple(rps // 5 for rps in shown.chart.rps_milli)
    rows = plain(plots_of(shown)["requests"], ASCII, 90, 14)
    assert "- fail%<=20% +" in rows[0]
    assert any("-" in row for row in rows[1:-1])
    tiny = judged(ThresholdRow("", "", "holds", limit_milli=10, metric="fail%", wanted="fail% <= 0.01%"))
    assert not any("-" in row for row in plain(plots_of(tiny)["requests"], ASCII, 90, 14)[1:-1])


def test_an_endpoint_shows_its_own_thresholds() -> None:
    """On its page, and not in the charts of all requests."""
    shown = judged(threshold("p95", 900_000, of="POST /checkout"), threshold("rps", 40_000, "failing", of="/checkout"))
    shown = replace(shown, closeup=looked_at(shown, Focus(endpoint=("POST", "/checkout"))).closeup)
    page = endpoint_lines(shown, ("POST", "/checkout"), 200, 50, LOOK, fills=True)
    said = "\n".join("".join(text for text, _ in runs) for runs in page)
    assert "p95<900000 ✓" in said
    assert "rps<40000 ✗" in said
    assert not any(plot.limits for plot in plots_of(shown).values())


def test_words_from_outside_stay_words() -> None:
    """The label is a threshold's text: cleaned, and in the terminal's characters."""
    assert told(Limit("p95\x1b[31m≤é"), ASCII, is_above=False) == "p95[31m?? +"


@given(
    st.lists(st.integers(-5, 10**9), max_size=9),
    st.integers(0, 120),
    st.integers(0, 20),
    st.sampled_from([LOOK, BLOCK, ASCII]),
)
def test_limits_never_change_the_size_of_a_chart(values: list[int], width: int, height: int, look: Look) -> None:
    """Whatever they are, and however many."""
    limits = tuple(Limit(f"x<{v}", v, is_bad=bool(v % 2), from_ms=v % 70_000) for v in values)
    rows = plain(replace(FLAT, limits=limits), look, width, height)
    assert {cell_len(row) for row in rows} <= {width}
    assert len(rows) == height
