"""Lines of processes' logging: bounded in rate where they are said, in room where they are kept. PURE.

    logger ─▶ Intake ─▶ report (a worker, its generators)      ─▶ ReportHalf.lines ─┐
                    └─▶ `lo` (the master, its hook host)       ─▶ LogHalf.lines ────┴─▶ Frame.logs

Nothing goes in silence: what does not get through is counted, and a line of its own says how many there were.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING

from tidal.model.observations import Noted
from tidal.model.redact import DEFAULT
from tidal.model.samples import COUNT_MAX, LINE_LEVELS, LINE_TEXT_MAX, LOGGER_MAX, LogLine
from tidal.model.struct import Struct, field, replace
from tidal.model.text import clean
from tidal.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidal.model.observations import Logged
    from tidal.model.pipe import Said
    from tidal.model.redact import Redactor
    from tidal.model.rows import LogRow, StoryRow
    from tidal.model.state import LogHalf, State

BURST, A_SECOND = 50, 5
"""Lines that a process may say at once, and for how many a second there is room again."""
MARK_MS = 5_000
"""How often a process says that it had to leave lines out, while it does."""
FEW_LINES, FEW_CHARS = 100, 40_000
"""Lines in one report or entry, and their characters; further ones are counted."""
ROOM_CHARS, LINE_CHARS = 400_000, 400
"""Characters that each half of the state keeps, and those that a line counts beside its own: a thousand lines."""
BY_MASTER = "master: "
LINES_SHOWN = 60
"""Lines of a traceback that are shown."""


def level_word(number: int) -> str:
    """The word for a level of Python's logging, whichever number somebody gave it."""
    return LINE_LEVELS[min(4, max(0, number // 10 - 1))]


def log_line(at_ms: int, level: str, logger: str, text: str, by: Redactor = DEFAULT) -> LogLine:
    """A line with what is secret taken out, cut to its bounds, of characters that can be written."""
    said = by.text(text[:LINE_TEXT_MAX], LINE_TEXT_MAX)
    return LogLine(max(0, at_ms), level, _sayable(logger[:LOGGER_MAX]), _sayable(said))


def _sayable(text: str) -> str:
    """What msgpack can carry."""
    return text.encode("utf-8", "replace").decode()


class Intake:
    """What one process has said and not handed on yet: so many lines at once, then so many a second.

    Times are ms of any clock that only rises, until the lines are taken.
    """

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque()
        self._room_milli = BURST * 1000
        self._at_ms = self._marked_ms = 0
        self._left_out = 0

    def __repr__(self) -> str:
        return f"<Intake {len(self._lines)} lines, {self._left_out} left out>"

    def has_room(self, now_ms: int) -> bool:
        """Whether one more line may be put now; else it is counted as left out. Asked before anything is formatted."""
        if now_ms > self._at_ms:
            self._room_milli = min(BURST * 1000, self._room_milli + (now_ms - self._at_ms) * A_SECOND)
            self._at_ms = now_ms
        if self._room_milli < 1000 or len(self._lines) >= BURST:
            self._left_out += 1
            return False
        self._room_milli -= 1000
        return True

    def put(self, line: LogLine) -> None:
        """A line for which there was room."""
        self._lines.append(line)

    def take(self, now_ms: int, at_ms: int, *, is_last: bool = False) -> tuple[LogLine, ...]:
        """The lines since the last time, in the time that is `at_ms` now; one says how many are missing."""
        lines = list(retimed(self._lines, now_ms, at_ms))
        self._lines.clear()
        if self._left_out and (is_last or not self._marked_ms or now_ms - self._marked_ms >= MARK_MS):
            lines.append(mark(at_ms, self._left_out))
            self._left_out, self._marked_ms = 0, max(1, now_ms)
        return tuple(lines)


def retimed(lines: Iterable[LogLine], now_ms: int, at_ms: int) -> tuple[LogLine, ...]:
    """The lines by another clock: `now_ms` of theirs is `at_ms`; none is of a moment to come."""
    return tuple(replace(line, at_ms=max(0, min(at_ms, line.at_ms + at_ms - now_ms))) for line in lines)


def mark(at_ms: int, left_out: int, number: int = -1) -> LogLine:
    """The line that says how many are not there; sums of hostile counts end where a count does."""
    return LogLine(at_ms, "warning", "tidal", "", number, min(left_out, COUNT_MAX - 1))


def few(lines: Iterable[LogLine]) -> tuple[LogLine, ...]:
    """As many of them as a report carries, the first ones, and one that counts the rest."""
    kept: list[LogLine] = []
    left_out = chars = 0
    for line in lines:
        chars += line.size
        if left_out or len(kept) >= FEW_LINES or chars > FEW_CHARS:
            left_out += line.left_out or 1
            last = line
        else:
            kept.append(line)
    return (*kept, mark(last.at_ms, left_out)) if left_out else tuple(kept)


def numbered(said: Said, number: int) -> Said:
    """What a child said, under its number, however much it was."""
    return replace(said, lines=tuple(replace(line, number=number) for line in few(said.lines)))


# ------------------------------------------------------------------ in the state


class Lines(Struct):
    """The newest lines of many, of each as many as are fair; in the order of their moments."""

    kept: list[tuple[str, LogLine]] = field(default_factory=list)  # with the incarnation; "" for the master's
    chars: int = 0
    left_out: int = 0  # by those who said them
    dropped: int = 0  # for want of room here

    def __post_init__(self) -> None:
        """The characters are what they are: a stored state may have been masked, or made up."""
        self.chars = sum(line.size + LINE_CHARS for _, line in self.kept)

    def add(self, who: str, lines: Iterable[LogLine], not_after_ms: int) -> None:
        """Take in what one process said; a moment in the future is that of the sending."""
        for line in few(lines):
            told = line if line.at_ms <= not_after_ms else replace(line, at_ms=not_after_ms)
            insort(self.kept, (who, told), key=_moment)
            self.chars += line.size + LINE_CHARS
            self.left_out += line.left_out
        if self.chars > ROOM_CHARS:
            self._thin()

    def _thin(self) -> None:
        """Let the oldest lines of whoever said most go, until a tenth of the room is free."""
        indexes: dict[str, deque[int]] = {}
        sizes: dict[str, int] = {}
        for index, (who, line) in enumerate(self.kept):
            indexes.setdefault(who, deque()).append(index)
            sizes[who] = sizes.get(who, 0) + line.size + LINE_CHARS
        gone: set[int] = set()
        while self.chars > ROOM_CHARS * 9 // 10:
            noisiest = max(sizes, key=lambda who: (sizes[who], who))
            index = indexes[noisiest].popleft()
            gone.add(index)
            freed = self.kept[index][1].size + LINE_CHARS
            self.chars -= freed
            sizes[noisiest] -= freed
        self.kept = [each for index, each in enumerate(self.kept) if index not in gone]
        self.dropped += len(gone)


def fold_logged(log: LogHalf, event: Logged, at_ms: int) -> None:
    """The step of the fold for what the master's side said."""
    log.lines.add("", event.lines, at_ms)


def _moment(told: tuple[str, LogLine]) -> tuple[int, str]:
    return told[1].at_ms, told[0]


# ------------------------------------------------------------------ in a frame


def log_rows(state: State) -> tuple[LogRow, ...]:
    """What is kept of all processes' lines, and the master's notes, in the order of their moments."""
    log = state.log
    rows = [_row(log, who, line) for half in (log.lines, state.reports.lines) for who, line in half.kept]
    rows += [_note(row) for row in log.story if row.kind == Noted.KIND and row.text.startswith(BY_MASTER)]
    return tuple(sorted(rows, key=lambda row: row.at_ms))


def missing_lines(state: State) -> tuple[int, int]:
    """How many lines were left out by who said them, and how many for want of room here."""
    halves = (state.log.lines, state.reports.lines)
    return sum(lines.left_out for lines in halves), sum(lines.dropped for lines in halves)


def _row(log: LogHalf, incarnation: str, line: LogLine) -> LogRow:
    worker = clean(log.incarnations.get(incarnation, "?"), 60) if incarnation else ""
    text = (
        line.text
        if not line.left_out
        else f"{plural(line.left_out, 'line')} left out here: a process may say {A_SECOND} a second"
    )
    from tidal.model.rows import LogRow  # noqa: PLC0415 - generators say lines, and draw none: 20 ms of their start

    return LogRow(
        at_ms=line.at_ms,
        offset_ms=line.at_ms - log.began_ms if log.began_ms else 0,
        worker=worker,
        who=_who(worker, line.number),
        level=line.level,
        logger=clean(line.logger, LOGGER_MAX),
        text=_shown(text),
    )


@lru_cache(4_096)
def _shown(text: str) -> str:
    """Each line harmless: found once, for every picture shows the same lines."""
    return "\n".join(clean(each, 500) for each in text.split("\n")[:LINES_SHOWN])


def _note(row: StoryRow) -> LogRow:
    """A note of the master's own: it said that too, and wrote it down for the story."""
    from tidal.model.rows import LogRow  # noqa: PLC0415 - as above

    level = row.level if row.level in LINE_LEVELS else "info"
    return LogRow(row.at_ms, row.offset_ms, "", "master", level, "tidal master", row.text.removeprefix(BY_MASTER))


def _who(worker: str, number: int) -> str:
    """`w2` is the agent of a worker, `w2/0` its first generator; on the other side are `master` and `hooks`."""
    if worker:
        return worker if number < 0 else f"{worker}/{number}"
    return "master" if number < 0 else "hooks"
