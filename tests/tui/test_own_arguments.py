"""The file's own arguments on the start form: fields below the others, checked as you type, handed on as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from desks import SHOP, desk, field, inspected, mistake
from fakes import finished, screen_text
from frames import ASCII, LOOK
from textual.widgets import Button, Input

from tidal.model.events import ClassSpec
from tidal.model.pipe import ArgumentSpec, Loaded
from tidal.model.struct import replace
from tidal.tui import own
from tidal.tui.app import TidalApp
from tidal.tui.choice import argument_values, remembered
from tidal.tui.screens.start import Start
from tidal.tui.widgets.tick import Tick

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from tidal.launch import LaunchSpec

REGION = ArgumentSpec("region", "--region", '"eu"', "where the shop stands", choices=("eu", "us"))
TOKEN = ArgumentSpec("token", "-k, --api-token", "null", is_secret=True, is_required=True)
DEPTH = ArgumentSpec("depth", "--depth", "3", kind="int")
RATIO = ArgumentSpec("ratio", "--ratio", "null", kind="float")
DRY = ArgumentSpec("dry", "--dry-run", "false", "buy nothing", kind="flag")
SHOPS = ArgumentSpec("shops", "--shops", '["north", "old town"]', kind="list")
HIDDEN = ArgumentSpec("hidden", "--hidden", '"x"', in_form=False)
ALL = (REGION, TOKEN, DEPTH, RATIO, DRY, SHOPS, HIDDEN)


def app_of(started: list[LaunchSpec], *arguments: ArgumentSpec, **more: Any) -> TidalApp:
    """The form over a file with these arguments."""
    paper = desk(users=5)
    paper.loaded = Loaded((ClassSpec("Shopper"),), arguments=arguments or ALL)
    paper.started = started
    return TidalApp(desk=paper, look=more.get("look", LOOK))


async def test_every_argument_has_a_field_with_what_it_is_now() -> None:
    """Labels as on the command line; a flag is a box; what is not for forms is not there."""
    app = app_of([])
    async with app.run_test(size=(90, 40)) as pilot:
        await inspected(pilot)
        shown = screen_text(pilot)
        assert [field(pilot, f"own-{n}").value for n in (0, 1, 2, 3, 5)] == ["eu", "", "3", "", "north 'old town'"]
        assert not app.screen.query_one("#own-4", Tick).value
    for label in ("region", "api-token", "depth", "ratio", "dry-run", "[ ] buy nothing", "shops"):
        assert label in shown
    assert "hidden" not in shown


async def test_values_are_handed_on_as_json() -> None:
    """Typed ones by their kind, the others as they were; secrets apart, never among the options."""
    choices: list[LaunchSpec] = []
    app = app_of(choices)
    async with app.run_test(size=(90, 40)) as pilot:
        await inspected(pilot)
        field(pilot, "own-0").value = "us"
        field(pilot, "own-1").value = "opensesame"
        field(pilot, "own-2").value = "7"
        field(pilot, "own-5").value = 'south "new town"'
        app.screen.query_one("#own-4", Tick).toggle()
        await pilot.pause()
        assert "opensesame" not in screen_text(pilot)
        await pilot.press("ctrl+s")
        await finished(app, "_begin")
    (choice,) = choices
    assert choice.options.arguments == (
        ("depth", "7"),
        ("dry", "true"),
        ("ratio", "null"),
        ("region", '"us"'),
        ("shops", '["south", "new town"]'),
    )
    assert choice.secrets == (("token", '"opensesame"'),)
    assert "opensesame" not in repr(choice)
    assert choice.options.users == 5


async def test_what_is_wrong_is_told_and_nothing_starts() -> None:
    """Required and empty, no number, none of the choices: by the name of the flag."""
    choices: list[LaunchSpec] = []
    app = app_of(choices)
    async with app.run_test(size=(90, 40)) as pilot:
        await inspected(pilot)
        assert mistake(pilot, "own-1") == "api-token: it must be given"
        assert field(pilot, "own-1").has_class("-wrong")
        field(pilot, "own-1").value = "x"
        field(pilot, "own-2").value = "deep"
        await pilot.pause()
        assert mistake(pilot, "own-2") == "depth: a whole number"
        assert app.screen.query_one("#start", Button).disabled
        await pilot.press("enter")
        field(pilot, "own-2").value = "4"
        field(pilot, "own-0").value = "mars"
        await pilot.pause()
        assert mistake(pilot, "own-0") == "region: one of eu, us"
        field(pilot, "own-0").value = "us"
        await pilot.pause()
        assert not app.screen.query_one("#start", Button).disabled
    assert choices == []


async def test_another_file_has_other_fields() -> None:
    """What was typed for an argument of the same name stays; a file without any shows none."""
    choices: list[LaunchSpec] = []
    app = app_of(choices, REGION, DEPTH)
    async with app.run_test(size=(90, 40)) as pilot:
        await inspected(pilot)
        field(pilot, "own-1").value = "9"
        await pilot.pause()
        for arguments, shown in (((DEPTH,), ["9"]), ((), [])):
            start = app.screen
            assert isinstance(start, Start)
            start._typed = replace(start._typed, loaded=Loaded(SHOP.classes, arguments=arguments))
            await start._offer()
            await pilot.pause()
            assert [entry.value for entry in app.screen.query_one("#own").query(Input)] == shown
        assert not app.screen.query_one("#own").display


async def test_hostile_arguments_are_text() -> None:
    """A flag, a help text and choices are the user's: markup and escapes are drawn as they are."""
    evil = ArgumentSpec("a", "--\x1b[31m[red]evil", "null", "[bold]\x1b]0;x\x07help" * 30, choices=("[b]", "\x1b[2J"))
    app = app_of([], evil, replace(evil, name="b", kind="flag", value="true"))
    async with app.run_test(size=(60, 16)) as pilot:
        await inspected(pilot)
        shown = screen_text(pilot)
    assert "\x1b" not in shown


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (200, 50)])
async def test_the_last_field_is_reached_on_every_screen(size: tuple[int, int]) -> None:
    """Where they do not fit the form scrolls with the focus; the line of complaints and the button stay below."""
    many = tuple(ArgumentSpec(f"arg{n}", f"--arg{n}", "null") for n in range(20))
    app = app_of([], *many)
    async with app.run_test(size=size) as pilot:
        await inspected(pilot)
        field(pilot, "own-19").focus()
        await pilot.press(*"last")
        await pilot.pause()
        assert "last" in screen_text(pilot)
        app.screen.query_one("#start", Button).focus()
        await pilot.pause()
        assert "Start" in screen_text(pilot)


async def test_keys_typed_ahead_reach_the_fields_that_they_are_meant_for() -> None:
    """Tab moves the focus before the next key is handed out, however many keys come in one go."""
    choices: list[LaunchSpec] = []
    app = app_of(choices, DEPTH)
    async with app.run_test(size=(90, 40)) as pilot:
        await inspected(pilot)
        app.screen.query_one("#users", Input).focus()
        await pilot.pause()
        await typed_at_once(
            pilot, "backspace", "4", "2", "tab", "backspace", "9", "tab", "3", "m", "left", "1", "shift+tab", "8"
        )
        values = [app.screen.query_one(f"#{name}", Input).value for name in ("users", "rate", "plan")]
    assert values == ["42", "8", "31m"]  # a field that is come to has its text selected


async def test_a_box_is_ticked_when_its_key_comes() -> None:
    """Not when the focus is in the next field already."""
    app = app_of([], DRY, REGION)
    async with app.run_test(size=(90, 40)) as pilot:
        await inspected(pilot)
        app.screen.query_one("#own-0", Tick).focus()
        await pilot.pause()
        await typed_at_once(pilot, "space", "tab", "u", "s")
        assert app.screen.query_one("#own-0", Tick).value
        assert field(pilot, "own-1").value == "us"


async def typed_at_once(pilot: Pilot[str], *keys: str) -> None:
    """Post every key before any of them is dealt with, as a terminal does with what was typed ahead."""
    from textual.events import Key  # noqa: PLC0415 - for this alone

    for key in keys:
        pilot.app.post_message(Key(key, key if len(key) == 1 else None))
    for _ in range(5):  # from the app to the screen to the field
        await pilot.pause()


# ------------------------------------------------------------------ without a screen


@pytest.mark.parametrize(
    ("argument", "typed", "value"),
    [
        (REGION, None, '"eu"'),
        (REGION, "us", '"us"'),
        (replace(REGION, choices=()), "", '""'),
        (RATIO, "0.5", "0.5"),
        (RATIO, " ", "null"),
        (RATIO, "", "null"),
        (DEPTH, "", "null"),
        (DEPTH, "-2", "-2"),
        (DRY, "true", "true"),
        (DRY, "false", "false"),
        (SHOPS, "", "[]"),
        (SHOPS, "a 'b c'", '["a", "b c"]'),
        (replace(SHOPS, value="[1, 2]"), "3 4.5", "[3, 4.5]"),
        (replace(REGION, value='{"tidal:words": ["--region=eu"]}'), "", '{"tidal:words": ["--region=eu"]}'),
        (replace(REGION, value='{"tidal:words": []}'), "us", '"us"'),
        (replace(DRY, value="3"), None, "3"),
        (replace(REGION, value="?", choices=()), "x", '"x"'),
    ],
)
def test_what_was_typed_is_a_value_of_its_kind(argument: ArgumentSpec, typed: str | None, value: str) -> None:
    """JSON that the file's parser would have made; what was not touched stays as it was, whatever it is."""
    assert own.value_of(argument, typed) == value


@pytest.mark.parametrize(
    ("argument", "typed", "says"),
    [
        (DEPTH, "2.5", "depth: a whole number"),
        (RATIO, "nan", "ratio: a number"),
        (RATIO, "inf", "ratio: a number"),
        (TOKEN, "", "api-token: it must be given"),
        (TOKEN, None, "api-token: it must be given"),
        (replace(SHOPS, is_required=True), " ", "shops: it must be given"),
        (SHOPS, "it's", "shops: a quote is not closed"),
        (replace(SHOPS, choices=("a", "b")), "a c", "shops: one of a, b"),
        (replace(DEPTH, choices=("1", "3")), "2", "depth: one of 1, 3"),
    ],
)
def test_what_will_not_do_is_named(argument: ArgumentSpec, typed: str | None, says: str) -> None:
    """By its flag, as every other complaint of the form."""
    with pytest.raises(ValueError, match=says):
        own.value_of(argument, typed)


def test_a_secret_that_is_there_already_is_not_shown_and_kept() -> None:
    """The environment may have it."""
    given = replace(TOKEN, value='"from the environment"')
    assert (own.text_of(given), own.hint_of(given)) == ("", own.SECRET)
    assert own.value_of(given, None) == own.value_of(given, "") == '"from the environment"'


def test_arguments_of_the_command_line_stay_unless_the_form_has_them() -> None:
    """Those that no form shows go on as they were."""
    paper = desk(arguments=(("depth", "3"), ("hidden", '"x"')))
    typed = replace(paper.begin, loaded=Loaded(SHOP.classes, arguments=(DEPTH,)), given=(("depth", "8"),))
    assert paper.spec_of(typed).options.arguments == (("depth", "8"), ("hidden", '"x"'))


def test_a_secret_is_never_remembered() -> None:
    """Nor shown in a command; what else was typed is."""
    loaded = Loaded(SHOP.classes, arguments=(TOKEN, DEPTH))
    given = (("token", "opensesame"), ("depth", "8"))
    typed = replace(desk(host="https://ana:opensesame@x").begin, loaded=loaded, given=given, classes=("Shopper",))
    assert argument_values(typed, secret=True) == {"token": '"opensesame"'}
    assert remembered(typed) == {"given": {"depth": "8"}, "left_out": ["Admin"]}
    assert "opensesame" not in desk().outlook(typed).command
    assert "--depth=8" in desk().outlook(typed).command


# ------------------------------------------------------------------ pictures


@pytest.mark.parametrize("look", [LOOK, ASCII], ids=["utf8", "ascii"])
def test_the_form_with_arguments(snap_compare: Callable[..., bool], look: Any) -> None:
    """Fields, a box, a hidden secret, choices, and one that must still be given."""

    async def before(pilot: Pilot[str]) -> None:
        await inspected(pilot)
        for entry in pilot.app.screen.query(Input):
            entry.cursor_blink = False
        field(pilot, "own-1").value = "opensesame"
        field(pilot, "own-2").value = "deep"
        await pilot.pause()

    assert snap_compare(app_of([], look=look), terminal_size=(80, 30), run_before=before)
