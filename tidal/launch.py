"""Starting a run from a terminal: a supervisor of its own session, told everything on its stdin.

    launch(spec)  ──LaunchSpec, one line of JSON──▶  python -m tidal.supervisor
                  ◀──one line of JSON────────────    {"run": …, "redis_url": …} once the run is in the log,
                                                     or {"error": "NoHost", "message": …}

The terminal may die at any moment after that; the supervisor goes on. An `Inspection` asks a child of its own what a
locustfile holds, because user code is never imported where Redis is spoken or a screen is drawn.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tidal import errors, paths
from tidal.errors import FileImportError, NoSuchFile, TidalError, UsageError
from tidal.forks import as_program, can_fork
from tidal.lastwords import IMPORT_S, import_died, import_took_long, last_words
from tidal.lodging import here
from tidal.model.codec import BadEntry, PipeReader, pack_message
from tidal.model.events import Event, RunOptions
from tidal.model.pipe import Load, Loaded, NotLoaded
from tidal.model.struct import Discreet, field, replace
from tidal.model.wire import to_wire
from tidal.nursery import MODULE, NURSERY_FD, can_have_one, named_by
from tidal.preflight import raise_files, too_few_files
from tidal.process import Child, python_argv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tidal.embedded import EmbeddedServer

OPEN_S = 150.0
"""How long a supervisor may take until the run is in the log: longer than it gives its master."""
NURSERY_STOP_S = 10.0
LINE_BYTES_MAX = 1 << 20


class LaunchSpec(Discreet, frozen=True):
    """Everything that a supervisor or a master needs to open a run, or to take one over.

    Attributes:
        file: absolute path of the locustfile.
        redis_url: None: an embedded server and a local worker; else the fleet's own Redis, with its password.
        processes: generators of the local worker; 0: as many as cores.
        ship: absolute paths of extra files that the workers need.
        author: who asked for it, user@host.
        embedded_port: a loopback TCP port of the embedded server, beside its Unix socket.
        run: the run to take over or resume; "" opens a new one.
        more_files: absolute paths of further locustfiles.
        words: of the command line, for the file's own arguments.
        secrets: the file's own arguments that must not be in the log: name, value as JSON.
        sign_with: absolute path of the key that the run is signed with; "" for none.
        heeded: options that the file may set a default for: it has been asked.
    """

    HIDDEN: ClassVar = frozenset({"redis_url", "words", "secrets"})

    file: str
    options: RunOptions = field(default_factory=RunOptions)
    fleet: str = "default"
    redis_url: str | None = None  # it may hold a password
    processes: int = 0
    ship: tuple[str, ...] = ()
    author: str = ""
    embedded_port: int | None = None
    run: str = ""
    more_files: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()
    sign_with: str = ""
    heeded: tuple[str, ...] = ()


class Launched(Discreet, frozen=True):
    """A run that is in the log, with its supervisor.

    Attributes:
        tcp_url: the embedded server's loopback port, when one was asked for.
        warning: "" or a line that the operator should see.
    """

    HIDDEN: ClassVar = frozenset({"redis_url", "tcp_url"})

    run: str
    redis_url: str  # it holds the password
    supervisor_pid: int
    tcp_url: str = ""
    warning: str = ""


def launch(
    spec: LaunchSpec,
    *,
    prepare: Callable[[], object] = lambda: None,
    supervise: Callable[[list[str], EmbeddedServer | None], int] | None = None,
) -> Launched:
    """Start a supervisor for the run and wait until the run is in the log.

    It may be called from any thread, also under a screen that has replaced stdout and stderr.

    Args:
        spec: what to run.
        prepare: done before the supervisor starts, while what takes longest is under way already.
        supervise: what a supervisor does with its arguments and the server that starts already: one of a caller without
            threads may be its fork.

    Raises:
        UsageError: the machine allows too few open files.
        TidalError: what the supervisor or its master found wrong; nothing is left running then.
    """
    if why := too_few_files(raise_files()):
        raise UsageError(why)
    folder = Path(tempfile.mkdtemp(prefix="launch-", dir=paths.logs_dir()))
    log_path = folder / "supervisor.log"
    named = named_by((spec.file, *spec.more_files)) if spec.file else ()
    with nursery(folder / "nursery.log", named, forks=supervise is not None) as line:
        server = _begun(spec) if supervise is not None else None
        try:
            prepare()
            supervisor = Child(
                python_argv("tidal.supervisor", str(folder)),
                log_path,
                line.env,
                answers_on_stdout=True,
                keep_fds=[*line.fds, *_lent(server)],
                entry=partial(supervise, [str(folder)], server) if supervise is not None else None,
            )
        except BaseException:
            if server is not None:
                server.stop()
            raise
    if server is not None:
        _leave_to(supervisor, server)
    try:
        supervisor.send(json.dumps(to_wire(spec)).encode() + b"\n")
        answer = _answer(supervisor, log_path)
    except BaseException:
        supervisor.terminate()
        supervisor.wait(spec.options.stop_timeout_ms / 1000 + 15)
        supervisor.stop(0)
        line.stop()
        raise
    if "error" in answer:
        supervisor.stop(30)
        line.stop()
        error = error_named(answer["error"], answer.get("message", ""))
        if type(error) is not TidalError:  # the operator's to mend; else the logs may tell more
            paths.remove_folder(folder)
        raise error
    line.let_go()
    supervisor.let_go()
    return Launched(
        answer["run"], answer["redis_url"], supervisor.pid, answer.get("tcp_url", ""), answer.get("warning", "")
    )


def tell_supervisor(run: str) -> None:
    """Tell whoever looks after the run on this machine now to stop it in order: it may be a successor."""
    entry = paths.local_run(run)
    if entry is not None and entry.supervisor_pid and entry.is_alive:
        with contextlib.suppress(OSError):
            os.kill(entry.supervisor_pid, signal.SIGTERM)


@contextlib.contextmanager
def stopped_by_ctrl_c(run: str) -> Iterator[None]:
    """A block in which nobody follows the run yet: a Ctrl-C leaves it, and the run is told to stop in order."""
    try:
        yield
    except KeyboardInterrupt:
        tell_supervisor(run)
        raise


@contextlib.contextmanager
def launching(
    spec: LaunchSpec,
    *,
    prepare: Callable[[], object] = lambda: None,
    supervise: Callable[[list[str], EmbeddedServer | None], int] | None = None,
) -> Iterator[Launched]:
    """Open a run that a console is to follow: `launch`, and a block in which nobody follows it yet.

    SIGTERM is another Ctrl-C until the end of the block: a job that is cancelled early leaves no load behind.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        launched = launch(spec, prepare=prepare, supervise=supervise)
        with stopped_by_ctrl_c(launched.run):
            yield launched
    finally:
        signal.signal(signal.SIGTERM, before)


def server_grace_s(spec: LaunchSpec) -> float:
    """How long the users of an embedded server may stay when its supervisor was killed."""
    return spec.options.stop_timeout_ms / 1000 + 5


def _begun(spec: LaunchSpec) -> EmbeddedServer | None:
    """The server of a supervisor that will be a fork of ours: it starts while that one's imports are under way."""
    from tidal.embedded import begin_server  # noqa: PLC0415 - other launches leave it to their supervisor

    if spec.redis_url is not None or not can_have_one() or not can_fork():
        return None
    return begin_server(spec.embedded_port, server_grace_s(spec))


def _lent(server: EmbeddedServer | None) -> list[int]:
    """What the supervisor needs of the server, if it will be a fork: another would keep the guard from ending."""
    return server.lend() if server is not None and can_fork() else []


def _leave_to(supervisor: Child, server: EmbeddedServer) -> None:
    """A supervisor that is no fork has a server of its own."""
    if supervisor.is_fork:
        server.let_go()
    else:
        server.stop()


class Line:
    """The way to a new nursery: none where it cannot be had.

    Attributes:
        fds: what is to be inherited by whoever may ask it for children.
        env: what tells them so.
    """

    def __init__(self, child: Child | None = None, fds: Sequence[int] = ()) -> None:
        self._child, self.fds = child, fds
        self.env = {NURSERY_FD: str(fds[0])} if fds else {}

    def let_go(self) -> None:
        """Leave it to those who inherited the way there: it ends when none of them is left."""
        if self._child is not None:
            self._child.let_go()

    def stop(self) -> None:
        """Wait for its end, when none of them is left; without patience."""
        if self._child is not None:
            self._child.stop(NURSERY_STOP_S)


@contextlib.contextmanager
def nursery(log_path: Path, named: Iterable[str] = (), *, forks: bool = False) -> Iterator[Line]:
    """A new nursery, for whoever is started in the block, with what a locustfile names (`tidal.nursery.named_in`).

    It is started before the supervisor, because it takes longest. With `forks` it may be a fork of this process, which
    then has one thread, and has imported neither gevent nor redis: the library is patched in the fork.
    """
    if not can_have_one():
        yield Line()
        return
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        argv = python_argv(MODULE, "--nursery", str(theirs.fileno()), *sorted(named))
        child = Child(argv, log_path, keep_fds=[theirs.fileno()], entry=partial(as_program, argv) if forks else None)
        theirs.close()
        yield Line(child, [ours.fileno()])


class Inspection:
    """What a locustfile holds, found out by a child, while others are connected to. To be closed.

    Args:
        file: its absolute path.
        root: the folder whose shape is shipped; "": the file's own.
        more_files: absolute paths of further locustfiles, below the root.
        words: of the command line, for the file's own arguments.
        options: the run's, for what changes the classes (tags, settings).

    Raises:
        NoSuchFile: there is no such file.
    """

    def __init__(
        self,
        file: str,
        *,
        root: str = "",
        more_files: tuple[str, ...] = (),
        words: tuple[str, ...] = (),
        options: RunOptions | None = None,
    ) -> None:
        self._path = path = Path(file)
        if not path.is_file():
            raise NoSuchFile(f"{path}: {'a folder, not a file' if path.is_dir() else 'no such file'}")
        self._top = top = Path(root) if root else path.parent
        wanted = replace(options or RunOptions(), classes=())  # all: what there is, not what is to run
        more = tuple(Path(name).relative_to(top).as_posix() for name in more_files)
        file_name = path.relative_to(top).as_posix()
        order = Load(str(top), file_name, wanted, side="inspect", more_files=more, words=words, cwd=here())
        self._folder = tempfile.TemporaryDirectory(prefix="inspect-", dir=paths.logs_dir())
        self._log_path = Path(self._folder.name) / "inspect.log"
        self._host = Child(python_argv("tidal.generator", "--hooks"), self._log_path)
        self._host.send(pack_message(order))

    def loaded(self) -> Loaded:
        """The answer: user classes, the file's own arguments, the files it needs.

        Raises:
            FileSyntaxError, FileImportError, NoUserClass, UnknownUserClass: what is wrong with it.
        """
        answer = _first_message(self._host, self._top, self._log_path)
        self._host.kill()  # it has nothing more to do
        if isinstance(answer, Loaded):
            return answer
        if isinstance(answer, NotLoaded):
            raise error_named(answer.error, answer.why)
        raise FileImportError(f"{self._path.name}: its host answered with {type(answer).__name__}")

    def awaited(self) -> Loaded:
        """The answer, with nothing to do meanwhile; closed then, whatever it is."""
        with contextlib.closing(self):
            return self.loaded()

    def close(self) -> None:
        """See to its end."""
        self._host.kill()
        self._host.stop(0)
        self._folder.cleanup()


def error_named(name: str, message: str) -> TidalError:
    """The error of `tidal.errors` with this name; a plain TidalError for a name that is not there."""
    kind = getattr(errors, name, TidalError)
    is_ours = isinstance(kind, type) and issubclass(kind, TidalError)
    return kind(message) if is_ours else TidalError(f"{name}: {message}")


def _answer(supervisor: Child, log_path: Path) -> dict[str, Any]:
    """The supervisor's one line."""
    line, end_s = b"", time.monotonic() + OPEN_S
    while not line.endswith(b"\n"):
        if not await_answers(supervisor, end_s):
            raise TidalError(f"the run was not opened within {OPEN_S:.0f} s: {last_words(log_path)}")
        line += supervisor.receive()
        if supervisor.ended or len(line) > LINE_BYTES_MAX:
            raise TidalError(f"the supervisor ended without a word: {last_words(log_path)}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _first_message(host: Child, root: Path, log_path: Path) -> Event:
    reader, end_s = PipeReader(), time.monotonic() + IMPORT_S
    while await_answers(host, end_s):
        try:
            messages = reader.feed(host.receive())
        except BadEntry as error:
            raise FileImportError(f"the locustfile's host spoke nonsense: {error}") from None
        if messages:
            return messages[0]
        if host.ended:
            raise import_died(host, root, log_path)
    raise import_took_long(root, log_path)


def await_answers(child: Child, end_s: float) -> bool:
    """Wait until there is something to receive, handing on what was not sent; False at the deadline."""
    while (left_s := end_s - time.monotonic()) > 0:
        readable, writable, _ = select.select([child.answers_fd], child.unread, [], left_s)
        if writable:
            child.flush()
        if readable:
            return True
    return False
