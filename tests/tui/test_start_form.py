"""The form that starts a run: it checks as you type and says what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fakes import StillFeed, Wishes, dashboard, finished, screen_text, settled
from frames import LOOK, waiting
from textual.widgets import Button, Input

from tidal.errors import FileSyntaxError, NoHost, TidalError
from tidal.model.events import ClassSpec, RunOptions
from tidal.model.pipe import Loaded
from tidal.tui.app import TidalApp
from tidal.tui.choice import Typed, choice_of, complaints, typed_of
from tidal.tui.feed import Feed, Operator, StartChoice
from tidal.tui.screens.start import Start
from tidal.tui.widgets.tick import Tick

if TYPE_CHECKING:
    from textual.pilot import Pilot

GOOD = Typed("shop.py", "500", "10", "5m", "https://shop.example.com", "4")


class Front:
    """What the command line hands in: an inspector and a starter."""

    def __init__(self, error: Exception | None = None) -> None:
        self.choices: list[StartChoice] = []
        self.inspected: list[str] = []
        self.error = error

    def inspect(self, file: str) -> Loaded:
        """Two classes in shop.py, a mistake in bad.py."""
        self.inspected.append(file)
        if file.endswith("bad.py"):
            raise FileSyntaxError("bad.py, line 3: [red]invalid syntax")
        return Loaded((ClassSpec("Shopper"), ClassSpec("Admin")))

    def start(self, choice: StartChoice) -> tuple[Feed, Operator]:
        """Open a run, or refuse."""
        self.choices.append(choice)
        if self.error:
            raise self.error
        return StillFeed(waiting()), Wishes()

    def app(self, defaults: StartChoice | RunOptions | None = None) -> TidalApp:
        """The app without a feed."""
        return TidalApp(starter=self.start, defaults=defaults, inspector=self.inspect, look=LOOK)


async def inspected(pilot: Pilot[str]) -> None:
    """Wait until the file was looked at."""
    await pilot.pause()
    await finished(pilot.app, "_look_at_file")  # type: ignore[arg-type]
    await pilot.pause()


async def test_a_form_that_is_filled_in_starts_a_run_and_shows_it() -> None:
    """Enter in any field starts; the dashboard shows that the run waits for workers."""
    front = Front()
    app = front.app(StartChoice("shop.py", RunOptions(users=5, host="https://shop.example.com"), 2))
    async with app.run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        app.screen.query_one("#users", Input).focus()
        await pilot.press("backspace", "4", "2", "enter")
        await finished(app, "_begin")
        await pilot.pause()
        await settled(pilot)
        assert "◌ WAITING" in screen_text(pilot)
        assert app.feed is dashboard(pilot).pump._feed
    assert front.choices == [
        StartChoice(str(Path.cwd() / "shop.py"), RunOptions(users=42, host="https://shop.example.com"), 2)
    ]


async def test_the_classes_of_the_file_can_be_chosen() -> None:
    """All are ticked; unticking one runs the others."""
    front = Front()
    app = front.app(StartChoice("shop.py"))
    async with app.run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        assert [tick.value for tick in app.screen.query(Tick)] == [True, True]
        assert "[x] Shopper" in screen_text(pilot)
        app.screen.query(Tick).last().toggle()
        await pilot.pause()
        assert "[ ] Admin" in screen_text(pilot)
        await pilot.press("ctrl+s")
        await finished(app, "_begin")
    assert front.choices[0].options.classes == ("Shopper",)


async def test_classes_named_on_the_command_line_are_the_ones_ticked() -> None:
    """Defaults come from there."""
    app = Front().app(StartChoice("shop.py", RunOptions(classes=("Admin",))))
    async with app.run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        assert [tick.value for tick in app.screen.query(Tick)] == [False, True]


async def test_no_class_at_all_cannot_start() -> None:
    """The form says so and its button is off."""
    app = Front().app(StartChoice("shop.py"))
    async with app.run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        for tick in app.screen.query(Tick):
            tick.toggle()
        await pilot.pause()
        assert "user classes: choose at least one" in screen_text(pilot)
        assert app.screen.query_one("#start", Button).disabled


async def test_a_file_with_a_mistake_is_told_in_its_own_words() -> None:
    """The same message as on the command line; markup in it is text."""
    app = Front().app(StartChoice("bad.py"))
    async with app.run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        assert "bad.py, line 3: [red]invalid syntax" in screen_text(pilot)
        assert app.screen.query_one("#start", Button).disabled


async def test_typing_a_file_looks_at_it_once_it_rests() -> None:
    """Not at every letter: importing it takes a process."""
    front = Front()
    app = front.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"shop.py")
        start = app.screen
        assert isinstance(start, Start)
        assert start._later is not None
        start._later.stop()
        start._look_at_file()
        await inspected(pilot)
        assert [Path(file).name for file in front.inspected] == ["shop.py"]
        assert "[x] Admin" in screen_text(pilot)


async def test_a_start_that_fails_leaves_the_form_as_it_was() -> None:
    """The reason stands below; another try is possible."""
    front = Front(NoHost("Shopper has no host: give one"))
    app = front.app(StartChoice("shop.py"))
    async with app.run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        await pilot.press("ctrl+s")
        await finished(app, "_begin")
        await pilot.pause()
        assert "Shopper has no host: give one" in screen_text(pilot)
        await pilot.press("ctrl+s")
        await finished(app, "_begin")
    assert len(front.choices) == 2


async def test_enter_does_nothing_while_something_is_wrong() -> None:
    """It says what."""
    front = Front()
    app = front.app(StartChoice("shop.py", RunOptions(users=0)))
    async with app.run_test(size=(80, 24)) as pilot:
        await inspected(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert "users: 1 to 10,000,000" in screen_text(pilot)
    assert front.choices == []


async def test_the_form_is_left_by_esc() -> None:
    """Nothing runs, so nothing is asked."""
    app = Front().app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("escape")
    assert app.return_value == "quit"


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (200, 50)])
async def test_the_form_fits_every_screen(size: tuple[int, int]) -> None:
    """Every field and the button are on it."""
    app = Front().app(StartChoice("shop.py"))
    async with app.run_test(size=size) as pilot:
        await inspected(pilot)
        shown = screen_text(pilot)
    for label in ("File", "User classes", "Users", "Spawn rate /s", "Run time", "Processes", "Host", "Start"):
        assert label in shown


# ------------------------------------------------------------------ without a screen


def test_what_is_typed_becomes_the_options() -> None:
    """What the form has no field for stays as the command line said."""
    choice = choice_of(GOOD, RunOptions(expect_workers=3))
    assert choice == StartChoice(
        "shop.py", RunOptions(500, 10.0, 300_000, "https://shop.example.com", expect_workers=3), 4
    )


def test_defaults_and_form_say_the_same() -> None:
    """Typing nothing changes nothing."""
    defaults = StartChoice("shop.py", RunOptions(7, 0.5, 90_000, "http://x", ("A",)), 3)
    typed = typed_of(defaults)
    assert choice_of(Typed(**{**_fields(typed), "known": ("A", "B")}), defaults.options) == defaults


def _fields(typed: Typed) -> dict[str, object]:
    return {name: getattr(typed, name) for name in Typed.__slots__}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("file", " ", "locustfile"),
        ("users", "many", "whole number"),
        ("users", "0", "1 to"),
        ("rate", "", "users a second"),
        ("rate", "nan", "more than 0"),
        ("rate", "-1", "more than 0"),
        ("run_time", "soon", "90s"),
        ("run_time", "0s", "more than nothing"),
        ("host", "shop.example.com", "https://"),
        ("host", "ftp://x", "https://"),
        ("host", "http://[", "not a URL"),
        ("processes", "-1", "0 to"),
        ("processes", "x", "whole number"),
    ],
)
def test_every_mistake_is_named_by_its_field(field: str, value: str, said: str) -> None:
    """And no other field is blamed."""
    wrong = complaints(Typed(**{**_fields(GOOD), field: value}))
    assert list(wrong) == [field]
    assert said in wrong[field]


def test_a_good_form_has_no_complaints() -> None:
    """Empty run time, host and processes mean: until stopped, the file's, one a core."""
    assert complaints(GOOD) == {}
    assert complaints(Typed("shop.py")) == {}
    assert choice_of(Typed("shop.py"), RunOptions()) == StartChoice("shop.py")


def test_the_errors_of_the_house_are_what_the_form_expects() -> None:
    """An inspector raises one of them."""
    assert issubclass(FileSyntaxError, TidalError)
