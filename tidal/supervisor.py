"""The supervisor of a run: it owns the embedded server, the master and the local worker, and outlives the terminal.

    terminal ──spec──▶ supervisor ─┬─▶ guard ─▶ server     (without --redis)
             ◀─ready──             ├─▶ master
                                   └─▶ worker              (without --redis)

    opening ──the run is in the log──▶ looking after ──master ended, or SIGTERM──▶ leaving ──▶ gone
                                         ✝ killed ──its deputy──▶ looking after

What dies is started again, with waits that grow and an end: the master takes its run over, the worker joins anew.
Leaving goes in order: viewers may read the end of the log, then master, worker and server go. When the supervisor
itself is killed its deputy goes on (`tidal.deputy`). Where there is none, or both are killed at once, the children
learn it from their stdin: the master closes the run, and the guard lets the server stay until the others are gone, or
for the run's stop timeout and a few seconds.

One thread only, the main one, because the kernel's death signal and `fork` mean threads. No signal of a terminal ends
it; SIGTERM stops the run in order, a second one at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tidal import paths
from tidal.deputy import MODULE, Deputy
from tidal.embedded import EmbeddedServer, start_server
from tidal.errors import TidalError
from tidal.forks import retitle
from tidal.kept import Kept, say
from tidal.lastwords import last_words
from tidal.launch import LaunchSpec, error_named, server_grace_s
from tidal.model.struct import replace
from tidal.model.wire import from_wire, to_wire
from tidal.nursery import NURSERY_FD
from tidal.process import Backoff, Child, python_argv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPEN_S = 120.0
"""How long the master may take until the run is in the log."""
VIEWERS_S = 10.0
"""How long viewers may read on after the end."""
YOUNG_S, COMING_S = 10.0, 2.0
"""A run that ends so soon may be over before whoever started it has looked once: its server waits for a first look."""
STOP_S = 15.0
"""How long master and worker may take to leave, beyond the run's stop timeout."""
TURN_S = 0.5
DRAINED = 46
"""What our worker ends with when an operator let it go: it stays away."""


class Commands(NamedTuple):
    """What the supervisor starts; tests have others."""

    master: list[str]
    worker: list[str]


def commands() -> Commands:
    """The real ones."""
    return Commands(python_argv("tidal.leader"), python_argv("tidal.worker"))


def _lead() -> int:
    from tidal.leader import main  # noqa: PLC0415 - what a supervisor of other commands does without

    return main()


def _serve() -> int:
    from tidal.worker import main  # noqa: PLC0415 - the same

    return main()


ENTRIES = {"tidal.leader": _lead, "tidal.worker": _serve}
"""What the modules of our own commands do."""


def prepare() -> None:
    """Import what master and worker need, so that they are forks that need not."""
    import tidal.leader  # noqa: PLC0415 - while the server starts
    import tidal.worker  # noqa: F401, PLC0415


class Supervisor:
    """One run's supervisor: `run` returns its exit code when everything has ended."""

    def __init__(
        self,
        spec: LaunchSpec,
        folder: Path,
        answer: Callable[[dict[str, Any]], None],
        cmds: Commands,
        begun: EmbeddedServer | None = None,
    ) -> None:
        self._spec, self._folder, self._begun = spec, folder, begun
        self._answer = answer
        self._commands = cmds
        self._told = 0  # how often we were told to stop
        self._wake_fd = -1
        self._registration: paths.Registration | None = None
        self._server: EmbeddedServer | None = None
        self._master: Kept | None = None
        self._worker: Kept | None = None
        self._url = spec.redis_url or ""
        self._deputy: Deputy | None = None
        self._lives = Backoff()
        self._since_s = self._opened_s = time.monotonic()
        self._news = b""  # for the story, while there is no master that could write it down

    # ------------------------------------------------------------------ a life

    def run(self) -> int:
        """Open the run, look after it, leave."""
        self._wake_fd = self._heed_signals()
        try:
            self._open()
        except TidalError as error:
            self._stop_everything()
            self._end(f"not opened: {error}")
            self._answer({"error": type(error).__name__, "message": str(error)})
            return error.exit_code
        self._answer(self._ready())
        self._opened_s = time.monotonic()
        self._have_deputy()
        paths.tidy_registry()
        paths.tidy_logs(time.time())
        return self._live()

    def _live(self) -> int:
        """Look after the run that is open, then leave."""
        ended, code = self._look_after()
        if code == 0:
            self._have_deputy()  # that knows of the end: one of before would start another master
        if code == 0 and self._server is not None:
            self._let_viewers_finish()
        self._stop_everything()
        self._end(ended)
        return code

    def _heed_signals(self) -> int:
        def told(_number: int, _frame: object) -> None:
            self._told += 1

        wake_fd, wake_in = os.pipe()
        for fd in (wake_fd, wake_in):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, told)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)  # not SIG_IGN, which the children would inherit
        return wake_fd

    def _wait(self, seconds: float) -> None:
        """Sleep, but no longer than until a signal comes or a child ends."""
        select.select([self._wake_fd], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_fd, 4096)

    # ------------------------------------------------------------------ opening

    def _open(self) -> None:
        if self._spec.run:
            self._register()
        if self._spec.redis_url is None:
            grace_s = server_grace_s(self._spec)
            port, begun = self._spec.embedded_port, self._begun
            self._server = start_server(port, grace_s=grace_s, forks=True, meanwhile=prepare, begun=begun)
            self._url = self._server.url
            self._worker = Kept("the worker", self._start_worker, ends=DRAINED)
        self._master = Kept(
            "the master",
            self._start_master,
            ends=0,
            patience_s=self._spec.options.masterless_timeout_ms / 1000,
        )
        self._spec = replace(self._spec, run=self._opened(self._master))
        if self._worker is not None:
            self._worker.child.send(b"\n")  # there is a run: it need not wait for its next heartbeat to learn it
        if self._registration is None:
            self._register()
        self._name_folder()

    def _opened(self, master: Kept) -> str:
        """The run's id, as the master says; what it found wrong is raised."""
        end_s = time.monotonic() + OPEN_S
        while not self._told and time.monotonic() < end_s:
            select.select([master.child.answers_fd, self._wake_fd], master.child.unread, [], TURN_S)
            master.child.flush()  # a spec may be more than a pipe takes at once
            for answer in master.hear():
                if "run" in answer:
                    return paths.checked(str(answer["run"]))
                raise error_named(str(answer.get("error")), str(answer.get("message")))
            if master.child.ended:
                code = master.child.wait(STOP_S)
                raise TidalError(f"the master ended with {code}: {last_words(self._folder / 'master.log')}")
            self._watch_server()
        raise TidalError("told to stop before the run was open" if self._told else f"no run within {OPEN_S:.0f} s")

    def _register(self) -> None:
        self._registration = paths.Registration(
            paths.LocalRun(
                run=self._spec.run,
                file=self._spec.file,
                opened_ms=time.time_ns() // 1_000_000,
                redis_url=self._url,
                tcp_url=self._server.tcp_url if self._server else "",
                fleet=self._spec.fleet,
                author=self._spec.author,
                embedded=self._spec.redis_url is None,
                supervisor_pid=os.getpid(),
            )
        )

    def _name_folder(self) -> None:
        """The logs' folder gets the run's name; open files move with it."""
        with contextlib.suppress(OSError):  # a run that was taken over has one already
            self._folder = self._folder.rename(self._folder.with_name(self._spec.run))

    def _ready(self) -> dict[str, Any]:
        ready = {"run": self._spec.run, "redis_url": self._url, "pid": os.getpid()}
        if self._server is not None:
            ready |= {"tcp_url": self._server.tcp_url, "warning": self._server.warning}
        return ready

    def _start_master(self) -> Child:
        spec = replace(self._spec, redis_url=self._url)
        master = self._start(self._commands.master, "master", spec, answers_on_stdout=True)
        master.send(self._news)
        self._news = b""
        return master

    def _start_worker(self) -> Child:
        from tidal.service import WorkerSpec  # noqa: PLC0415 - not needed beside an operator's own fleet

        url, fleet, processes, origin = self._url, self._spec.fleet, self._spec.processes, self._spec.file
        spec = WorkerSpec(url, fleet, processes, origin=origin, id=f"local-{os.getpid()}", drained_code=DRAINED)
        return self._start(self._commands.worker, "worker", spec)

    def _start(self, argv: list[str], name: str, spec: object, *, answers_on_stdout: bool = False) -> Child:
        if self._deputy is not None:
            self._deputy.dismiss()  # it would start another one, of which this one knows nothing
        keep = [self._server.users_fd] if self._server else []
        env, line = _nursery()
        child = Child(
            argv,
            self._folder / f"{name}.log",
            env,
            answers_on_stdout=answers_on_stdout,
            keep_fds=[*keep, *line],
            entry=ENTRIES.get(argv[-1]),
        )
        child.send(json.dumps(to_wire(spec)).encode() + b"\n")
        return child

    # ------------------------------------------------------------------ looking after

    def _look_after(self) -> tuple[str, int]:
        """Until the run is closed, we are told to stop or there is no hope: how it ended, and the exit code."""
        assert self._master is not None  # noqa: S101 - the run is open
        while not self._told:
            try:
                self._watch_server()
            except TidalError as error:
                return f"failed: {error}", error.exit_code
            self._master.turn(time.monotonic())
            if self._master.done:
                return "closed", 0
            if self._master.given_up:
                return f"failed: the master died too often, with {self._master.code} at last", TidalError.exit_code
            self._take_turns()
            self._be_named()
            self._have_deputy()
            self._wait(TURN_S)
        return "stopped: the supervisor was told to", 0

    def _take_turns(self) -> None:
        if self._worker is not None:
            self._worker.turn(time.monotonic())
        if self._master is not None and self._master.is_running():
            self._master.child.flush()

    def _watch_server(self) -> None:
        try:
            if self._server is not None and self._server.watch(self._with_another_guard()):
                say("the server's guard had died: there is a new one, on the same data")
        except OSError as error:  # no memory, no process: that counts as one of its deaths
            say(f"the server's guard had died, and there is no other yet: {error}")

    # ------------------------------------------------------------------ two lives

    @contextlib.contextmanager
    def _with_another_guard(self) -> Iterator[None]:
        """No deputy is to see a guard's death and not its successor: two servers would write one file."""
        if self._deputy is not None:
            self._deputy.dismiss()
        yield
        if self._deputy is not None:
            self._have_deputy()

    def _have_deputy(self) -> None:
        """See to it that somebody goes on when we are killed."""
        if self._deputy is None:
            self._deputy = Deputy(self._folder / "supervisor.log", _nursery()[0], self._succeed)
        kept = [kept for kept in (self._master, self._worker) if kept is not None]
        server = [self._server] if self._server is not None else []
        knows = (*(kept.mark() for kept in kept), *((server.guard.pid, server.server_pid) for server in server))
        self._deputy.turn(knows, [*kept, *server], self._handed_on(), time.monotonic())

    def _handed_on(self) -> list[int]:
        lock = [self._registration.lock_fd] if self._registration is not None else []
        return [*lock, *_nursery()[1]]

    def _succeed(self) -> int:
        """In the deputy, when its supervisor is gone: be the supervisor. The children have noticed nothing."""
        assert self._registration is not None  # noqa: S101 - the run is open
        killed, now_s = self._registration.entry.supervisor_pid, time.monotonic()
        if self._lives.after(now_s - self._since_s) is None:
            self._end(f"failed: {killed} was one supervisor too many that died")
            return TidalError.exit_code  # what hangs on our lifelines ends in order
        self._since_s, self._told, self._deputy = now_s, 0, None
        retitle(python_argv(MODULE, str(self._folder)))
        self._wake_fd = self._heed_signals()
        for lent in (self._master, self._worker, self._server):
            if lent is not None:
                lent.adopt()
        self._be_named()
        self._tell_story(f"the supervisor (process {killed}) was killed: its deputy (process {os.getpid()}) goes on")
        self._have_deputy()
        return self._live()

    def _be_named(self) -> None:
        """See to it that who looks for the supervisor finds us: on a full disk that comes later."""
        if self._registration is not None and self._registration.entry.supervisor_pid != os.getpid():
            with contextlib.suppress(OSError):
                self._registration.hand_over(os.getpid())

    def _tell_story(self, line: str) -> None:
        """Have the master write a line into the log, now or when there is one."""
        say(line)
        told = line.encode() + b"\n"
        if self._master is None or not (self._master.is_running() and self._master.child.send(told)):
            self._news += told

    # ------------------------------------------------------------------ leaving

    def _let_viewers_finish(self) -> None:
        """The server stays for whoever reads the end of the log, for a while."""
        from tidal.bus import Bus, BusError  # noqa: PLC0415 - the client is loaded only for this one question
        from tidal.keys import RunKeys  # noqa: PLC0415

        now_s = time.monotonic()
        end_s = now_s + VIEWERS_S
        look_s = now_s + COMING_S if now_s - self._opened_s < YOUNG_S else now_s
        with (
            contextlib.suppress(BusError, TidalError),
            contextlib.closing(Bus.connect(self._url, role="supervisor")) as bus,
        ):
            keys = RunKeys(self._spec.run)
            while not self._told and time.monotonic() < (end_s if bus.is_watched(keys) else look_s):
                self._watch_server()
                self._wait(TURN_S)

    def _stop_everything(self) -> None:
        patience_s = self._spec.options.stop_timeout_ms / 1000 + STOP_S
        for kept in (self._master, self._worker):
            if kept is not None:
                self._stop(kept, patience_s)
        if self._deputy is not None:
            self._deputy.dismiss()
        if self._server is not None:
            self._server.stop()

    def _stop(self, kept: Kept, patience_s: float) -> None:
        """Ask a child to leave and wait for it, while the server is looked after; kill it when it takes too long."""
        told = self._told
        if kept.is_running():
            kept.child.terminate()
        end_s = time.monotonic() + patience_s
        while kept.is_running() and time.monotonic() < end_s and self._told == told:
            with contextlib.suppress(TidalError):
                self._watch_server()
            self._wait(0.1)
        if kept.is_kept():
            say(f"{kept.name} left with {kept.child.stop(0)}")

    def _end(self, how: str) -> None:
        say(how)
        if self._registration is not None:
            with contextlib.suppress(OSError):  # a full disk: that nobody holds the lock says it, too
                self._registration.end(how, time.time_ns() // 1_000_000)


def _nursery() -> tuple[dict[str, str], list[int]]:
    """The variable and the descriptor by which a child reaches the nursery; nothing where there is none."""
    number = os.environ.get(NURSERY_FD)
    return ({NURSERY_FD: number}, [int(number)]) if number else ({}, [])


def read_spec() -> LaunchSpec:
    """The spec on the first line of stdin; the rest of stdin means nothing to a supervisor."""
    spec: LaunchSpec = from_wire(LaunchSpec, json.loads(sys.stdin.buffer.readline()))
    _replace_fd(0, os.O_RDONLY)
    return spec


def answer_once(value: dict[str, Any]) -> None:
    """One line for the terminal, if it is still there; stdout is closed after."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(value).encode() + b"\n")
    _replace_fd(1, os.O_WRONLY)


def _replace_fd(fd: int, mode: int) -> None:
    null = os.open(os.devnull, mode)
    os.dup2(null, fd)
    os.close(null)


def main(argv: list[str], cmds: Commands | None = None, *, begun: EmbeddedServer | None = None) -> int:
    """Run as `python -m tidal.supervisor [folder of the logs]` with a LaunchSpec on stdin.

    Args:
        argv: the arguments.
        cmds: what it starts.
        begun: in a fork: the server that its parent has begun.
    """
    if begun is not None:
        begun.adopt()
    folder = Path(argv[0]) if argv else Path(tempfile.mkdtemp(prefix="launch-", dir=paths.logs_dir()))
    spec = read_spec()
    return Supervisor(spec, folder, answer_once, cmds or commands(), begun).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
