"""The view of the plan: now and next, planned against actual, where it was not held and why, stage by stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from closeups import looked_at
from fakes import FilmFeed, StillFeed, Wishes, dashboard, screen_text, settled
from frames import ASCII, BEGAN_MS, HOSTILE, LOOK, closed, frame, hostile, limping, waiting
from measured_frames import measured

from tidal.model.closeup import Focus
from tidal.model.held import Held, Line, Span
from tidal.model.rows import GapRow, LossRow
from tidal.model.struct import replace
from tidal.tui.app import TidalApp
from tidal.tui.widgets.plan_page import plan_lines, why

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from tidal.model.rows import Frame

SIZES = {"60x16": (60, 16), "80x24": (80, 24), "120x30": (120, 30), "200x50": (200, 50)}


def told(shown: Frame, width: int = 120, height: int = 40) -> str:
    """The page as text."""
    lines = plan_lines(looked_at(shown, Focus(plan=True)), width, height, LOOK, fills=True)
    return "\n".join("".join(said for said, _ in line) for line in lines)


def test_now_and_next_come_first() -> None:
    """Which stage, what follows it and when, and how much was held."""
    first, second, *_ = told(frame()).splitlines()
    assert first == " ● peak · stage 3 of 4   next cool down in 5:18   ends in 5:48"
    assert second == " 99.43 % of the plan ran   missing 630.0 user-s"
    assert told(frame(is_paused=True)).startswith(" ⏸ the plan stands still at 4:12")
    assert told(closed()).startswith(" ■ the plan is over  10:00")


def test_a_gap_has_what_the_story_says_of_that_time() -> None:
    """The loss of a worker, and where its users went."""
    page = told(frame())
    assert "1:59 to 2:03    ▲ 612.0 user-s missing" in page
    assert "✗ worker w2 was lost: no heartbeat for 2.0 s" in page
    assert "the 250 users of w2 go to w1" in page


def test_a_gap_without_an_event_says_so() -> None:
    """A loss that was never told, generators that are busy, or nothing."""
    gap = GapRow(50_000, 52_000, 9_000, 0)
    assert why(frame(), gap) == [("·", "dim", "no event of the run is near it")]
    books = replace(frame().ledger, losses=(LossRow("generator 1 of w2", 51_000, 51_200, "died (9)"),))
    assert why(replace(frame(), ledger=books), gap) == [("▲", "warn", "generator 1 of w2: died (9)")]
    busy = replace(limping(), story=(), ledger=replace(books, losses=()))
    assert why(busy, replace(gap, to_ms=121_000))[0][2] == "the generators are busy: w1 lags 412 ms"


def test_stages_are_rows_and_those_ahead_are_empty() -> None:
    """Held, missing, surplus; a tone and a glyph where it was not held."""
    rows = {line.split()[1]: line for line in told(frame()).splitlines() if line[1:2] in "✓▲●◌" and line[1:2]}
    assert "100.00 %" in rows["warmup"]
    assert "98.95 %" in rows["hold"]
    assert rows["hold"].startswith(" ▲")
    assert rows["cool"].rstrip().endswith("10:00")


def test_arrivals_have_their_own_chart_and_columns() -> None:
    """Begun, dropped, planned."""
    page = told(measured())
    assert "Arrivals /s █ begun 40.0 ┅ planned 40.0" in " ".join(page.split())
    assert "Begun  Dropped  Arrivals" in page
    assert "of the arrivals began   dropped" in page


def test_each_class_has_a_small_chart() -> None:
    """By name, with what runs of it and what should."""
    assert "Shopper  █ running 450      ┅ planned 450" in told(frame())


def test_nothing_planned_is_said() -> None:
    """Before the start, and in a picture without a closer look."""
    nothing = " nothing was planned yet"
    assert plan_lines(waiting(), 80, 20, LOOK, fills=True) == [[(nothing, "dim")]]


@pytest.mark.parametrize("width", [44, 60, 80, 200])
def test_hostile_names_and_odd_sizes_are_drawn(width: int) -> None:
    """Nothing steers the terminal, nothing is out of bounds."""
    held = Held(
        -400,
        1_000,
        3_000,
        None,
        (Line("", "users", (1, 2), (1, 2, 3, 4)), Line(HOSTILE, "users", (), ()), Line("", "arrivals/s", (0,), ())),
        (Span(HOSTILE * 9, 0, 1 << 45, 1, 10**15, 10**15, 10**15, 1, 10**12, 10**12),),
    )
    shown = looked_at(hostile(), Focus())
    assert shown.closeup is not None
    shown = replace(shown, closeup=replace(shown.closeup, plan=held))
    page = plan_lines(shown, width, 20, ASCII, fills=False)
    assert all(said.isascii() and said.isprintable() for line in page for said, _ in line)


# ------------------------------------------------------------------ on the screen


async def test_the_view_is_reached_as_the_others_are() -> None:
    """By digit, by its tab, by the menu, by name; escape leads back; the picture is asked for only while it is seen."""
    feed = StillFeed(frame())
    async with TidalApp(feed, Wishes(), look=LOOK).run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        assert not (feed.focus and feed.focus.plan)
        await pilot.press("9")
        await settled(pilot)
        assert feed.focus is not None
        assert feed.focus.plan
        assert "● peak · stage 3 of 4" in screen_text(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert "● peak" not in screen_text(pilot)
        titles = [c.title for c in pilot.app.get_system_commands(pilot.app.screen)]
        assert "Plan (9)" in titles
        dashboard(pilot).action_tab("plan")
        await settled(pilot)
        await pilot.press("G")
        await pilot.pause()
        assert "Shopper  █ running" in screen_text(pilot)
        await pilot.press("1", "9")
        await settled(pilot)
        assert "● peak" in screen_text(pilot)


async def test_a_replay_shows_the_plan_of_its_moment() -> None:
    """From the frame alone."""
    film = FilmFeed(lambda at_ms: frame((at_ms - BEGAN_MS) // 1000), BEGAN_MS, BEGAN_MS + 600_000)
    film.seek(BEGAN_MS + 90_000)
    async with TidalApp(film, look=LOOK).run_test(size=(120, 30)) as pilot:
        await pilot.press("9")
        await settled(pilot)
        await settled(pilot)
        assert "● hold · stage 2 of 4   next peak in 1:30" in screen_text(pilot)


def pressed(*keys: str) -> Callable[[Pilot[str]], Any]:
    """Keys to press when the newest picture is there."""

    async def before(pilot: Pilot[str]) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
            await settled(pilot)

    return before


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_pictures(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    """Users and arrivals, a lost worker, four stages."""
    app = TidalApp(StillFeed(measured()), Wishes(), look=LOOK)
    assert snap_compare(app, terminal_size=size, run_before=pressed("9"))
