"""The form that starts a run: it checks as you type, says what is wrong where it is, and shows what would happen."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from desks import DESKS, FLEET, HOST, SHOP, STAGES, desk, field, inspected, mistake
from fakes import dashboard, finished, screen_text, settled
from frames import ASCII, LOOK
from textual.widgets import Button, Input

from tidal.errors import NoHost
from tidal.model.events import ClassSpec
from tidal.model.pipe import Loaded
from tidal.tui.app import TidalApp
from tidal.tui.choice import memory_name
from tidal.tui.memory import ShortMemory
from tidal.tui.screens.start import Start
from tidal.tui.widgets.tick import Tick

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

SIZES = {"60x16": (60, 16), "80x24": (80, 24), "120x30": (120, 30), "200x50": (200, 50)}


async def begun(pilot: Pilot[str]) -> None:
    """Wait until the desk was asked to start, or refused."""
    await finished(pilot.app, "_begin")  # type: ignore[arg-type]
    await pilot.pause()


# ------------------------------------------------------------------ starting


async def test_a_form_that_is_filled_in_starts_a_run_and_shows_it() -> None:
    """Enter in any field starts; the dashboard shows that the run waits for workers."""
    paper = desk(users=5)
    app = TidalApp(desk=paper, look=LOOK)
    async with app.run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        field(pilot, "users").focus()
        await pilot.press("backspace", "4", "2", "enter")
        await begun(pilot)
        await settled(pilot)
        assert "◌ WAITING" in screen_text(pilot)
        assert app.feed is dashboard(pilot).pump._feed
    assert [(spec.file, spec.options.users, spec.options.host) for spec in paper.started] == [("shop.py", 42, HOST)]


async def test_a_start_that_fails_leaves_the_form_as_it_was() -> None:
    """The reason stands below; another try is possible, by key or by mouse."""
    paper = desk()
    paper.error = NoHost("Shopper has no host: give one")
    app = TidalApp(desk=paper, look=LOOK)
    async with app.run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        await pilot.press("ctrl+s")
        await begun(pilot)
        assert "Shopper has no host: give one" in screen_text(pilot)
        await pilot.click("#start")
        await begun(pilot)
    assert len(paper.started) == 2


async def test_enter_does_nothing_while_something_is_wrong() -> None:
    """Neither does ctrl+s, and the button is off."""
    paper = desk(host="")
    async with TidalApp(desk=paper, look=LOOK).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        await pilot.press("enter", "ctrl+s")
        await pilot.pause()
        assert "has no host" in mistake(pilot, "host")
        assert pilot.app.screen.query_one("#start", Button).disabled
    assert paper.started == []


async def test_the_form_is_left_by_esc() -> None:
    """Nothing runs, so nothing is asked."""
    paper = desk()
    app = TidalApp(desk=paper, look=LOOK)
    async with app.run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        await pilot.press("escape")
    assert app.return_value == "quit"
    assert paper.started == []


async def test_arrows_and_tab_go_from_field_to_field() -> None:
    """In the order in which they stand; up and shift+tab go back."""
    async with TidalApp(desk=desk(), look=LOOK).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        seen = []
        for key in ("down", *["tab"] * 8, "up", "shift+tab"):
            await pilot.press(key)
            await pilot.pause()
            seen.append(pilot.app.focused.id if pilot.app.focused else "")
    classes = [f"{kind}-{i}" for i in (0, 1) for kind in ("class", "weight", "count")]
    assert seen == [*classes, "users", "rate", "plan", "rate", "users"]


# ------------------------------------------------------------------ the load


async def test_stages_take_the_place_of_users_and_a_rate() -> None:
    """Their fields are off while there is a plan; the curve and the words are the plan's."""
    paper = desk()
    async with TidalApp(desk=paper, look=LOOK).run_test(size=(120, 30)) as pilot:
        await inspected(pilot)
        field(pilot, "users").value = "7"
        field(pilot, "plan").value = STAGES
        await pilot.pause()
        shown = screen_text(pilot)
        assert field(pilot, "users").disabled
        assert "500 users and 5 stages  7m in all" in shown
        assert "warmup" in shown
        await pilot.press("ctrl+s")
        await begun(pilot)
    (spec,) = paper.started
    assert (spec.options.plan, spec.options.users, spec.options.takes_plan) == ((("", STAGES),), 1, True)


async def test_a_plan_is_read_as_it_is_typed() -> None:
    """A mistake is told with its column, and the last curve that could be read stays."""
    async with TidalApp(desk=desk(users=500), look=LOOK).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        field(pilot, "plan").value = "0->100 within 30s"
        await pilot.pause()
        assert mistake(pilot, "plan").startswith("plan, column 8, at 'within 30s': there should be how long")
        assert field(pilot, "plan").has_class("-wrong")
        assert "500 users" in screen_text(pilot)
        field(pilot, "plan").value = "0->100 in 30s"
        await pilot.pause()
        assert mistake(pilot, "plan") == ""
        assert "100 users  30s in all" in screen_text(pilot)


async def test_plans_of_classes_have_bars_between() -> None:
    """Arrivals of one class, users of the others."""
    paper = desk()
    async with TidalApp(desk=paper, look=LOOK).run_test(size=(120, 30)) as pilot:
        await inspected(pilot)
        field(pilot, "plan").value = "Admin=rate 50/s for 2m | 20 for 3m"
        await pilot.pause()
        assert "20 users and about 6,000 arrivals  3m in all" in screen_text(pilot)
        field(pilot, "plan").value = "Clerk=5 for 1m"
        await pilot.pause()
        assert "no such class, but Shopper, Admin" in mistake(pilot, "plan")
        field(pilot, "plan").value = "Admin=rate 50/s for 2m | 20 for 3m"
        await pilot.press("ctrl+s")
        await begun(pilot)
    assert paper.started[0].options.plan == (("Admin", "rate 50/s for 2m"), ("", "20 for 3m"))


async def test_the_plan_of_the_file_holds_until_something_else_is_said() -> None:
    """It stands in the empty field and in the picture."""
    paper = desk()
    paper.loaded = Loaded(SHOP.classes, plan=(("", "30 for 1m"),))
    async with TidalApp(desk=paper, look=LOOK).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        assert "the file's: 30 for 1m" in screen_text(pilot)
        assert "30 users  1m in all" in screen_text(pilot)
        field(pilot, "users").value = "8"
        await pilot.pause()
        assert "8 users after 8s  until stopped" in screen_text(pilot)


async def test_a_shape_is_not_foreseen() -> None:
    """Python decides it while it runs."""
    paper = desk()
    paper.loaded = Loaded(SHOP.classes, shape="Waves")
    async with TidalApp(desk=paper, look=LOOK).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        assert "Waves of the file says how many users there are, moment by moment" in screen_text(pilot)


# ------------------------------------------------------------------ classes


async def test_the_classes_of_the_file_can_be_chosen() -> None:
    """All are ticked; unticking one runs the others; none at all cannot start."""
    paper = desk(users=100)
    async with TidalApp(desk=paper, look=LOOK).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        assert [tick.value for tick in pilot.app.screen.query(Tick)] == [True, True]
        assert "90 users" in screen_text(pilot)
        await pilot.click("#class-1")
        await pilot.pause()
        assert "[ ] Admin" in screen_text(pilot)
        assert "100 users" in screen_text(pilot)
        await pilot.click("#class-0")
        await pilot.pause()
        assert mistake(pilot, "classes") == "choose at least one of Shopper, Admin"
        await pilot.click("#class-0")
        await pilot.press("ctrl+s")
        await begun(pilot)
    assert paper.started[0].options.classes == ("Shopper",)


async def test_classes_named_on_the_command_line_are_the_ones_ticked() -> None:
    """Defaults come from there."""
    async with TidalApp(desk=desk(classes=("Admin",)), look=LOOK).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        assert [tick.value for tick in pilot.app.screen.query(Tick)] == [False, True]


async def test_weights_and_fixed_counts_are_settings_of_their_classes() -> None:
    """The shares follow as they are typed."""
    paper = desk(users=100)
    async with TidalApp(desk=paper, look=LOOK).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        field(pilot, "weight-0").value = "1"
        await pilot.pause()
        assert screen_text(pilot).count("50 users") == 2
        field(pilot, "count-1").value = "7"
        await pilot.pause()
        assert "93 users" in screen_text(pilot)
        field(pilot, "weight-0").value = "heavy"
        await pilot.pause()
        assert mistake(pilot, "classes") == "Shopper: weight and fixed_count are numbers from 0, not 'heavy'"
        field(pilot, "weight-0").value = "1"
        await pilot.press("ctrl+s")
        await begun(pilot)
    assert paper.started[0].options.class_settings == (("Shopper", '{"weight": 1}'), ("Admin", '{"fixed_count": 7}'))


# ------------------------------------------------------------------ the file, and what is remembered of it


async def test_a_file_with_a_mistake_is_told_in_its_own_words() -> None:
    """The same message as on the command line; markup in it is text."""
    async with TidalApp(desk=desk("bad.py"), look=LOOK).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        assert "bad.py, line 3: [red]invalid syntax" in screen_text(pilot)
        assert pilot.app.screen.query_one("#start", Button).disabled


async def test_typing_a_file_looks_at_it_once_it_rests() -> None:
    """Not at every letter: importing it takes a process."""
    paper = desk("")
    async with TidalApp(desk=paper, look=LOOK).run_test(size=(80, 24)) as pilot:
        start = pilot.app.screen
        assert isinstance(start, Start)
        for length in range(1, len("shop.py") + 1):
            field(pilot, "file").value = "shop.py"[:length]  # no key takes its time: the letters come together
        await pilot.pause()
        assert start._later is not None
        start._later.stop()
        start._look_at_file()
        await inspected(pilot)
        names = [Path(file).name for file in paper.inspected]
        assert names[-1] == "shop.py"
        assert len(names) < len("shop.py")  # on a busy machine a letter may come late
        assert "[x] Admin" in screen_text(pilot)


async def test_a_look_at_the_file_that_is_cancelled_midway_leaves_no_half_form() -> None:
    """Its classes were on their way to the form when a timer asked for another look: the form takes all of them in."""
    paper = desk("")
    async with TidalApp(desk=paper, look=LOOK).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        start = pilot.app.screen
        assert isinstance(start, Start)
        field(pilot, "file").value = "shop.py"
        await pilot.pause()
        start._look_at_file()
        while start._typed.loaded is None:  # noqa: ASYNC110 - of a step in between nobody tells
            await asyncio.sleep(0)
        start._look_at_file()
        await inspected(pilot)
        assert "[x] Admin" in screen_text(pilot)


async def test_a_file_is_offered_as_it_was_left() -> None:
    """Another form of the same file has what was started last; what the command line says now counts more."""
    memory = ShortMemory()
    async with TidalApp(desk=desk(), look=LOOK, memory=memory).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        for name, text in (("users", "70"), ("rate", "7"), ("run_time", "90s"), ("tags", "fast"), ("weight-1", "4")):
            field(pilot, name).value = text
        await pilot.click("#class-0")
        await pilot.pause()
        await pilot.press("ctrl+s")
        await begun(pilot)
    paper = desk(run_time_ms=60_000)
    async with TidalApp(desk=paper, look=LOOK, memory=memory).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        left = [field(pilot, name).value for name in ("users", "rate", "run_time", "tags", "weight-1")]
        assert left == ["70", "7", "60s", "fast", "4"]
        assert [tick.value for tick in pilot.app.screen.query(Tick)] == [False, True]
    async with TidalApp(desk=desk("other.py"), look=LOOK, memory=memory).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        assert field(pilot, "users").value == ""


@pytest.mark.parametrize("left", [None, 7, [], {"users": 5, "weights": [1], "left_out": "x", "given": {"a": 1}}])
async def test_a_memory_that_makes_no_sense_recalls_nothing(left: Any) -> None:
    """Anybody may have written that file."""
    memory = ShortMemory({memory_name(str(Path.cwd() / "shop.py")): left})
    async with TidalApp(desk=desk(), look=LOOK, memory=memory).run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        assert field(pilot, "users").value == ""
        assert [tick.value for tick in pilot.app.screen.query(Tick)] == [True, True]


# ------------------------------------------------------------------ who would run it


async def test_the_workers_that_wait_are_shown() -> None:
    """How many, their generators, what they take; one that serves another run is none of them."""
    paper = desk(users=500, redis=True, around=FLEET)
    async with TidalApp(desk=paper, look=LOOK).run_test(size=(200, 50)) as pilot:
        await inspected(pilot)
        shown = screen_text(pilot)
        assert "2 workers wait, 12 generators" in shown
        assert "load-2.fra.example    8 generators  up to 300 users" in shown
        assert "load-3" not in shown
        assert not pilot.app.screen.query("#processes")
        field(pilot, "fleet").value = "no such name!"
        field(pilot, "expect_workers").value = "two"
        await pilot.pause()
        assert "is no name of a fleet" in mistake(pilot, "fleet")
        assert "'two' is not a number" in mistake(pilot, "expect_workers")


# ------------------------------------------------------------------ pictures


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
async def test_the_form_fits_every_screen(size: tuple[int, int]) -> None:
    """Every field and the button are on it, and so is what the load comes to."""
    async with TidalApp(desk=desk(users=500), look=LOOK).run_test(size=size) as pilot:
        await inspected(pilot)
        shown = screen_text(pilot)
    for label in ("File", "User classes", "Users", "Spawn rate /s", "or stages", "Run time", "Processes", "Host"):
        assert label in shown
    for label in (
        "Only tags",
        "Without tags",
        "Start",
        "500 users after 8m20s  until stopped",
        "this machine, 8 cores",
    ):
        assert label in shown


async def test_hostile_names_are_text() -> None:
    """Classes, hosts and mistakes are other people's words."""
    evil = "[red]x[/]\x1b]0;t\x07\u202e" * 20
    paper = desk(redis=True, around=FLEET)
    paper.loaded = Loaded((ClassSpec(evil, host="http://x"), ClassSpec("b" + evil)), shape=evil)
    async with TidalApp(desk=paper, look=LOOK).run_test(size=(60, 16)) as pilot:
        await inspected(pilot)
        field(pilot, "plan").value = evil
        await pilot.pause()
        assert "\x1b" not in screen_text(pilot)


def pictured(name: str, **more: Any) -> tuple[TidalApp, Callable[[Pilot[str]], Any]]:
    """The app for a picture, and what to wait for."""

    async def before(pilot: Pilot[str]) -> None:
        for entry in pilot.app.screen.query(Input):
            entry.cursor_blink = False
        await inspected(pilot)

    return TidalApp(desk=DESKS[name](), **({"look": LOOK} | more)), before


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("name", ["start-plan", "start-fleet"])
def test_pictures(snap_compare: Callable[..., bool], name: str, size: tuple[int, int]) -> None:
    """A local run by stages; arrivals and users over a fleet."""
    app, before = pictured(name)
    assert snap_compare(app, terminal_size=size, run_before=before)


def test_a_mistake_in_a_picture(snap_compare: Callable[..., bool]) -> None:
    """Below its field, in red."""
    app, before = pictured("start-wrong")
    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


def test_the_form_in_ascii(snap_compare: Callable[..., bool]) -> None:
    """A terminal without UTF-8."""
    app, before = pictured("start-plan", look=ASCII)
    assert snap_compare(app, terminal_size=(100, 28), run_before=before)


def test_the_form_without_colours(snap_compare: Callable[..., bool]) -> None:
    """NO_COLOR: weight and reverse instead."""
    os.environ["NO_COLOR"] = "1"
    try:
        app, before = pictured("start-load")
        assert snap_compare(app, terminal_size=(120, 30), run_before=before)
    finally:
        os.environ.pop("NO_COLOR", None)
