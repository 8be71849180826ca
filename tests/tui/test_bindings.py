"""Every key of every screen is pressed, and does something: a binding that no line below presses fails the last test.

A scene is an app and the keys that are pressed in it, one after the other. `Grid:down` is the key `down` of the class
`Grid`, and must change what there is to see or what was handed in; a key without a class only leads somewhere.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from contextlib import chdir
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from desks import DESKS
from fakes import FilmFeed, StillFeed, Wishes
from frames import BEGAN_MS, LOOK, frame
from measured_frames import measured
from textual.binding import Binding

import tidal.tui
from tidal.model.explain import Mark
from tidal.model.struct import replace
from tidal.tui.app import TidalApp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from textual.pilot import Pilot


class Film(FilmFeed):
    """Ten minutes, standing at 4:00, explained."""

    def __init__(self) -> None:
        super().__init__(lambda at_ms: frame((at_ms - BEGAN_MS) // 1000), BEGAN_MS, BEGAN_MS + 600_000)
        self.seek(BEGAN_MS + 240_000)

    def marks(self) -> list[Mark]:
        """One of each kind, twice."""
        kinds = ("anomaly", "loss", "threshold", "note") * 2
        return [Mark(BEGAN_MS + 270_000 + 30_000 * i, kind, "error", f"{kind} {i}") for i, kind in enumerate(kinds)]

    def idle(self) -> list[tuple[int, int]]:
        """One ahead."""
        return [(BEGAN_MS + 580_000, BEGAN_MS + 590_000)]


@dataclass
class Scene:
    """An app, its size, and the keys."""

    app: Callable[[], TidalApp]
    keys: str
    size: tuple[int, int] = (100, 24)
    pressed: list[str] = field(init=False)

    def __post_init__(self) -> None:
        """The keys one by one."""
        self.pressed = self.keys.split()


def live() -> TidalApp:
    """A run that goes on, in stages."""
    now = measured()
    staged = replace(now, run=replace(now.run, stages=("warm", "peak", "calm"), stage="peak"))
    return TidalApp(StillFeed(staged), Wishes(), look=LOOK)


def replay() -> TidalApp:
    """A recording."""
    return TidalApp(Film(), look=LOOK)


def form() -> TidalApp:
    """The form that starts a run."""
    return TidalApp(desk=DESKS["start-load"](), look=LOOK)


SCENES: dict[str, Scene] = {
    "rows": Scene(live, """
        Grid:down Grid:up Grid:j Grid:k Grid:pagedown Grid:pageup Grid:G Grid:g down Grid:p Grid:s Grid:S Grid:enter
        """),
    "a page": Scene(live, """
        enter Page:down Page:up Page:j Page:k Page:pagedown Page:pageup Page:G Page:g Dashboard:escape
        """, (80, 24)),
    "views": Scene(live, """
        Dashboard:2 Dashboard:D escape Dashboard:3 Dashboard:4 Dashboard:5 Dashboard:6 Dashboard:7 Dashboard:h
        Dashboard:8 Dashboard:9 Dashboard:0 Dashboard:1
        Dashboard:v ViewsMenu:j ViewsMenu:k ViewsMenu:v v ViewsMenu:escape Dashboard:f
        """),
    "logs": Scene(live, "0 Tabling:w"),
    "help": Scene(live, """
        Dashboard:question_mark Help:down Help:up Help:pagedown Help:pageup Help:escape Dashboard:f1 Help:f1
        """, (80, 24)),
    "details": Scene(live, "3 enter DetailScreen:escape enter DetailScreen:enter enter DetailScreen:q"),
    "tables": Scene(live, """
        Tabling:slash escape Tabling:c ColumnsChooser:down ColumnsChooser:up ColumnsChooser:j ColumnsChooser:k
        down ColumnsChooser:s c ColumnsChooser:enter c ColumnsChooser:escape Tabling:b Tabling:b Tabling:y Tabling:Y
        Tabling:E escape Tabling:ctrl+s
        """),
    "steering": Scene(live, """
        Steering:u UsersQuestion:escape Steering:n NoteQuestion:escape Steering:m Steering:N Steering:B
        Steering:P escape Steering:x Choice:right Choice:left Choice:down Choice:up Choice:escape Steering:d
        """),
    "time": Scene(replay, """
        Rewinding:space Rewinding:space Rewinding:left Rewinding:right Rewinding:shift+left Rewinding:shift+right
        Rewinding:comma Rewinding:full_stop Rewinding:greater_than_sign Rewinding:less_than_sign
        Rewinding:left_square_bracket left_square_bracket
        Rewinding:right_square_bracket Rewinding:home Rewinding:a Rewinding:l Rewinding:T
        Rewinding:o Rewinding:left_curly_bracket Rewinding:right_curly_bracket Rewinding:i Rewinding:end
        Rewinding:t MomentQuestion:escape Dashboard:q
        """),
    "the form": Scene(form, """
        Start:tab Start:shift+tab Start:down Start:up Start:ctrl+s
        """),
    "leaving the form": Scene(form, "Start:escape"),
    "too small": Scene(live, "TooSmall:q", (50, 10)),
    "quitting": Scene(live, "TidalApp:ctrl+q"),
    "interrupting": Scene(live, "TidalApp:ctrl+c"),
}  # fmt: skip


LOOKS = 20
"""So often is looked whether a key has done something: on a busy machine it may not have come through at the first."""


async def calm(pilot: Pilot[str]) -> None:
    """Wait for what a key set going, and for the picture after it."""
    app = pilot.app
    assert isinstance(app, TidalApp)
    await pilot.pause()
    for worker in [w for w in app.workers if w.name in ("_begin", "_look_at_file", "_look_around", "action_picture")]:
        await worker.wait()
    if app.dashboard is not None and app.is_running and app.return_value is None:
        await app.dashboard.pump.next_picture()
    await pilot.pause()


def noticed(pilot: Pilot[str], folder: Path) -> tuple[Any, ...]:
    """All that a key can change: the screen to its colours, where the feed stands, what was handed in, said, saved."""
    app = pilot.app
    assert isinstance(app, TidalApp)
    strips = app.screen._compositor.render_strips(app.size) if app.is_running else []
    return (
        [[(segment.text, str(segment.style)) for segment in strip] for strip in strips],
        type(app.screen) if app.is_running else None,
        app.focused,
        [getattr(app.feed, name, None) for name in ("position_ms", "playing", "speed")],
        len(app.operator.wanted) if isinstance(app.operator, Wishes) else 0,
        [told.message for told in app._notifications],
        app.clipboard,
        sorted(path.name for path in folder.iterdir()),
        app.return_value,
    )


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
async def test_keys_do_something(scene: Scene, tmp_path: Path) -> None:
    """Each that a scene names by its class."""
    app = scene.app()
    with chdir(tmp_path):
        async with app.run_test(size=scene.size) as pilot:
            await calm(pilot)
            for step in scene.pressed:
                owner, _, key = step.rpartition(":")
                before = noticed(pilot, tmp_path)
                await pilot.press(key)
                for _ in range(LOOKS):
                    await calm(pilot)
                    if not owner or noticed(pilot, tmp_path) != before:
                        break
                else:
                    pytest.fail(f"{step} did nothing")


def bindings() -> Iterator[str]:
    """Every binding of every screen and widget, as a scene names it."""
    for module in pkgutil.walk_packages(tidal.tui.__path__, "tidal.tui."):
        loaded = importlib.import_module(module.name)
        for name, kind in inspect.getmembers(loaded, inspect.isclass):
            if kind.__module__ == module.name:
                for bound in kind.__dict__.get("BINDINGS", ()):
                    keys = bound.key if isinstance(bound, Binding) else bound[0]
                    yield from (f"{name}:{key}" for key in keys.split(","))


def test_every_binding_is_pressed() -> None:
    """Neither more nor less than there is."""
    assert {step for scene in SCENES.values() for step in scene.pressed if ":" in step} == set(bindings())
