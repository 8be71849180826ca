"""Where a generator is that says nothing: asked by a signal, answered by a stack in its log.

A task that computes, or that calls a library which blocks, holds the generator's loop: nobody in there can speak. But
`faulthandler` answers a signal from C, in the middle of whatever goes on, and costs nothing until then. The signal is
SIGURG: a process without a handler takes no notice of it, so a child that is not ready for the question survives it.
"""

from __future__ import annotations

import faulthandler
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from tidal.lastwords import place_in

if TYPE_CHECKING:
    from pathlib import Path

QUESTION = signal.SIGURG
ANSWER_MS = 500
"""How long an answer may take; a process that is stopped gives none."""
ANSWER_BYTES_MAX = 1 << 20
NO_ANSWER = "does not answer a signal: it is stopped, or starved of CPU"
ELSEWHERE = "is held outside of the test's files"


def answer_questions() -> None:
    """Have this process write its stack to stderr whenever it is asked."""
    faulthandler.register(QUESTION, all_threads=False)


class Question:
    """One question to one process, which writes into a log that others write into as well.

    Args:
        pid: whom to ask; its stderr is the log.
        root: the folder of the test's files, which are the ones worth naming.
        now_ms: any clock that only rises, in ms.
    """

    def __init__(self, pid: int, root: Path, log_path: Path, now_ms: int) -> None:
        self._root, self._log_path, self._asked_ms = root, log_path, now_ms
        self._from = _size(log_path)
        with suppress(OSError):  # it is gone, or its number is somebody else's by now
            os.kill(pid, QUESTION)

    def __repr__(self) -> str:
        return f"<Question asked at {self._asked_ms} ms>"

    def answer(self, now_ms: int) -> str | None:
        """What the process does, by the innermost line of the test's files; None while the answer may still come."""
        said = ""
        with suppress(OSError), self._log_path.open("rb") as log:
            log.seek(self._from)
            said = log.read(ANSWER_BYTES_MAX).decode(errors="replace")
        if at := place_in(self._root, said):
            return f"is held at {at}"
        if now_ms - self._asked_ms < ANSWER_MS:
            return None
        return ELSEWHERE if "(most recent call first)" in said else NO_ANSWER


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
