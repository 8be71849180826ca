"""The dashboard of a live run: keys, pictures, steering, and how it is left."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes import StillFeed, Wishes, dashboard, finished, screen_text, settled
from frames import ASCII, BEGAN_MS, LOOK, closed, frame, limping, waiting
from textual.events import Resize
from textual.geometry import Size
from textual.widgets import Button, Input

from tidal.errors import RedisUnreachable
from tidal.model.events import WantDrain, WantNote, WantPause, WantResume, WantStage, WantStop, WantTarget
from tidal.model.struct import replace
from tidal.tui.app import TidalApp
from tidal.tui.screens.detail import DetailScreen
from tidal.tui.screens.help import Help
from tidal.tui.screens.questions import Choice, UsersQuestion
from tidal.tui.screens.small import TooSmall

if TYPE_CHECKING:
    from tidal.model.rows import Frame
    from tidal.tui.look import Look

SIZES = [(60, 16), (80, 24), (120, 30), (200, 50)]


def live(
    now: Frame | None = None, *, look: Look = LOOK, error: Exception | None = None
) -> tuple[TidalApp, StillFeed, Wishes]:
    """An app on a live run, its feed and its operator."""
    feed, wishes = StillFeed(now or frame()), Wishes(error)
    return TidalApp(feed, wishes, look=look), feed, wishes


@pytest.mark.parametrize("size", SIZES)
async def test_what_matters_most_is_on_every_screen(size: tuple[int, int]) -> None:
    """File, state, elapsed, users, requests/s, failures, percentiles, completeness: at any size."""
    app, _, _ = live()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        shown = screen_text(pilot)
    figures = ("500 of 500", "1,234.5", "0.04 %", "17.9 ms", "148 ms", "612 ms")
    if size == (200, 50):  # there they are three rows high
        figures = ("USERS of 500", "REQUESTS/S", "FAILURES %", "P50 ms", "P99 ms", "1,234.5")
    for piece in ("shop.py", "● RUNNING", "4:12", "10:00", *figures):
        assert piece in shown
    assert "2/2 workers, complete to 15:10:54" in shown
    assert "TOTAL" in shown
    assert "q Quit" in shown


async def test_a_large_screen_shows_charts_requests_workers_and_events_at_once() -> None:
    """At 200x50 nothing has to be looked for."""
    app, _, _ = live()
    async with app.run_test(size=(200, 50)) as pilot:
        await settled(pilot)
        shown = screen_text(pilot)
    assert all(
        piece in shown
        for piece in ("Latency ms", "Users", "/checkout/payment/confirm", "● reports", "worker w2 was lost")
    )


@pytest.mark.parametrize(
    ("key", "piece"),
    [
        ("1", "/product/[id]"),
        ("2", "● reports"),
        ("3", "503 Server Error"),
        ("4", "KeyError: 'total'"),
        ("5", "note by ana@laptop"),
        ("6", "630.0"),
        ("7", "planned 500"),
    ],
)
async def test_the_digits_choose_a_table(key: str, piece: str) -> None:
    """1 to 7, as the tab bar says."""
    app, _, _ = live()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press(key)
        await settled(pilot)
        assert piece in screen_text(pilot)


async def test_a_lost_worker_is_told_by_glyph_and_word() -> None:
    """Never by colour alone."""
    app, _, _ = live(limping())
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await pilot.pause()
        shown = screen_text(pilot)
    assert "✗ gone" in shown
    assert "✗ lost" in shown
    assert "◐ stalled" in shown
    assert "3/4" in shown
    assert "▲ 1/2 workers" in shown


async def test_a_run_without_workers_says_that_it_waits() -> None:
    """While `--expect-workers` are missing."""
    app, _, _ = live(waiting())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        shown = screen_text(pilot)
    assert "◌ WAITING" in shown
    assert "waiting for workers: 1 of 2 here" in shown
    assert "no request yet" in shown


async def test_a_run_that_is_over_says_how_and_why() -> None:
    """Outcome and reason; no steering any more."""
    app, _, _ = live(closed("lapsed", "nobody watched it for a minute"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        shown = screen_text(pilot)
    assert "✗ LAPSED" in shown
    assert "nobody watched it for a minute" in shown
    assert "Stop" not in shown.splitlines()[-1]


async def test_before_the_first_entry_there_is_a_calm_screen() -> None:
    """Nothing has been read yet."""
    app, feed, _ = live()
    feed.now = None
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "waiting for the first entry of the run" in screen_text(pilot)


async def test_trouble_has_a_line_of_its_own_until_it_is_over() -> None:
    """The last picture stays; the line says why it is old."""
    app, feed, _ = live()
    feed.why = "Redis does not answer (for 12 s)"
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "▲ Redis does not answer (for 12 s)" in screen_text(pilot)
        feed.why = ""
        await settled(pilot)
        assert "does not answer" not in screen_text(pilot)
        assert "1,234.5" in screen_text(pilot)


async def test_freezing_stops_the_drawing_but_not_the_data() -> None:
    """A loud badge; the newest figures are there at once when it thaws."""
    app, feed, _ = live(frame(100))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("f")
        feed.now = frame(200)
        await settled(pilot)
        assert "FROZEN" in screen_text(pilot)
        assert "1:40 of" in screen_text(pilot)
        newest = dashboard(pilot).frame
        assert newest is not None
        assert newest.run.elapsed_ms == 200_000
        await pilot.press("f")
        await settled(pilot)
        assert "FROZEN" not in screen_text(pilot)
        assert "3:20 of" in screen_text(pilot)


async def test_the_same_picture_again_draws_nothing() -> None:
    """Two looks a second at a run that stands still cost no table."""
    app, _, _ = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        drawn: list[int] = []
        grid = dashboard(pilot).grid("requests")
        grid.render_line = lambda y: (drawn.append(y), type(grid).render_line(grid, y))[1]  # type: ignore[method-assign]
        await settled(pilot)
        assert drawn == []


async def test_a_filter_narrows_the_table_and_esc_clears_it() -> None:
    """The keys typed into it do not act; a chip says what is hidden."""
    app, _, _ = live()
    async with app.run_test(size=(100, 24)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"quxcheck")
        assert isinstance(app.focused, Input)
        await pilot.press(*["backspace"] * 8, *"checkout !payment", "enter")
        await pilot.pause()
        assert [key.split("\0")[1] for key in dashboard(pilot).grid("requests").keys] == ["/checkout"]
        assert "/checkout !payment  1 of 10" in screen_text(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert dashboard(pilot).grid("requests").shown == 10


async def test_enter_shows_all_of_a_row_and_esc_goes_back() -> None:
    """The traceback of an exception is one key away."""
    app, _, _ = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("4", "enter")
        await pilot.pause()
        assert isinstance(app.screen, DetailScreen)
        assert 'File "/home/ana/shop.py", line 48, in checkout' in screen_text(pilot)
        await pilot.press("escape")
        assert app.screen is dashboard(pilot)


@pytest.mark.parametrize("name", ["failures", "exceptions", "events", "ledger", "classes"])
async def test_every_table_has_details(name: str) -> None:
    """Nothing that a narrow screen hides is out of reach."""
    app, _, _ = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        dashboard(pilot).action_tab(name)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, DetailScreen)


async def test_help_and_palette_know_the_keys() -> None:
    """`?` fits 80x24; ctrl+p has every action, none of Textual's own."""
    app, _, _ = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        named = {command.title for command in app.get_system_commands(app.screen)}
        assert {"Users (u)", "Stop (x)", "Note (n)", "Detach (d)", "Freeze (f)", "Theme", "Quit (q)"} <= named
        assert not any(title.startswith(("Play", "Speed")) for title in named)
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, Help)
        assert "words to find, !word to leave out" in screen_text(pilot)
        await pilot.press(*"number")
        await pilot.pause()
        assert "change the number of users" in screen_text(pilot)
        assert "!word" not in screen_text(pilot)
        await pilot.press("escape")
        assert app.screen is dashboard(pilot)


async def test_a_palette_command_acts() -> None:
    """The palette does what the key does."""
    app, _, _ = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        command = next(c for c in app.get_system_commands(app.screen) if c.title == "Workers (2)")
        command.callback()
        await pilot.pause()
        assert "● reports" in screen_text(pilot)


# ------------------------------------------------------------------ steering


async def test_users_are_changed_by_an_intent_from_another_thread() -> None:
    """The screen's own thread never speaks to Redis."""
    app, _, wishes = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("u")
        await pilot.pause()
        await pilot.press(*["backspace"] * 3, *"750", "tab", *"2.5", "enter")
        await finished(app, "action_users")
        assert wishes.wanted == [WantTarget(750, 2.5)]
        assert threading.get_ident() not in wishes.threads


async def test_nonsense_is_refused_before_it_is_sent() -> None:
    """The question stays and says what is wrong."""
    app, _, wishes = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("u")
        await pilot.pause()
        await pilot.press("minus", "enter")
        await pilot.pause()
        assert isinstance(app.screen, UsersQuestion)
        assert "users: a whole number" in screen_text(pilot)
        await pilot.press("escape")
        assert wishes.wanted == []


async def test_a_note_goes_into_the_log() -> None:
    """Typed, entered, handed in."""
    app, _, wishes = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("n")
        await pilot.pause()
        await pilot.press(*"cache on", "enter")
        await finished(app, "action_note")
        assert wishes.wanted == [WantNote("cache on")]


async def test_stopping_asks_and_the_default_is_no() -> None:
    """X and enter stop nothing; x and s do."""
    app, _, wishes = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("x")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert wishes.wanted == []
        await pilot.press("x")
        await pilot.pause()
        await pilot.press("s")
        await finished(app, "action_stop")
        assert wishes.wanted == [WantStop()]
        assert app.is_running


async def test_draining_says_who_takes_the_users_and_asks() -> None:
    """From the table and from the worker's page; the default is no."""
    app, _, wishes = live()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("D")  # no worker is meant here
        await pilot.press("2")
        await settled(pilot)
        await pilot.press("D")
        await pilot.pause()
        assert "users move to w2" in screen_text(pilot)
        await pilot.press("enter")
        await finished(app, "action_drain")
        assert wishes.wanted == []
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("D")
        await pilot.pause()
        await pilot.press("d")
        await finished(app, "action_drain")
        assert wishes.wanted == [WantDrain("w1")]


async def test_the_last_worker_is_not_drained() -> None:
    """The reason is told, and nothing is asked."""
    now = frame()
    alone = replace(now, workers=now.workers[:1])
    app, _, wishes = live(alone)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        await pilot.press("D")
        await finished(app, "action_drain")
        assert ["w1 is the last worker" in told.message for told in app._notifications] == [True]
        assert wishes.wanted == []


async def test_a_wish_that_could_not_be_handed_in_is_told() -> None:
    """Redis is away: the screen stays and says so, in plain text."""
    app, _, _ = live(error=RedisUnreachable("[red]nothing answers at redis://***@db"))
    async with app.run_test(size=(100, 24), notifications=True) as pilot:
        await settled(pilot)
        assert not await dashboard(pilot).want(WantStop(), "done")
        await pilot.pause()
        assert [told.message for told in app._notifications] == ["[red]nothing answers at redis://***@db"]
        assert "[red]nothing answers" in screen_text(pilot)


# ------------------------------------------------------------------ leaving


async def left(app: TidalApp, *keys: str, size: tuple[int, int] = (80, 24)) -> str | None:
    """How the app was left after these keys; "" when it was not."""
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
    return app.return_value


async def test_quitting_a_live_run_asks_and_detaches_by_default() -> None:
    """Q and enter leave the run alone."""
    app, _, wishes = live()
    assert await left(app, "q", "enter") == "detached"
    assert wishes.wanted == []


@pytest.mark.parametrize("keys", [("d",), ("q", "d"), ("ctrl+c", "ctrl+c"), ("ctrl+q", "enter")])
async def test_there_are_many_ways_to_detach(keys: tuple[str, ...]) -> None:
    """The second Ctrl-C leaves at once."""
    app, _, wishes = live()
    assert await left(app, *keys) == "detached"
    assert wishes.wanted == []


async def test_a_run_that_ends_with_its_terminal_offers_no_detaching() -> None:
    """The demo's shop closes with it: no answer says otherwise, and `d` does nothing."""
    app = TidalApp(StillFeed(frame()), Wishes(), outlives=False, look=LOOK)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("d", "q")
        await pilot.pause()
        assert isinstance(app.screen, Choice)
        assert [str(button.label) for button in app.screen.query(Button)] == ["Stop the run", "Cancel"]


async def test_quitting_can_be_taken_back() -> None:
    """Esc and Cancel go back to the dashboard."""
    app, _, _ = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, Choice)
        await pilot.press("escape")
        assert app.screen is dashboard(pilot)


async def test_stop_and_leave_waits_until_the_run_is_closed() -> None:
    """The summary that follows is of the whole run."""
    app, feed, wishes = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("q")
        await pilot.pause()
        await pilot.press("s")
        await finished(app, "ask_to_leave")
        await settled(pilot)
        assert wishes.wanted == [WantStop()]
        assert app.is_running
        feed.now = closed("stopped", "ana stopped it")
        dashboard(pilot).pump.hurry()
        await pilot.pause()
    assert app.return_value == "stopped"


@pytest.mark.parametrize(
    ("outcome", "answer"), [("finished", "finished"), ("stopped", "stopped"), ("failed", "finished")]
)
async def test_a_run_that_is_over_is_left_without_a_question(outcome: str, answer: str) -> None:
    """There is nothing left to detach from."""
    app, _, _ = live(closed(outcome))
    assert await left(app, "q") == answer


async def test_watching_has_no_keys_that_steer() -> None:
    """`tidal watch` looks only."""
    feed, wishes = StillFeed(frame()), Wishes()
    app = TidalApp(feed, wishes, read_only=True, look=LOOK)
    async with app.run_test(size=(100, 24)) as pilot:
        await settled(pilot)
        assert "READ-ONLY" in screen_text(pilot)
        await pilot.press("u", "x", "n")
        assert app.screen is dashboard(pilot)
        assert not {"Users", "Stop", "Note"} & set(screen_text(pilot).splitlines()[-1].split())
        await pilot.press("q")
    assert app.return_value == "quit"
    assert wishes.wanted == []


async def test_the_app_closes_neither_feed_nor_operator() -> None:
    """The command line prints its summary from the same feed."""
    app, feed, _ = live(closed())
    await left(app, "q")
    assert app.feed is feed
    assert not feed.closed


# ------------------------------------------------------------------ terminals


async def test_a_terminal_that_is_too_small_says_so_and_comes_back() -> None:
    """Below 60x16 figures would lie; at 60x16 they are there again."""
    app, _, _ = live()
    async with app.run_test(size=(59, 16)) as pilot:
        await pilot.pause()
        assert isinstance(app.screen, TooSmall)
        assert "enlarge to 60x16" in screen_text(pilot)
        await pilot.resize_terminal(60, 16)
        await settled(pilot)
        assert app.screen is dashboard(pilot)
        await pilot.resize_terminal(80, 15)
        await pilot.pause()
        assert isinstance(app.screen, TooSmall)


async def test_sizes_of_before_are_not_laid_out() -> None:
    """Each would beget another of its kind: two on their way, as when a corner is dragged, never end."""
    app, _, _ = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await app.screen.on_event(Resize(Size(200, 60), Size(200, 60)))
        assert app.screen.outer_size == (80, 24)
        await pilot.resize_terminal(120, 40)
        await settled(pilot)
        assert app.screen.outer_size == (120, 40)


async def test_a_terminal_that_grows_and_shrinks_at_once_has_one_screen() -> None:
    """The one that asks for more room is not taken away before it is there."""
    app, _, _ = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        sizes = [(80, 5), (80, 24)] * 10
        async with asyncio.timeout(60):
            await asyncio.gather(*(pilot.resize_terminal(*size) for size in sizes))
            await settled(pilot)
        assert app.screen is dashboard(pilot)
        assert [type(screen) for screen in app.screen_stack].count(TooSmall) == 0


async def test_resizing_goes_through_every_layout() -> None:
    """Tables move between tabs and the large screen and keep their rows."""
    app, _, _ = live()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("5")
        for size in [*SIZES, (160, 20), (61, 60), (200, 50)]:
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert "w1 lags" in screen_text(pilot)


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5", "6", "question_mark", "u", "q"])
async def test_a_terminal_without_utf8_gets_ascii_only(key: str) -> None:
    """Not one character that it cannot show."""
    app, _, _ = live(replace(limping(), at_ms=BEGAN_MS), look=ASCII)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press(key)
        await pilot.pause()
        strange = {c for c in screen_text(pilot) if not c.isascii()}
    assert strange == set()


def test_without_colours_no_colour_is_left(tmp_path: Path) -> None:
    """NO_COLOR is read when the app is made: only the terminal's own two colours and their dimmed form."""
    picture, out = Path(__file__).with_name("picture.py"), tmp_path / "picture.svg"
    colours = {}
    for setting in ("", "1"):
        environment = {**os.environ, "NO_COLOR": setting}
        subprocess.run([sys.executable, picture, out, "100x24", "limping", "2"], env=environment, check=True)
        drawn = out.read_text(encoding="utf8")
        assert "● alive" in drawn.replace("&#160;", " ")
        colours[setting] = set(re.findall(r"-r\d+ { fill: (#\w+)", drawn))
    assert colours["1"] <= {"#c5c8c6", "#292929", "#868887", "#676867"}
    assert len(colours[""]) > 8


async def test_a_run_is_paused_when_asked_for_and_goes_on_at_once() -> None:
    """Standing still is asked about, for nobody is served meanwhile."""
    app, feed, wishes = live()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("P")
        await pilot.pause()
        assert isinstance(app.screen, Choice)
        await pilot.press("p")
        await finished(app, "action_pause")
        assert wishes.wanted == [WantPause()]
        feed.now = frame(is_paused=True)
        await settled(pilot)
        assert "PAUSED" in screen_text(pilot)
        await pilot.press("P")
        await finished(app, "action_pause")
    assert wishes.wanted == [WantPause(), WantResume()]


async def test_stages_are_gone_to_where_there_are_any() -> None:
    """Next and before; a plan without stages has no such keys."""
    app, feed, wishes = live()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("N")
        await pilot.pause()
        assert wishes.wanted == []
        feed.now = frame(stages=("warmup", "steady"))
        await settled(pilot)
        await pilot.press("N", "B")
        await finished(app, "action_stage")
    assert wishes.wanted == [WantStage("next"), WantStage("prev")]


async def test_the_palette_has_its_place_at_the_end_of_the_footer_only_where_there_is_room() -> None:
    """Also after the window grew or shrank: the keys of the screen come first."""
    app, _, _ = live()
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        for width, is_offered in ((60, False), (120, True), (75, False)):
            await pilot.resize_terminal(width, 24)
            await settled(pilot)
            await pilot.pause()
            assert ("^p" in screen_text(pilot).splitlines()[-1]) == is_offered, width


@pytest.mark.parametrize(("size", "lines"), [((80, 24), 6), ((120, 30), 11), ((120, 36), 17), ((60, 16), 0)])
async def test_the_charts_have_the_lines_that_the_table_leaves_empty(size: tuple[int, int], lines: int) -> None:
    """A table of a few rows leaves its room to the charts; in the smallest terminal the table has all of it."""
    app, _, _ = live()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        board = dashboard(pilot)
        charts = board.query_one("#charts")
        assert (charts.size.height if charts.display else 0) == lines
        assert board.grid("requests").size.height >= 7
        await pilot.press("5")  # events: more than there is room for
        await settled(pilot)
        assert charts.size.height <= lines
