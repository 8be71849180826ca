"""What is logged and printed in a child with user code, handed to its parent beside whatever the file does with it.

    logging.warning(…) ─▶ root logger ─┬─▶ the file's own handlers, and the child's log file
                                       └─▶ LogTap ─▶ Intake ─▶ `Said` ─▶ pipe
    print(…) ─▶ sys.stdout ─▶ Echo ────┘      as INFO; what goes to stderr without logging is a WARNING

A file may set up logging as it likes: the tap is one handler more, it formats for itself, and is put back where it
was thrown out. Secrets are taken out here, by the rules that hold for failed requests.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from tidal.generator.failed import rules
from tidal.generator.recorder import traceback_text
from tidal.model.loglines import Intake, level_word, log_line
from tidal.model.pipe import Said
from tidal.model.samples import LINE_TEXT_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.model.events import Event

MESSAGE_MAX = 600
"""Characters of a message that a traceback follows: of that the end is what one wants."""
BLOCK_LINES = 60
OFF = 1_000
"""Above all levels."""


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class LogTap(logging.Handler):
    """One handler more of the root logger.

    Args:
        answer: sends one message to the parent.
    """

    def __init__(self, answer: Callable[[Event], None]) -> None:
        super().__init__()
        self._answer = answer
        self._intake = Intake()
        self._least = OFF
        self._block: deque[str] = deque(maxlen=BLOCK_LINES)  # of stderr: a traceback is printed line by line

    def __repr__(self) -> str:
        return f"<LogTap from {self._least}: {self._intake}>"

    def open(self, level: str) -> None:
        """Listen from this level on; one that does not exist is none at all."""
        self._least = logging.getLevelNamesMapping().get(level.upper(), OFF)
        if self._least < OFF:
            self._put_back()
            sys.stdout = Echo(sys.stdout, lambda line: self._printed(logging.INFO, "stdout", line))
            sys.stderr = Echo(sys.stderr, self._block.append)

    def _put_back(self) -> None:
        root = logging.getLogger()
        if self not in root.handlers:
            root.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line in, when it is of interest and there is room."""
        try:
            if record.levelno >= self._least and self._intake.has_room(now_ms := _now_ms()):
                self._put(now_ms, record.levelno, str(record.name), text_of(record))
        except Exception:  # noqa: BLE001 - a record may be made by hand: it must not fail in the code that logs it
            self.handleError(record)

    def _printed(self, number: int, stream: str, text: str) -> None:
        if number >= self._least and self._intake.has_room(now_ms := _now_ms()):
            self._put(now_ms, number, stream, end_of(text, LINE_TEXT_MAX))

    def _put(self, now_ms: int, number: int, logger: str, text: str) -> None:
        self._intake.put(log_line(now_ms, level_word(number), logger, text, rules()))

    def send(self, *, is_last: bool = False) -> None:
        """Hand on what was said since the last time."""
        if self._least >= OFF:
            return
        self._put_back()
        if self._block:
            self._printed(logging.WARNING, "stderr", "\n".join(self._block))
            self._block.clear()
        now_ms = _now_ms()
        lines = self._intake.take(now_ms, now_ms, is_last=is_last)
        if lines:
            self._answer(Said(lines, now_ms))

    def flush(self) -> None:
        """The same when something ends: also how many lines were left out."""
        with contextlib.suppress(Exception):  # logging's own farewell must not fail on a pipe
            self.send(is_last=True)


def text_of(record: logging.LogRecord) -> str:
    """Message and traceback of a record, however wrong its arguments are."""
    try:
        message = record.getMessage()
    except Exception as error:  # noqa: BLE001 - user code may raise anything
        message = f"{record.msg!r} ({type(error).__name__} in its arguments)"
    raised = record.exc_info[1] if record.exc_info else None
    if raised is None:
        return message
    traceback = traceback_text(raised, raised.__traceback__).rstrip()
    message = message if len(message) <= MESSAGE_MAX else f"{message[: MESSAGE_MAX - 1]}…"
    return f"{message}\n{end_of(traceback, LINE_TEXT_MAX - len(message) - 1)}"


def end_of(text: str, most: int) -> str:
    """The end of a long text; its secrets go first, for what announces one may be cut off."""
    return text if len(text) <= most else rules().text(text, len(text))[-most:]


class Echo:
    """A stream that is as it was, and whose whole lines somebody hears too.

    Args:
        stream: what user code writes to.
        hear: takes each line that is not empty.
    """

    def __init__(self, stream: Any, hear: Callable[[str], object]) -> None:
        self._stream, self._hear = stream, hear
        self._rest = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, and hear; what logging writes is heard in another way."""
        written: int = self._stream.write(text)
        if isinstance(text, str) and sys._getframe(1).f_globals.get("__name__") != "logging":  # noqa: SLF001 - who writes is what matters
            self._split(text)
        return written

    def writelines(self, lines: Any) -> None:
        """Each of them."""
        for line in lines:
            self.write(line)

    def _split(self, text: str) -> None:
        *whole, self._rest = (self._rest[:LINE_TEXT_MAX] + text[: 100 * LINE_TEXT_MAX]).split("\n")
        for line in whole:
            if line.strip():
                self._hear(line[:LINE_TEXT_MAX])
