"""A locustfile tried out, for `tidal check`: a child of its own imports it and lets users do their tasks once."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tidal import paths
from tidal.errors import FileImportError
from tidal.lastwords import IMPORT_S, ask_where, import_died, import_took_long, last_words
from tidal.launch import await_answers, error_named
from tidal.lodging import here
from tidal.model.codec import BadEntry, PipeReader, pack_message
from tidal.model.pipe import Load, Loaded, NotLoaded
from tidal.model.trial import Ended, Outline
from tidal.opening import check_host, shipped_root
from tidal.options import ONLY_DESCRIBE
from tidal.process import Child, python_argv

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tidal.model.events import Event, RunOptions
    from tidal.model.trial import Try

START_S = 10.0
"""What a Python may take until it comes to the file: not of the time that the file is given."""
GRACE_S = 10.0
"""So long after its time a child may take to see its users off; then it is ended."""


def outline(files: Sequence[Path], options: RunOptions, words: tuple[str, ...] = ONLY_DESCRIBE) -> Iterator[Event]:
    """What the files have: `Loaded`, then `Outline`. As `tried`, but nothing is tried."""
    return _told(files, options, None, words)


def tried(files: Sequence[Path], options: RunOptions, order: Try, words: tuple[str, ...] = ()) -> Iterator[Event]:
    """What the files have and what their users do, as it happens: `Loaded` first, `Ended` at last.

    Args:
        files: absolute paths.
        options: the host, classes and tags that are wanted.
        order: how long and how much.
        words: of the command line, for the file's own arguments.

    Raises:
        TidalError: what is wrong with the files, or there is no host to send anything to.
    """
    return _told(files, options, order, words)


def _told(files: Sequence[Path], options: RunOptions, order: Try | None, words: tuple[str, ...]) -> Iterator[Event]:
    load = _load(files, options, words)
    with tempfile.TemporaryDirectory(prefix="check-", dir=paths.logs_dir()) as folder:
        log_path = Path(folder) / "check.log"
        child = Child(python_argv("tidal.generator.check"), log_path)
        try:
            child.send(pack_message(load))
            talk = _Talk(child, Path(load.root), log_path)
            yield from talk.opening(IMPORT_S if order is None else min(IMPORT_S, START_S + order.within_ms / 1000))
            if order is not None:
                check_host(talk.loaded.classes, options.host)
                child.send(pack_message(order))
                yield from talk.trial(order.within_ms / 1000)
        finally:
            child.kill()
            child.stop(0)


def _load(files: Sequence[Path], options: RunOptions, words: tuple[str, ...]) -> Load:
    root = shipped_root(*files)
    first, *more = (path.relative_to(root).as_posix() for path in files)
    return Load(str(root), first, options, side="inspect", more_files=tuple(more), words=words, cwd=here())


class _Talk:
    """What is heard of the child."""

    loaded: Loaded

    def __init__(self, child: Child, root: Path, log_path: Path) -> None:
        self._child, self._root, self._log_path = child, root, log_path
        self._reader = PipeReader()
        self._unread: list[Event] = []

    def opening(self, within_s: float) -> Iterator[Event]:
        """The file, as it was loaded."""
        end_s = time.monotonic() + within_s
        while True:
            answer = self._next(end_s)
            if answer is None:
                if self._child.ended:
                    raise import_died(self._child, self._root, self._log_path)
                if within_s < IMPORT_S:
                    ask_where(self._child)
                raise import_took_long(self._root, self._log_path, within_s)
            if isinstance(answer, NotLoaded):
                raise error_named(answer.error, answer.why)
            if isinstance(answer, Loaded):
                self.loaded = answer
            yield answer
            if isinstance(answer, Outline):
                return

    def trial(self, within_s: float) -> Iterator[Event]:
        """What its users do, to the end."""
        end_s = time.monotonic() + within_s + GRACE_S
        while (answer := self._next(end_s)) is not None:
            yield answer
            if isinstance(answer, Ended):
                return
        yield Ended(self._why_it_ended(within_s))

    def _why_it_ended(self, within_s: float) -> str:
        if not self._child.ended:
            return f"the file's process was busy or blocked beyond its {within_s:g} s, and was ended"
        code, words = self._child.wait(1), last_words(self._log_path)
        return f"the file's process ended by itself (exit code {code}){f': {words}' if words else ''}"

    def _next(self, end_s: float) -> Event | None:
        """The next answer; None when none comes any more."""
        while not self._unread:
            if self._child.ended or not await_answers(self._child, end_s):
                return None
            try:
                self._unread += self._reader.feed(self._child.receive())
            except BadEntry as error:
                raise FileImportError(f"the locustfile's process spoke nonsense: {error}") from None
        return self._unread.pop(0)
