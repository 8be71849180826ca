"""Desks for the start form: the real readers of flags, a file that is only said to be there, a fleet without Redis."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes import StillFeed, Wishes, finished
from frames import waiting
from textual.widgets import Input, Static

from tidal.cli.desk import Desk
from tidal.errors import FileSyntaxError
from tidal.launch import LaunchSpec
from tidal.model.events import ClassSpec, RunOptions
from tidal.model.liveness import Heartbeat
from tidal.model.pipe import Loaded
from tidal.model.struct import replace
from tidal.tui.feed import Company

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from tidal.tui.choice import Typed
    from tidal.tui.feed import Feed, Operator

HERE = Path(__file__).parent
HOST = "https://shop.example.com"
SHOP = Loaded((ClassSpec("Shopper", 9.0, needs_host=True), ClassSpec("Admin", 1.0, needs_host=True)))


def beat(number: int, **changes: Any) -> Heartbeat:
    """A worker that waits."""
    one = Heartbeat(f"worker-{number}", f"inc{number}", f"load-{number}.fra.example", 4_000, 4, 1, "0.1", 0)
    return replace(one, **changes)


@dataclass
class PaperDesk(Desk):
    """Looks at no file and starts nothing."""

    spec: LaunchSpec
    loaded: Loaded = SHOP
    around: Company = field(default_factory=lambda: Company(cores=8))
    error: Exception | None = None
    inspected: list[str] = field(default_factory=list)
    started: list[LaunchSpec] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Be a desk."""
        super().__init__(self.spec, self._run)

    def inspect(self, file: str) -> Loaded:
        """What was set; a mistake in bad.py."""
        self.inspected.append(file)
        if file.endswith("bad.py"):
            raise FileSyntaxError("bad.py, line 3: [red]invalid syntax")
        return self.loaded

    def company(self, fleet: str) -> Company:
        """Who was set."""
        del fleet
        return self.around

    def spec_of(self, typed: Typed) -> LaunchSpec:
        """The real one, of a file that is there."""
        there = super().spec_of(replace(typed, file=__file__))
        return replace(there, file=typed.file)

    def _run(self, spec: LaunchSpec) -> tuple[Feed, Operator]:
        self.started.append(spec)
        if self.error is not None:
            raise self.error
        return StillFeed(waiting()), Wishes()


def desk(file: str = "shop.py", /, *, redis: bool = False, around: Company | None = None, **options: Any) -> PaperDesk:
    """A desk that was asked for with these options."""
    given = {"host": HOST, **options}
    spec = LaunchSpec(file, RunOptions(**given), redis_url="redis://127.0.0.1:1" if redis else None)
    return PaperDesk(spec, around=around or Company(cores=8))


FLEET = Company(waiting=(beat(1), beat(2, processes=8, users_max=300), beat(3, run="r1")))
STAGES = "warmup: 0->100 in 30s, 100 for 2m, peak: 100->500 in 1m, 500 for 3m, ->0 in 30s"
DESKS: dict[str, Callable[[], PaperDesk]] = {
    "start": desk,
    "start-load": lambda: desk(users=500, spawn_rate=10.0),
    "start-plan": lambda: desk(plan=(("", STAGES),)),
    "start-fleet": lambda: desk(plan=(("Shopper", "rate 0/s->400/s in 2m, 400/s for 5m"), ("", "20 for 8m")),
                                redis=True, around=FLEET),
    "start-wrong": lambda: desk(users=500, host="shop.example.com"),
}  # fmt: skip
"""By name, for pictures."""


# ------------------------------------------------------------------ the form over it


async def inspected(pilot: Pilot[str]) -> None:
    """Wait until the file was looked at."""
    await pilot.pause()
    await finished(pilot.app, "_look_at_file")  # type: ignore[arg-type]
    await finished(pilot.app, "_look_around")  # type: ignore[arg-type]
    await pilot.pause()


def field(pilot: Pilot[str], name: str) -> Input:
    """A field by its name."""
    return pilot.app.screen.query_one(f"#{name}", Input)


def mistake(pilot: Pilot[str], name: str) -> str:
    """What stands below a field."""
    line = pilot.app.screen.query_one(f"#mistake-{name}", Static)
    return str(line.content) if line.display else ""
