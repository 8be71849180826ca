"""Every screen with poison in every text of its frame: nothing gets out, and every line is as wide as the terminal."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from desks import beat, desk, inspected
from fakes import FilmFeed, StillFeed, Wishes, dashboard, screen_text, settled
from frames import ASCII, BEGAN_MS, LOOK
from measured_frames import measured
from poison import POISONS, poisoned
from wcwidth import wcswidth

from tidal.errors import FileSyntaxError, RedisUnreachable
from tidal.model.events import ClassSpec
from tidal.model.pipe import ArgumentSpec, Loaded
from tidal.model.struct import replace
from tidal.tui.app import TidalApp
from tidal.tui.feed import Company

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tidal.model.closeup import Focus
    from tidal.model.rows import Frame
    from tidal.tui.look import Look

FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
SIZES = [(80, 24), (60, 16)]
MARKUP = POISONS[0]
ALL = "".join(POISONS)
DIALOGS = {
    "help": "question_mark", "leave": "q", "stop": "x", "users": "u", "note": "n", "pause": "P", "views": "v",
    "columns": "c", "save": "E", "palette": "ctrl+p",
}  # fmt: skip
"""What keys open over the dashboard, each closed by escape."""


class PoisonedFeed(StillFeed):
    """A closer look is poisoned as well; what it is asked for is found by the names of the frame."""

    def __init__(self, frame: Frame, turn: int) -> None:
        super().__init__(poisoned(frame, turn), trouble=ALL)
        self.turn = turn

    def frame(self, focus: Focus | None = None) -> Frame | None:
        """The frame with a poisoned closer look."""
        made = super().frame(focus)
        return replace(made, closeup=poisoned(made.closeup, self.turn)) if made is not None else None


def assert_whole(pilot: Pilot[str], where: str) -> str:
    """The screen's text, once it is sure that a terminal shows just that."""
    shown = screen_text(pilot)  # asserts the width that Rich knows
    strange = {c for c in shown if unicodedata.category(c) in FORBIDDEN and c != "\n"}
    assert strange == set(), f"{where}: {strange}"
    for line in shown.split("\n"):
        assert wcswidth(line) == pilot.app.size.width, f"{where}: {line!r}"
    return shown


async def visit_tables(pilot: Pilot[str]) -> str:
    """Every view, its first row opened, its page scrolled."""
    seen, board = "", dashboard(pilot)
    for name in board.views():
        board.action_tab(name)
        await settled(pilot)
        seen += assert_whole(pilot, name)
        await pilot.press("enter")
        await settled(pilot)
        seen += assert_whole(pilot, f"{name}, opened")
        await pilot.press("pagedown")
        await pilot.pause()
        seen += assert_whole(pilot, f"{name}, opened, further down")
        if pilot.app.screen is not board or board.opened:
            await pilot.press("escape")
    return seen


async def visit_dialogs(pilot: Pilot[str]) -> None:
    """Everything that opens over a table; what was refused is told in a toast."""
    for name, key in DIALOGS.items():
        await pilot.press(key)
        await pilot.pause()
        assert_whole(pilot, name)
        await pilot.press("escape")
        await pilot.pause()
    await pilot.press("m")
    await pilot.pause()
    assert_whole(pilot, "a wish that was refused")
    dashboard(pilot).action_tab("workers")
    await pilot.press("D")
    await pilot.pause()
    assert_whole(pilot, "drain")


@pytest.mark.parametrize(("size", "look"), [(SIZES[0], LOOK), (SIZES[1], LOOK), (SIZES[1], ASCII)])
async def test_a_live_run(size: tuple[int, int], look: Look) -> None:
    """Tables, pages, details, dialogs, toasts."""
    feed = PoisonedFeed(measured(), sum(size))
    app = TidalApp(feed, Wishes(RedisUnreachable(ALL)), look=look)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        seen = await visit_tables(pilot)
        assert "[red]boo[/]" in seen
        assert look is LOOK or seen.isascii()
        dashboard(pilot).action_tab("requests")
        await pilot.press("b")
        await visit_dialogs(pilot)
        assert app.is_running


@pytest.mark.parametrize("size", SIZES)
async def test_a_replay(size: tuple[int, int]) -> None:
    """The scrubber and its badges, while it is paused and when it moves."""
    film = FilmFeed(lambda at_ms: poisoned(measured(), at_ms % 7), BEGAN_MS, BEGAN_MS + 600_000)
    film.seek(BEGAN_MS + 252_000)
    async with TidalApp(film, look=LOOK).run_test(size=size) as pilot:
        await settled(pilot)
        assert_whole(pilot, "replay")
        for key in ("right", "right_square_bracket", "space"):
            await pilot.press(key)
            await settled(pilot)
            assert_whole(pilot, f"replay after {key}")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("turn", range(len(POISONS)))
async def test_the_start_form(size: tuple[int, int], turn: int) -> None:
    """File, classes, arguments, the fleet: what the file says of itself; and what is wrong with it."""
    poison = POISONS[turn]
    paper = desk(f"{poison}.py", host=f"https://{poison}", around=Company(waiting=(beat(1, host=poison[:60]),)))
    own = ArgumentSpec("region", f"--{poison}", '"eu"', poison, choices=(poison, "us"))
    paper.loaded = Loaded((ClassSpec(poison), ClassSpec("Admin")), arguments=(own,))
    async with TidalApp(desk=paper, look=LOOK).run_test(size=size) as pilot:
        await inspected(pilot)
        shown = assert_whole(pilot, "the form")
        for _ in range(4):
            await pilot.press("pagedown")
            await pilot.pause()
            shown += assert_whole(pilot, "the form, further down")
        paper.error = FileSyntaxError(poison)
        await pilot.press("ctrl+s")
        await inspected(pilot)
        shown += assert_whole(pilot, "the form, with an error")
        assert turn or "[red]boo[/]" in shown
