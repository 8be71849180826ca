"""A run without a screen: a line per interval, what went wrong as it happens, tables at the end.

Ctrl-C (or SIGTERM) once asks the master to stop the run in order and waits for its end; twice ends this process at
once. A reader of our output that went away (`| head`) stops the run too: nobody would see its end.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from tidal.bus import BusError
from tidal.cli.streams import STDOUT, lines_to
from tidal.errors import RunLapsed, cannot_write
from tidal.model.events import Event, WantStop
from tidal.model.struct import Struct
from tidal.outputs.json import frame_json
from tidal.outputs.layout import duration, shorten
from tidal.outputs.text import interval_line, summary
from tidal.outputs.thresholds import meaning_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tidal.model.rows import Frame, StoryRow

INTERVAL_S = 2.0
LOOK_S = 0.1
"""How long a Ctrl-C may wait to be noticed."""
NEWS_S = 0.5
TROUBLE_S = 30.0
ORPHAN_S = 15.0
"""A run whose supervisor is gone and whose log stands still for so long has ended without saying so."""
AT_ONCE = 130
"""The exit code of a process that a second Ctrl-C ended."""
VERDICT_MARKS = {"suspect": "!", "invalid": "✖"}
MARKS = {"info": " ", "good": "+", "warning": "!", "error": "✖"}


class Followed(Protocol):
    """A live feed, as far as a console needs it."""

    @property
    def is_closed(self) -> bool:
        """Whether the run is over and folded to its end."""
        ...

    def frame(self) -> Frame | None:
        """The newest picture."""
        ...

    def trouble(self) -> str:
        """What keeps the picture from being new."""
        ...


class Asks(Protocol):
    """Somebody who passes on wishes."""

    def want(self, event: Event) -> str:
        """Write down what the operator wants."""
        ...


class Interrupts(Struct):
    """Counts Ctrl-C and SIGTERM; the second one ends the process at once, after telling `last_wish`."""

    last_wish: Callable[[], None]
    count: int = 0

    def heard(self, _number: int, _frame: object) -> None:
        """The signal handler."""
        self.count += 1
        if self.count > 1:
            self.last_wish()
            os._exit(AT_ONCE)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals over, and give them back."""
        before = {n: signal.signal(n, self.heard) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Console:
    """Follows one run to its end.

    Args:
        feed: where frames come from.
        operator: whom to ask for a stop; None: Ctrl-C only leaves.
        end_at_once: done when this process is left at once.
        is_alive: whether the run's supervisor lives.
        again_s: what is wrong with Redis is said again after so long: the end of a long output has to say it, too.
        out: where the lines go.
    """

    def __init__(
        self,
        feed: Followed,
        operator: Asks | None,
        *,
        end_at_once: Callable[[], None] = lambda: None,
        is_alive: Callable[[], bool] = lambda: True,
        again_s: float = TROUBLE_S,
        out: IO[str] | None = None,
    ) -> None:
        self._feed, self._operator = feed, operator
        self._end_at_once, self._is_alive = end_at_once, is_alive
        self._out: IO[str] | None = out or sys.stdout
        self._told: set[StoryRow] = set()
        self._verdict = ""
        self._trouble, self._troubled_s, self._again_s = "", 0.0, again_s
        self._stopper: threading.Thread | None = None
        self._still = Stillness()

    def follow(self) -> Frame:
        """Show the run until it is closed; its last frame. Raises RunLapsed when it ended without closing."""
        interrupts = Interrupts(self._end_at_once)
        pause = threading.Event()
        due_s = {self._tell_news: time.monotonic(), self._tell_interval: time.monotonic() + INTERVAL_S}
        every_s = {self._tell_news: NEWS_S, self._tell_interval: INTERVAL_S}
        with interrupts.listening():
            while not self._feed.is_closed:
                pause.wait(LOOK_S)
                if interrupts.count:
                    self._ask_to_stop("Ctrl-C")
                if interrupts.count and self._operator is None:
                    raise KeyboardInterrupt
                for tell in [tell for tell, at_s in due_s.items() if time.monotonic() >= at_s]:
                    due_s[tell] += every_s[tell]
                    tell()
            self._tell_news()
        frame = self._feed.frame()
        if frame is None:
            raise RunLapsed("the run closed before it began")
        return frame

    def _tell_interval(self) -> None:
        frame = self._feed.frame()
        if frame is not None:
            self._say(interval_line(frame, columns_of(self._out)))
        self._check_life(frame)

    def _check_life(self, frame: Frame | None) -> None:
        if self._still.for_s(frame, time.monotonic()) > ORPHAN_S and not self._is_alive():
            raise RunLapsed("the run's processes are gone and its log stands still; what was recorded: tidal runs")

    def _tell_news(self) -> None:
        trouble = self._feed.trouble()
        is_due = bool(trouble) != bool(self._trouble) or time.monotonic() - self._troubled_s >= self._again_s
        if is_due and (trouble or self._trouble):
            self._troubled_s = time.monotonic()
            self._say(f"         ! {shorten(trouble, 240)}" if trouble else "         + Redis answers again")
        self._trouble = trouble
        frame = self._feed.frame() if not trouble else None
        if frame is None or len(frame.story) == 0:
            return
        if not self._told:
            for line in meaning_lines(frame):
                self._say(f"           {line}")
        for row in frame.story:
            if row not in self._told:
                self._told.add(row)
                self._say(f"{_moment(row):>7}  {MARKS.get(row.level, ' ')} {shorten(row.text, 160)}")
        self._tell_verdict(frame)

    def _tell_verdict(self, frame: Frame) -> None:
        """Say it when the figures may be believed less than before, and why; the end says it anyway."""
        word, reasons = frame.verdict.word, frame.verdict.reasons
        is_worse = word in VERDICT_MARKS and word != self._verdict
        if is_worse and frame.run.exit_code is None:
            why = f": {shorten(reasons[0], 160)}" if reasons else ""
            self._say(f"{duration(frame.run.elapsed_ms):>7}  {VERDICT_MARKS[word]} the run is {word}{why}")
        self._verdict = word

    def _say(self, line: str) -> None:
        if self._out is None:
            return
        try:
            print(line, file=self._out, flush=True)
        except BrokenPipeError:
            self._out = None
            self._ask_to_stop("nobody reads the output any more")
        except OSError:
            return  # a full disk: the run goes on and so does its archive; the end says that lines are missing

    def _ask_to_stop(self, reason: str) -> None:
        if self._stopper is not None or self._operator is None:
            return
        # In a thread: Redis may not answer, and a second Ctrl-C must be heard meanwhile.
        self._stopper = threading.Thread(target=self._insist, args=(self._operator, WantStop(reason)), daemon=True)
        self._stopper.start()
        self._say("         . stopping; Ctrl-C again leaves at once")

    def _insist(self, operator: Asks, event: Event) -> None:
        """Ask until Redis took it: a stop that was wanted twice is wanted once."""
        pause = threading.Event()
        while not self._feed.is_closed:
            with contextlib.suppress(BusError):
                operator.want(event)
                return
            pause.wait(1)


class Stillness(Struct):
    """How long a run's log has said nothing new."""

    seen_ms: int = 0
    since_s: float | None = None

    def for_s(self, frame: Frame | None, now_s: float) -> float:
        """Seconds since the newest observation in the frames changed."""
        newest_ms = 0 if frame is None else max((row.at_ms for row in frame.story), default=0)
        newest_ms = max(newest_ms, 0 if frame is None else frame.completeness.complete_to_ms)
        if self.since_s is None or newest_ms != self.seen_ms:
            self.seen_ms, self.since_s = newest_ms, now_s
        return now_s - self.since_s


def _moment(row: StoryRow) -> str:
    return "" if row.offset_ms <= 0 else duration(row.offset_ms)  # before the start there is no plan time


def is_terminal() -> bool:
    """Whether a screen can be drawn here."""
    if is_in_browser():
        return True
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def is_in_browser() -> bool:
    """Whether the screen goes to a browser, through the pipes of `--serve`."""
    return "web_driver" in os.environ.get("TEXTUAL_DRIVER", "")


def columns_of(out: IO[str] | None) -> int | None:
    """How wide the terminal is that `out` goes to; None where nobody would see a line wrap."""
    if out is None or not out.isatty():
        return None
    return max(shutil.get_terminal_size().columns, 40)


def write_json(frame: Frame, json_file: str | None) -> None:
    """The frame as JSON to a file or standard output, when it was asked for."""
    if json_file is not None:
        write_text(frame_json(frame), json_file)


def write_text(text: str, file: str) -> None:
    """A text to a file or, for `-`, to standard output."""
    if file == STDOUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        Path(file).expanduser().write_text(text, encoding="utf8")
    except OSError as error:
        raise cannot_write(file, error) from None


def finish(frame: Frame, json_file: str | None) -> int:
    """The end of a run for a console: tables, JSON, exit code."""
    out = lines_to(json_file)
    with contextlib.suppress(BrokenPipeError):
        print(
            f"\n{summary(frame, columns_of(out))}\nrewind it: tidal replay {shorten(frame.run.run)}",
            file=out,
            flush=True,
        )
        write_json(frame, json_file)
    return RunLapsed.exit_code if frame.run.exit_code is None else frame.run.exit_code
