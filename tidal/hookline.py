"""The master's line to its hook host: what user code on the master's side is told, and what it wants.

    turn(state, …) ──▶ View each second, Fire at each stage of the run ──▶ child
    child ──▶ Fired, Steer, Leave, Message ──▶ wishes ──▶ `target.grant` ──▶ the log

Nothing waits: a host that hangs delays only what its own listeners are asked for, and that for a bounded time. One
that dies is started again, and told how far the run has come.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import deque
from typing import TYPE_CHECKING

from tidal import paths
from tidal.lastwords import how_it_ended, keep_small
from tidal.lodging import here, root_of
from tidal.model import events as ev
from tidal.model import phases
from tidal.model.closing import exit_code, is_measured
from tidal.model.codec import LOG, ZERO_ID, BadEntry, PipeReader, decode, entry_of, pack_message, unpacked_secrets
from tidal.model.decide import HOOK_START_PATIENCE_MS, has_enough_workers, refusal
from tidal.model.files import HOOKS_FOLDER, Files
from tidal.model.ledger import planned_users
from tidal.model.loglines import few, numbered, retimed
from tidal.model.pipe import Fire, Fired, Leave, Load, Loaded, Message, NotLoaded, Said, Steer
from tidal.model.struct import replace
from tidal.model.view import Told, is_complete, view_of
from tidal.process import Backoff, Child, python_argv, write_all
from tidal.sweep import new_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tidal.bus import Bus
    from tidal.keys import RunKeys
    from tidal.model.codec import Entry
    from tidal.model.state import LogHalf, State

VIEW_MS = 1_000
UNSENT_BYTES_MAX = 4 * 1024 * 1024
"""A host that reads nothing is told nothing more."""
LETTERS_MAX = 1_000
WISHES_MAX = 1_000


def _new_host(log_path: Path, root: str) -> Child:
    return Child(python_argv("tidal.generator", "--hooks"), log_path, cwd=root)


class HookLine:
    """One run's hook host, as its master sees it.

    Args:
        load: the order that the host begins with.
        log_path: where the host and user code print.
        note: takes (level, text): what the operator should see.
        folder: of ours, with the files; removed at the end.
        new_host: starts one that prints to a file, in a folder; tests have others.
    """

    def __init__(
        self,
        load: Load,
        log_path: Path,
        note: Callable[[str, str], None],
        folder: Path | None = None,
        *,
        new_host: Callable[[Path, str], Child] = _new_host,
    ) -> None:
        self._load, self._log_path, self._note = load, log_path, note
        self._folder, self._new_host = folder, new_host
        self._child: Child | None = None
        self._reader = PipeReader()
        self._backoff = Backoff()
        self._born_ms = self._due_ms = self._viewed_ms = self._redis_ms = 0
        self._is_loaded = self._is_given_up = False
        self._told = Told()
        self._fired: dict[str, int] = {}  # hook → when it was ordered (monotonic)
        self._letters: deque[Message] = deque(maxlen=LETTERS_MAX)  # custom messages that the host has not got yet
        self._was_complete = False
        self.wishes: deque[ev.Event] = deque(maxlen=WISHES_MAX)
        self._lines: tuple[ev.LogLine, ...] = ()  # of the host's logging, until somebody takes them

    def __repr__(self) -> str:
        return f"<HookLine {self._child!r} {'loaded' if self._is_loaded else 'not loaded'}, {len(self.wishes)} wishes>"

    @property
    def is_there(self) -> bool:
        """Whether what the file's listeners want is worth waiting for."""
        return not self._is_given_up

    @property
    def ears(self) -> list[int]:
        """The descriptors that tell of its words, and of its end, to who takes turns; none while there is no host."""
        return [self._child.answers_fd] if self._child is not None and not self._child.ended else []

    def overhear(self, entry: Entry) -> None:
        """A custom message of a worker's user code, for user code on this side."""
        with contextlib.suppress(BadEntry):
            signed = decode(entry)
            event = signed.event if isinstance(signed, ev.ByWorker) else None
            if isinstance(event, ev.MessageReceived):
                self._letters.append(Message(event.type, event.data, event.client))

    def taken_lines(self) -> tuple[ev.LogLine, ...]:
        """What the host's logging said since the last time."""
        lines, self._lines = self._lines, ()
        return lines

    # ------------------------------------------------------------------ a turn

    def turn(self, state: State, now_ms: int, redis_ms: int) -> None:
        """Listen, and tell what there is to tell: `now_ms` is monotonic."""
        self._redis_ms = redis_ms
        if self._is_given_up:
            return
        if self._child is None:
            if now_ms < self._due_ms:
                return
            self._start(state, now_ms)
        self._listen(state)
        child = self._child
        if child is None:
            return
        child.flush()
        if self.is_there and (child.ended or child.poll() is not None):
            self._bury(child, now_ms)
        elif self._is_loaded:
            self._tell(child, state, now_ms, redis_ms)
        if not self.is_there:
            self._dismiss()

    def _dismiss(self) -> None:
        """Nobody listens to it any more: its words would only keep us awake."""
        if self._child is not None:
            self._child.stop(0)
            self._child = None

    def _start(self, state: State, now_ms: int) -> None:
        load = replace(self._load, began_ms=state.log.began_ms)
        self._child = self._new_host(self._log_path, load.root)
        self._reader, self._told, self._born_ms, self._is_loaded = PipeReader(), Told(), now_ms, False
        self._child.send(pack_message(load))

    def _bury(self, child: Child, now_ms: int) -> None:
        code = child.stop(0)
        self._child, self._is_loaded = None, False
        self._fired = {hook: at for hook, at in self._fired.items() if hook != "quit"}
        wait_s = self._backoff.after((now_ms - self._born_ms) / 1000)
        why = how_it_ended(code)
        if wait_s is None:
            self._is_given_up = True
            self._note("error", f"the hook host died too often ({why}): the run goes on without its listeners")
            return
        self._due_ms = now_ms + round(wait_s * 1000)
        self._note("warning", f"the hook host died ({why}); it is started again")

    def _listen(self, state: State) -> None:
        child = self._child
        while child is not None and (data := child.receive()):
            try:
                messages = self._reader.feed(data)
            except BadEntry:
                child.kill()  # user code has got at the pipe
                return
            for message in messages:
                self._take(message, state)

    def _take(self, message: ev.Event, state: State) -> None:
        options = state.log.options
        if isinstance(message, Loaded):
            self._is_loaded = True
        elif isinstance(message, NotLoaded):
            self._is_given_up = True
            why = f"the file does not load on the master's side: {message.why}"
            self._note("error", why)
            if not self._is_loaded and state.log.phase == phases.WAITING:  # its listeners may be what judges the run
                self.wishes.append(refusal(state.log, why[:200], message.error))
        elif isinstance(message, Fired):
            self.wishes.append(ev.HookDone(message.hook[:100], max(0, message.failed), message.exit_code))
        elif isinstance(message, Steer):
            what = (message.users, message.spawn_rate, message.who[:100], message.classes)
            self.wishes.append(ev.TargetSet(*what, message.arrivals, message.over_ms))
        elif isinstance(message, Leave):
            outcome = message.outcome if message.outcome in {"finished", "failed"} else "stopped"
            self.wishes.append(ev.StopOrdered(outcome, message.why[:200], "user code", options.stop_timeout_ms))
        elif isinstance(message, Said):
            heard = numbered(message, 0)
            self._lines = few((*self._lines, *retimed(heard.lines, heard.at_ms, self._redis_ms)))
        elif isinstance(message, Message):
            self.wishes.append(ev.MessageSent(message.type[: ev.TEXT_MAX], message.data, message.client))

    # ------------------------------------------------------------------ what it is told

    def _tell(self, child: Child, state: State, now_ms: int, redis_ms: int) -> None:
        if child.unsent > UNSENT_BYTES_MAX:
            return
        hook = self._hook_due(state, redis_ms)
        if hook or now_ms - self._viewed_ms >= VIEW_MS:
            self._viewed_ms = now_ms
            keep_small(self._log_path)
            child.send(pack_message(view_of(state, redis_ms, self._told)))
        while self._letters:
            child.send(pack_message(self._letters.popleft()))
        if hook:
            self._fired[hook] = now_ms
            child.send(pack_message(Fire(hook, state.log.users, exit_code(state))))
        self._give_up_waiting(state, now_ms)

    def _hook_due(self, state: State, redis_ms: int) -> str:
        """The hook whose listeners are to be called now; "" for none."""
        log = state.log
        if log.phase == phases.WAITING:
            return self._unless_done(state, "test_start") if has_enough_workers(state) else ""
        if log.phase == phases.RUNNING:
            everybody = planned_users(log, redis_ms - log.began_ms)
            was_complete, self._was_complete = self._was_complete, everybody > 0 and is_complete(state, redis_ms)
            return "spawning_complete" if self._was_complete and not was_complete else ""
        if log.phase == phases.STOPPING:
            stopping = self._unless_done(state, "test_stopping") if log.began_ms else ""
            return stopping or (self._unless_done(state, "quit") if is_measured(state, redis_ms) else "")
        return ""

    def _unless_done(self, state: State, hook: str) -> str:
        return "" if hook in self._fired or hook in state.log.hooks_done else hook

    def _give_up_waiting(self, state: State, now_ms: int) -> None:
        fired_ms = self._fired.get("test_start")
        if fired_ms is None or state.log.phase != phases.WAITING or "test_start" in state.log.hooks_done:
            return
        if now_ms - fired_ms > HOOK_START_PATIENCE_MS:
            del self._fired["test_start"]
            self._is_given_up = True
            self._note("error", "the listeners of test_start do not return: the run starts without the hook host")

    def stop(self) -> None:
        """End the host."""
        if self._child is not None:
            self._child.stop(0.5)
            self._child = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def open_hook_line(bus: Bus, keys: RunKeys, log: LogHalf, file: str, note: Callable[[str, str], None]) -> HookLine:
    """The line to a hook host of this run: of the files on this machine, else of those that the log ships.

    Raises:
        BusError: the shipped files could not be read.
    """
    root, folder = root_of(file, log.file), None
    if root is None:
        folder = new_folder(HOOKS_FOLDER)
        write_all(folder, shipped_files(bus, keys, log))
    load = Load(
        str(root or folder),
        log.file,
        replace(log.options, arguments=(*log.options.arguments, *_secrets(bus, keys))),
        log.run,
        side="master",
        more_files=log.more_files,
        shape=log.shape,
        client="master",
        cwd=here() if root is not None else "",
    )
    return HookLine(load, paths.logs_dir() / f"{log.run}-hooks-{os.getpid()}.log", note, folder)


def _secrets(bus: Bus, keys: RunKeys) -> tuple[tuple[str, str], ...]:
    packed = bus.load_secrets(keys)
    return unpacked_secrets(packed) if packed is not None else ()


def shipped_files(bus: Bus, keys: RunKeys, log: LogHalf) -> dict[str, bytes]:
    """The contents of the shipped files, read from the log; empty when they are not all there."""
    files, at = Files(), ZERO_ID
    while files.contents(log.files) is None and (found := bus.range(keys.log, at, None, 100)):
        for entry_id, fields in found:
            at = entry_id
            entry = entry_of(LOG, entry_id, fields)
            signed = decode(entry) if entry.kind == ev.FileChunk.KIND else None
            if isinstance(signed, ev.ByMaster) and isinstance(signed.event, ev.FileChunk):
                files.add(signed.event)
    return dict(files.contents(log.files) or {})
