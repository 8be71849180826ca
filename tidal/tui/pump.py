"""The loop between a feed and the screen: it asks in a thread, hands over the newest picture, and waits a little.

One loop owns the feed, so its methods never run twice at once; what the keys want of a replay is queued here as
orders. A slow Redis or a long seek makes pictures late, never keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from tidal.errors import TidalError
from tidal.model.struct import Struct, replace
from tidal.tui.feed import SPEEDS, Feed, Seekable, is_explained, is_proved, is_seekable
from tidal.tui.look import LEVELS, mark_of
from tidal.tui.widgets.scrubber import Place

if TYPE_CHECKING:
    from tidal.model.closeup import Focus
    from tidal.model.rows import Frame

TICKS_MAX = 500
TICKED = frozenset({"nt", "ts", "ps", "ws", "wl", "wg", "mt", "do", "gn"})
"""Kinds of events that get a tick on the scrubber, whatever their level."""
PERIOD_S = 0.5
"""Two pictures a second: what a person can read, and what a terminal can draw for a few percent of a core."""


Order = Callable[[Seekable], str | None]
"""What a key wants of a feed; it may have something to say."""


class Picture(Struct, frozen=True):
    """What one turn of the loop brought."""

    frame: Frame | None = None
    trouble: str = ""
    place: Place | None = None  # of a feed with a position
    said: tuple[str, ...] = ()  # what orders had to say


class Pump:
    """Calls `take` with a picture twice a second, and sooner when `hurry` is called."""

    def __init__(self, feed: Feed, take: Callable[[Picture], None]) -> None:
        self._feed = feed
        self._take = take
        self._orders: list[Order] = []
        self._place = Place()
        self.focus: Focus | None = None  # what pictures look at more closely
        self._heading_ms: int | None = None  # where a seek that is not done yet goes
        self._wake = asyncio.Event()
        self._taken = asyncio.Event()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            due_s = asyncio.get_running_loop().time() + PERIOD_S
            orders, self._orders = self._orders, []
            picture = await asyncio.to_thread(look_at, self._feed, orders, self.focus)
            self._place = picture.place or self._place
            if not self._orders:
                self._heading_ms = None
            self._take(picture)
            self._taken.set()
            with suppress(TimeoutError):
                rest_s = max(PERIOD_S / 2, due_s - asyncio.get_running_loop().time())  # half of the time is for keys
                await asyncio.wait_for(self._wake.wait(), rest_s)
            self._wake.clear()

    def hurry(self) -> None:
        """Ask the feed now."""
        self._wake.set()

    async def next_picture(self) -> None:
        """Wait for a picture that was asked for from now on."""
        for _ in range(2):  # the first may have been under way
            self._taken.clear()
            self.hurry()
            await self._taken.wait()

    # -------------------------------------------------------------- orders to a replay

    def _order(self, order: Order) -> None:
        self._orders.append(order)
        self.hurry()

    @property
    def place(self) -> Place:
        """Where the feed stands, as far as was seen."""
        return self._place

    @property
    def heading_ms(self) -> int:
        """Where the last seek leads, else where the feed stands."""
        return self._place.position_ms if self._heading_ms is None else self._heading_ms

    def skip(self, seconds: float) -> None:
        """Go back or forth, from where the last seek leads."""
        self.seek(self.heading_ms + round(1000 * seconds))

    def seek(self, at_ms: int) -> None:
        """Go to a moment of the recording."""
        at_ms = min(max(at_ms, self._place.first_ms), self._place.last_ms)
        self._heading_ms = at_ms
        self._order(lambda feed: feed.seek(at_ms))

    def seek_part(self, permille: int) -> None:
        """Go to a part of the recording."""
        length_ms = self._place.last_ms - self._place.first_ms
        self.seek(self._place.first_ms + length_ms * permille // 1000)

    def jump(self, group: str, direction: int = 1) -> None:
        """Go to the mark of a kind ("" for any) after or before."""
        self._heading_ms = None
        self._order(lambda feed: to_mark(feed, group, direction))

    def skip_idle(self) -> None:
        """Go to the end of what stands idle."""
        self._heading_ms, place = None, self._place
        self._order(lambda feed: past_idle(feed, place))

    def play_or_pause(self) -> None:
        """Change between the two."""
        self._order(lambda feed: feed.pause() if feed.playing else feed.play())

    def change_speed(self, steps: int) -> None:
        """Take the next higher or lower speed."""
        self._order(lambda feed: setattr(feed, "speed", speed_beside(feed.speed, steps)))


def look_at(feed: Feed, orders: list[Order], focus: Focus | None = None) -> Picture:
    """Carry out the orders, then ask; a damaged archive is trouble to be told. Runs in a thread."""
    try:
        return _look_at(feed, orders, focus)
    except TidalError as error:
        return Picture(trouble=str(error))


def _look_at(feed: Feed, orders: list[Order], focus: Focus | None) -> Picture:
    if not is_seekable(feed):
        return Picture(feed.frame(focus), feed.trouble())
    said = tuple(word for word in [order(feed) for order in orders] if word)
    frame = feed.frame(focus)
    checked = feed.checked() if is_proved(feed) else None
    place = Place(feed.playing, feed.speed, feed.position_ms, feed.first_ms, feed.last_ms, checked=checked)
    is_at_end = not feed.is_replay and place.position_ms >= place.last_ms
    outline = None if is_at_end else feed.outline()
    return Picture(frame, feed.trouble(), with_outline(place, outline) if outline is not None else place, said)


def to_mark(feed: Seekable, group: str, direction: int) -> str:
    """Go to the mark of a kind, "" for any, after (1) or before (-1); says what it is, or that there is none."""
    kind = group or "anomaly, loss, threshold or note"
    if not is_explained(feed):
        return f"no {kind} is known while the run goes on: [ and ] go by its events"
    here_ms = feed.position_ms
    ahead = [m for m in feed.marks()[::direction] if group in {"", m.group} and (m.at_ms - here_ms) * direction > 0]
    if not ahead:
        return f"no {kind} {'after' if direction > 0 else 'before'} this moment"
    feed.seek(ahead[0].at_ms)
    return f"{ahead[0].group}: {ahead[0].text}"


def past_idle(feed: Seekable, place: Place) -> str:
    """Go to the end of the stretch that stands idle, here or ahead; says so when there is none."""
    here_ms = feed.position_ms
    if is_explained(feed):
        ends_ms = [to_ms for _, to_ms in feed.idle() if to_ms > here_ms]
        at_ms = ends_ms[0] if ends_ms else None
    else:
        at_ms = place.next_busy(here_ms)
    if at_ms is None:
        return "nothing stands idle after this moment"
    feed.seek(at_ms)
    return ""


def with_outline(place: Place, outline: Frame) -> Place:
    """The position with what happened in the whole recording: ticks, and requests over time."""
    worth = [row for row in outline.story if row.level in ("warning", "error", "good") or row.kind in TICKED]
    ticks = tuple((row.at_ms, mark_of(LEVELS, row.level)[2]) for row in worth[-TICKS_MAX:])
    chart = outline.chart
    return replace(
        place, ticks=ticks, rps_milli=chart.rps_milli, rps_start_ms=chart.start_ms, rps_step_ms=chart.step_ms
    )


def speed_beside(speed: float, steps: int) -> float:
    """The speed of `SPEEDS` some steps beside the one nearest to `speed`."""
    nearest = min(range(len(SPEEDS)), key=lambda i: abs(SPEEDS[i] - speed))
    return SPEEDS[min(max(nearest + steps, 0), len(SPEEDS) - 1)]
