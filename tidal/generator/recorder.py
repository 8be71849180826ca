"""What a generator measured, as batches: nothing is lost between two, nothing is counted twice.

    sample, cancel, error, moved ──▶ blocks by second of Redis time, stage and class ──take()──▶ Batch

A sample belongs to the second, and to the batch, of its completion. User time is kept in whole milliseconds by class:
`moved` says that a user began or ended, `take` adds what ran since. Batches tile time: one begins where the last ended.
Whatever user code can make up without end (names, messages) is bounded; the rest is counted as "(other)".
"""

from __future__ import annotations

import math
import re
import traceback
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gevent import getcurrent

from tidal.flow import CatchResponseError
from tidal.generator.failed import FailedRequests
from tidal.generator.home import from_home
from tidal.generator.lateness import Begun, Paces
from tidal.generator.measures import Measures
from tidal.generator.scopes import current
from tidal.generator.stages import Stages, class_of_caller
from tidal.generator.stamps import UNKNOWN, Delays, last
from tidal.generator.sums import LiveSums, Sums
from tidal.model.events import CUT_NAME_MAX, TRACEBACK_MAX, Block, ExceptionTally, FailureTally
from tidal.model.pipe import Batch
from tidal.model.stats import Tally
from tidal.model.words import OTHER

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tidal.model.measured import Measured

Cut = tuple[int, str, str, bool]
"""What a block is of: second of Redis time, stage, class, whether the warm-up."""
ENDPOINTS_MAX = 1_000
FAILURES_MAX = 1_000
EXCEPTIONS_MAX = 200
NAME_MAX = 500
MESSAGE_MAX = 500
LATENCY_MAX_MS = 86_400_000
"""A day: what user code says beyond it counts as that, so that the sums of a second stay fit for an entry."""
LENGTH_MAX = 1 << 40
"""A terabyte: the same of a length."""
JUMP_MS = 1_000
STILL_MS = 2_000
"""User time is counted four times a second: over a longer stretch this process stood still, and so did its users."""
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
_OWN_FOLDER = str(Path(__file__).resolve().parent.parent)


class Page:
    """Samples of one endpoint and class that are not counted yet, and where they will be.

    Attributes:
        times_ms: their latencies, each a float of a µs at least and below a day.
        lengths: their bytes, each an int.
    """

    __slots__ = ("lengths", "tally", "times_ms")

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.times_ms: list[float] = []
        self.lengths: list[int] = []

    def count(self) -> None:
        """Count what was put down."""
        if self.times_ms:
            lengths = self.lengths
            is_plain = min(lengths) >= 0 and max(lengths) < LENGTH_MAX
            length = sum(lengths if is_plain else map(whole_bytes, lengths))
            self.tally.add_many([round(time_ms * 1000) for time_ms in self.times_ms], length)


class Recorder:
    """Counts until the next batch is taken.

    Args:
        now_us: Redis time in µs.
        tick: a clock that goes as evenly, and is quicker to read; none: the same.
        ticks_a_us: how often it ticks in a µs.
    """

    def __init__(self, now_us: Callable[[], int], tick: Callable[[], int] | None = None, ticks_a_us: int = 1) -> None:
        self._now_us, self._tick, self._ticks_a_us = now_us, tick or now_us, ticks_a_us
        self._from_ms = now_us() // 1000
        self._blocks: dict[Cut, Block] = {}
        self._endpoints: dict[tuple[Any, Any], tuple[str, str]] = {}
        self._known_failures: set[tuple[str, str, str]] = set()
        self._failures: dict[tuple[str, str, str], FailureTally] = {}
        self._known_exceptions: dict[Any, tuple[str, str]] = {}
        self._exceptions: dict[tuple[str, str], ExceptionTally] = {}
        self._running: dict[str, list[int]] = {}  # class: [users, counted up to ms]
        self.iterations = [0, 0, 0, 0]  # shared with the users, which count in it
        self._ended = [0, 0, 0]
        self.sums = Sums()
        self.paces = Paces()  # shared with the users, which count in it
        self.begun = Begun()
        self.delays = Delays()
        self._open: dict[tuple[Any, Any, str], Page] = {}  # of one second, stage and batch: what samples add to
        self._open_from_us = self._open_to_us = self._open_to = 0
        self.visiting: dict[str, int] = {}  # class → arrivals in flight; no user time is planned for them
        self._warmup_until_ms = 0
        self.stages = Stages(self._end_page)
        self.measures = Measures(now_us, self._measured)  # what users measure beside requests
        self._exchanges = FailedRequests()

    def __repr__(self) -> str:
        return f"<Recorder from {self._from_ms}, {len(self._endpoints)} endpoints, users {self.users}>"

    @property
    def users(self) -> dict[str, int]:
        """Users running now, by class."""
        running = {name: entry[0] for name, entry in self._running.items()}
        for name, count in self.visiting.items():
            running[name] = running.get(name, 0) + count
        return running

    @property
    def live(self) -> LiveSums:
        """What user code sees: the sums, with what is in no batch yet."""
        return LiveSums(self)

    def pending(self) -> tuple[dict[Cut, Block], dict[tuple[str, str, str], FailureTally]]:
        """What is in no batch yet."""
        self._count_open()
        return self._blocks, self._failures

    @property
    def warmup_until_ms(self) -> int:
        """What is measured before this moment of Redis time is of the warm-up."""
        return self._warmup_until_ms

    @warmup_until_ms.setter
    def warmup_until_ms(self, until_ms: int) -> None:
        self._warmup_until_ms = until_ms
        self._end_page()

    def begin(self) -> None:
        """The clock is right from now on: what was counted before belongs to no second of Redis time."""
        self._from_ms = self._now_us() // 1000
        self._blocks.clear()
        self._open.clear()

    # ------------------------------------------------------------------ samples

    def sample(
        self,
        request_type: Any,
        name: Any,
        response_time: float | None,
        response_length: int | None = 0,
        exception: Any = None,
        **more: Any,
    ) -> None:
        """Count one finished request; the arguments are those of the `request` hook (ms, bytes)."""
        if self._tick() < self._open_to:
            here: Any = getcurrent()
            try:
                page = self._open[request_type, name, here.user_class]
                user = here.user
            except (AttributeError, KeyError, TypeError):
                pass
            else:
                if (
                    type(response_time) is float
                    and 0.001 <= response_time < LATENCY_MAX_MS
                    and type(response_length) is int
                    and (user is None or user._late_us is None)  # noqa: SLF001 - our own
                    and not exception
                    and last.delay_s < 0
                    and current() is None
                ):  # nearly all: counted when the page is turned
                    page.times_ms.append(response_time)
                    page.lengths.append(response_length)
                    return
        self._sample((request_type, name), response_time, response_length, exception, more)

    def _sample(self, of: tuple[Any, Any], time_ms: Any, size: Any, exception: Any, more: dict[str, Any]) -> None:
        """Any sample."""
        of = of if isinstance(of[0], Hashable) and isinstance(of[1], Hashable) else (_text_of(of[0]), _text_of(of[1]))
        now_us = self._now_us()
        here: Any = getcurrent()
        user = here.user = getattr(here, "user", None)  # the next time it is known, be it nobody's
        if self._tick() >= self._open_to or not self._open_from_us <= now_us < self._open_to_us:
            self._turn_page(now_us)
        key: Any = (*of, class_of_caller())
        page = self._open.get(key)
        if page is None:
            page = self._open[key] = Page(self._tally(now_us, self._endpoint(*of)))
        latency_us, length = whole_us(time_ms), whole_bytes(size)
        late_us = None if user is None else user._late_us  # noqa: SLF001 - our own
        page.tally.add(latency_us, length, bool(exception), late_us)
        if last.delay_s >= 0:
            if latency_us is not None:
                self.delays.note(int(last.delay_s * 1_000_000), latency_us)
            last.delay_s = UNKNOWN
        scope = current()
        if scope is not None:
            key = self._endpoint(*of)
            self.measures.request(scope, key, now_us, latency_us, length, failed=bool(exception))
        if exception:
            key = self._endpoint(*of)
            error = self._failed(key, exception, now_us // 1000)
            if error:
                self._exchanges.note((*key, error), now_us // 1000, latency_us, more)

    def cancel(self, request_type: Any, name: Any) -> None:
        """Count a request that was sent and whose answer nobody awaited."""
        self._tally(self._now_us(), self._endpoint(request_type, name)).cancelled += 1

    def _endpoint(self, method: Any, name: Any) -> tuple[str, str]:
        key = self._endpoints.get((method, name))
        if key is None:
            key = (tidy(method, NAME_MAX), tidy(name, NAME_MAX))
            if len(self._endpoints) >= ENDPOINTS_MAX:
                return ("", OTHER)
            self._endpoints[method, name] = key
        return key

    def _count_open(self) -> None:
        """Count what samples have left on the open pages, and close these."""
        for page in self._open.values():
            page.count()
        self._open.clear()

    def _end_page(self) -> None:
        """The next sample turns the page."""
        self._open_to_us = self._open_to = 0

    def _turn_page(self, now_us: int) -> None:
        self._count_open()
        self.stages.at(now_us)
        second_us = now_us - now_us % 1_000_000
        edges_us = [*self.stages.known_us, self.warmup_until_ms * 1000]
        self._open_from_us = max([second_us, *(edge for edge in edges_us if edge <= now_us)])
        self._open_to_us = min([second_us + 1_000_000, *(edge for edge in edges_us if edge > now_us)])
        self._open_to = self._tick() + (self._open_to_us - now_us) * self._ticks_a_us

    def _tally(self, now_us: int, key: tuple[str, str]) -> Tally:
        tallies = self._block(now_us, class_of_caller(), is_warmup=now_us < self.warmup_until_ms * 1000).tallies
        tally = tallies.get(key)
        if tally is None:
            tally = tallies[key] = Tally()
        return tally

    def _block(self, now_us: int, user_class: str, *, is_warmup: bool = False) -> Block:
        """The block of a moment: one for each second, stage, class, and the warm-up apart."""
        key = (now_us // 1_000_000, self.stages.at(now_us), user_class, is_warmup)
        block = self._blocks.get(key)
        if block is None:
            second, stage, _, _ = key
            block = self._blocks[key] = Block(
                second, is_warmup=is_warmup, stage=stage, user_class=user_class[:CUT_NAME_MAX]
            )
        return block

    def _measured(self, now_us: int) -> Measured:
        return self._block(now_us, class_of_caller(), is_warmup=now_us < self.warmup_until_ms * 1000).measured

    def _failed(self, endpoint: tuple[str, str], exception: Any, now_ms: int) -> str:
        """Count a failure; returns its text, "" when it does not count."""
        if now_ms < self.warmup_until_ms:
            return ""
        key = (*endpoint, failure_text(exception))
        if key not in self._known_failures:
            if len(self._known_failures) >= FAILURES_MAX:
                key = (*endpoint, OTHER)
            else:
                self._known_failures.add(key)
        failure = self._failures.get(key)
        if failure is None:
            failure = self._failures[key] = FailureTally(*key, 0, now_ms, now_ms)
        failure.occurrences += 1
        failure.last_ms = now_ms
        return key[2]

    # ------------------------------------------------------------------ errors of user code

    def error(self, exception: BaseException, tb: TracebackType | None = None, where: str = "") -> bool:
        """Count an exception of user code; returns whether it is the first of its kind."""
        tb = tb or exception.__traceback__
        message = f"{where}{type(exception).__name__}: {_text_of(exception)}"[: MESSAGE_MAX * 2]
        place = (message, tuple(_places(tb)))
        is_first = place not in self._known_exceptions and len(self._known_exceptions) < EXCEPTIONS_MAX
        if is_first:
            self._known_exceptions[place] = (tidy(message, MESSAGE_MAX), traceback_text(exception, tb))
        key = self._known_exceptions.get(place, (OTHER, ""))
        tally = self._exceptions.get(key)
        if tally is None:
            tally = self._exceptions[key] = ExceptionTally(*key, 0)
        tally.occurrences += 1
        return is_first

    # ------------------------------------------------------------------ user time

    def moved(self, name: str, change: int) -> None:
        """Users of a class began (+) or ended (-) now."""
        self._count_up(name, self._now_us() // 1000)
        self._running[name][0] += change

    def ended(self, *, comes_back: bool) -> None:
        """A user ended by itself; it comes back, or is let go."""
        self._ended[0] += 1
        self._ended[1 if comes_back else 2] += 1

    def _count_up(self, name: str, now_ms: int) -> None:
        """Add the user time of a class up to now, split at the seconds; of a stretch without a look nothing ran."""
        entry = self._running.setdefault(name, [0, now_ms])
        users, at_ms = entry
        if now_ms < at_ms - JUMP_MS:  # another server's clock: time goes on from there
            entry[1] = now_ms
        if now_ms <= at_ms:
            return
        entry[1] = now_ms
        if now_ms - at_ms > STILL_MS:
            return
        while users and at_ms < now_ms:
            until_ms = min(now_ms, (at_ms // 1000 + 1) * 1000, self.stages.end_ms(at_ms))
            ran = self._block(at_ms * 1000, name).user_ms
            ran[name] = ran.get(name, 0) + users * (until_ms - at_ms)
            at_ms = until_ms

    # ------------------------------------------------------------------ batches

    def take(self, lag_ms: int = 0, hook_failures: int = 0, behind_ms: int = 0) -> Batch:
        """Everything since the last batch; the counts begin anew."""
        now_ms = self._now_us() // 1000
        for name in self._running:
            self._count_up(name, now_ms)
        self._count_open()
        blocks, self._blocks = self._blocks, {}
        failures, self._failures = self._failures, {}
        exceptions, self._exceptions = self._exceptions, {}
        from_ms, self._from_ms = min(self._from_ms, now_ms), now_ms
        started, finished, failed, cancelled = self.iterations
        self.iterations[:] = [0, 0, 0, 0]
        (ended, restarted, let_go), self._ended = self._ended, [0, 0, 0]
        self.sums.add(blocks, failures)
        arrivals, lateness, late = self.begun.take()
        delay, undelayed = self.delays.take()
        return Batch(
            from_ms=from_ms,
            to_ms=now_ms,
            blocks=tuple(blocks[key] for key in sorted(blocks)),
            failures=tuple(failures.values()),
            exceptions=tuple(exceptions.values()),
            users=self.users,
            lag_ms=lag_ms,
            iterations=(started, finished, failed, cancelled),
            hook_failures=hook_failures,
            ended=(ended, restarted, let_go),
            pacing=self.paces.take(),
            arrivals=arrivals,
            lateness=lateness,
            late=late,
            delay=delay,
            undelayed=undelayed,
            failed=self._exchanges.take(),
            behind_ms=max(behind_ms, lateness.max_us // 1000 if lateness is not None else 0),
        )


def whole_us(response_time_ms: Any) -> int | None:
    """A time as user code gives it, in whole µs; None for none, or for one that is no number."""
    if type(response_time_ms) is float and 0 <= response_time_ms < LATENCY_MAX_MS:  # nearly all
        return round(response_time_ms * 1000)
    if response_time_ms is None:
        return None
    try:
        time_ms = float(response_time_ms)
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0, round(min(time_ms, LATENCY_MAX_MS) * 1000)) if math.isfinite(time_ms) else None


def whole_bytes(length: Any) -> int:
    """A length as user code gives it; 0 for one that is no number."""
    if type(length) is int and 0 <= length < LENGTH_MAX:  # nearly all
        return length
    try:
        return min(max(0, int(length)), LENGTH_MAX) if length else 0
    except (TypeError, ValueError, OverflowError):
        return 0


def _text_of(value: Any) -> str:
    """`str(value)`, whatever the user's own `__str__` does."""
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - user code may raise anything
        return f"<{type(value).__name__} without text: {type(error).__name__}>"


def _repr_of(exception: Any) -> str:
    """`repr(exception)`, whatever the user's own `__repr__` does."""
    try:
        return repr(exception)
    except Exception as error:  # noqa: BLE001 - user code may raise anything
        return f"<{type(exception).__name__} without text: {type(error).__name__}>"


def tidy(value: Any, most: int) -> str:
    """Text that msgpack can carry (no lone surrogates), cut to `most` characters with an ellipsis."""
    text = value if isinstance(value, str) else value.decode("utf-8", "replace") if isinstance(value, bytes) else None
    text = (_text_of(value) if text is None else text)[: most + 1].encode("utf-8", "replace").decode()
    return text if len(text) <= most else f"{text[: most - 1]}…"


def failure_text(exception: Any) -> str:
    """What a failed request is grouped by: a given text as it is, anything else as its repr without addresses."""
    if isinstance(exception, str | CatchResponseError):
        return tidy(exception, MESSAGE_MAX)
    return tidy(_ADDRESS.sub("0x…", _repr_of(exception)), MESSAGE_MAX)


def _places(tb: TracebackType | None) -> list[tuple[Any, int]]:
    places = []
    while tb is not None:
        places.append((tb.tb_frame.f_code, tb.tb_lineno))
        tb = tb.tb_next
    return places


def traceback_text(exception: BaseException, tb: TracebackType | None) -> str:
    """The traceback from the user's first line on, the end of it when it is too long."""
    while tb is not None and tb.tb_next is not None and tb.tb_frame.f_code.co_filename.startswith(_OWN_FOLDER):
        tb = tb.tb_next
    lines = traceback.format_exception(type(exception), exception, tb, limit=60, chain=False)
    return tidy(from_home("".join(lines))[-TRACEBACK_MAX:], TRACEBACK_MAX)
