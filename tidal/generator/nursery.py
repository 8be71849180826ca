"""`python -m tidal.generator --nursery FD [NAMED]`: generators and hook hosts of a local run are forks of this process.

It imports what they all need and then waits for orders on a socket (`tidal.nursery` says what they look like and why).
It has no event loop, no threads, no user code and no way to Redis, so that a fork of it is a fresh process: the loop is
made in the child. In the child `serve` returns, and `__main__` goes on as if it had been started with those arguments.

It lives as long as somebody holds the other end of the socket or a child runs. A status pipe whose reader is gone means
that the child's parent is: the child is killed, even one that is deaf to its lifeline.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from typing import TYPE_CHECKING, Any

import gevent
from gevent import monkey

from tidal import compat
from tidal.forks import take_over
from tidal.generator.plugins import NAME as PLUGINS
from tidal.nursery import FAST, HTTP, LOCUST, NURSERY_FD
from tidal.preflight import raise_files
from tidal.process import ANSWER_FD, PARENT_PID
from tidal.uncollected import uncollected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ORDER_BYTES_MAX = 1 << 18
FDS = 5
"""What comes with an order: stdin, stdout, stderr, the answers' and the status pipe."""
POLLHUP, POLLIN, POLLERR = select.POLLHUP, select.POLLIN, select.POLLERR


class Ward:
    """A child with its status pipe: not reaped before the reader has let go of that."""

    def __init__(self, pid: int, status_fd: int) -> None:
        self.pid, self.status_fd = pid, status_fd
        self.pid_fd = os.pidfd_open(pid)
        self.has_ended = self.is_let_go = False

    def ended(self) -> None:
        """Say its exit code."""
        self.has_ended = True
        found = os.waitid(os.P_PIDFD, self.pid_fd, os.WEXITED | os.WNOWAIT)
        if found is not None and not self.is_let_go:
            code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
            with contextlib.suppress(BrokenPipeError):
                os.write(self.status_fd, b"%d\n" % code)
        os.close(self.pid_fd)

    def let_go(self) -> None:
        """Its parent has heard the exit code, or is gone: then the child has to go, too."""
        self.is_let_go = True
        if not self.has_ended:
            signal.pidfd_send_signal(self.pid_fd, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):  # it had no session of its own yet
                os.killpg(self.pid, signal.SIGKILL)
        os.close(self.status_fd)


class Nursery:
    """The loop of the process.

    Args:
        line: the socket that orders come on.
        afterwards: called once, when the first order is obeyed.
    """

    def __init__(self, line: Any, afterwards: Callable[[], object]) -> None:
        self._line: Any = line
        self._afterwards: Callable[[], object] | None = afterwards
        self._poll = monkey.get_original("select", "poll")()
        self._poll.register(line.fileno(), POLLIN)
        self._wards: dict[int, Ward] = {}  # by the number of the descriptor that tells of it

    def serve(self) -> list[str] | None:
        """The arguments of a child, in that child; None in the nursery itself, when nobody needs it any more."""
        while self._line is not None or self._wards:
            for fd, _ in self._poll.poll():
                if self._line is not None and fd == self._line.fileno():
                    arguments = self._take_order()
                    if arguments is not None:
                        return arguments
                    self._go_on()
                elif fd in self._wards:
                    self._attend(fd, self._wards.pop(fd))
        return None

    def _go_on(self) -> None:
        if self._afterwards is not None:
            self._afterwards()
            self._afterwards = None

    def _attend(self, fd: int, ward: Ward) -> None:
        self._poll.unregister(fd)
        if fd == ward.pid_fd:
            ward.ended()
        else:
            ward.let_go()
        if ward.has_ended and ward.is_let_go:
            os.waitpid(ward.pid, 0)

    def _take_order(self) -> list[str] | None:
        data, fds, _, _ = socket.recv_fds(self._line, ORDER_BYTES_MAX, FDS)
        if not data:
            self._poll.unregister(self._line.fileno())
            self._line.close()
            self._line = None
            return None
        order = json.loads(data)
        parent = os.getpid()
        pid = monkey.get_original("os", "fork")()
        if pid == 0:
            self._line.detach()  # a socket that is thrown away would close a number that is another's by then
            return _become(order, fds, parent)
        for fd in fds[:-1]:
            os.close(fd)
        self._watch(Ward(pid, fds[-1]))
        return None

    def _watch(self, ward: Ward) -> None:
        self._poll.register(ward.pid_fd, POLLIN)
        self._poll.register(ward.status_fd, 0)  # POLLERR, once nobody reads, is always told
        self._wards |= {ward.pid_fd: ward, ward.status_fd: ward}


def _become(order: dict[str, Any], fds: Sequence[int], parent: int) -> list[str]:
    """In the child: be the process that was asked for, with nothing of the nursery's."""
    *stdio, answers, status = fds
    os.environ.update(order["env"])
    os.environ.update({ANSWER_FD: str(answers), PARENT_PID: str(parent)})
    os.environ.pop(NURSERY_FD, None)
    take_over(order["argv"], stdio, [answers, status])
    os.write(status, b"%d\n" % os.getpid())  # now it can be killed as a session
    os.close(status)
    if order["cwd"]:
        os.chdir(order["cwd"])
    sys.argv[1:] = order["argv"][4:]
    return sys.argv[1:]


SHARED = ("tidal.generator.hookhost", "tidal.generator.main", "tidal.fastuser")
"""What all its children import."""
NAMED = {
    HTTP: ("tidal.generator.http",),
    FAST: ("tidal.generator.fasthttp",),
    LOCUST: (
        "tidal.markov",
        "tidal.outputs.locust_csv",
        "locust.argument_parser",
        "locust.env",
        "locust.runners",
        "locust.stats",
        "locust.user.task",
        "locust.user.wait_time",
    ),
}
"""What they import when the locustfile names it (`tidal.nursery.named_in`): half of the time of a start."""
AFTERWARDS = {FAST: ("tidal.generator.fast_cookies",)}
"""What their users may need, imported after the first order: that is for a look at the file, which needs none of it."""


def prepare(named: Iterable[str]) -> None:
    """Import what all need, and what this locustfile names."""
    compat.install(patch=False)
    _import(chain(SHARED, *(NAMED[what] for what in _wanted(named))))


def _prepare_more(named: Iterable[str]) -> None:
    _import(chain(*(AFTERWARDS.get(what, ()) for what in _wanted(named))))


def _wanted(named: Iterable[str]) -> list[str]:
    return sorted({*named, *([LOCUST] if find_spec(PLUGINS) else [])} & NAMED.keys())


def _import(names: Iterable[str]) -> None:
    with uncollected(stays=True):  # the collector does not touch what is shared, so that it stays shared
        for name in names:
            import_module(name)


def serve(fd: int, named: Iterable[str]) -> list[str] | None:
    """Be the nursery at a socket; returns in each child, with its arguments, and at the end with None."""
    line = monkey.get_original("socket", "socket")(fileno=fd)
    line.settimeout(None)
    raise_files()  # an agent does so for itself, and those that it starts have its limits
    gevent.get_hub().destroy(destroy_loop=True)  # urllib3 makes one as it is imported: it tries IPv6 out
    gc.freeze()
    return Nursery(line, partial(_prepare_more, named)).serve()
