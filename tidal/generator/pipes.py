"""A gevent child's two pipes and its lifeline.

Orders come on stdin, answers go to the descriptor in TIDAL_ANSWER_FD. Both are moved out of the reach of user code:
its stdin is /dev/null, its children inherit neither, and what it prints goes wherever stdout and stderr went.

End of file on stdin means that the agent is gone: an OS thread of our own waits for that, beside the event loop, so
that a user who burns CPU or blocks cannot outlive the agent either.
"""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING

import gevent
import gevent.os
from gevent import monkey
from gevent.lock import BoundedSemaphore

from tidal.model.codec import PipeReader, pack_message
from tidal.process import ANSWER_FD, answer_fd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.events import Event

READ_BYTES = 1 << 18
GRACE_MS = 2_000


class Pipes:
    """Orders in, answers out, cooperatively."""

    def __init__(self) -> None:
        self._orders = _take_stdin()
        self._answers = answer_fd()
        del os.environ[ANSWER_FD]
        for fd in (self._orders, self._answers):
            os.set_inheritable(fd, False)  # noqa: FBT003 - the signature of os
            os.set_blocking(fd, False)
        os.register_at_fork(after_in_child=self._forget)
        self._lock = BoundedSemaphore()
        self.may_end = False  # the work is done: the end of file is a farewell, not an accident

    def watch_lifeline(self) -> None:
        """Exit the process when the agent closes its end or dies; soon after it when the work is done."""
        start_thread = monkey.get_original("_thread", "start_new_thread")
        poll = monkey.get_original("select", "poll")()
        poll.register(self._orders, 0)  # hang-up is always told
        start_thread(self._wait_for_hangup, (poll,))

    def _wait_for_hangup(self, poll: select.poll) -> None:
        poll.poll()
        if self.may_end:
            poll.unregister(self._orders)
            poll.poll(GRACE_MS)
        os._exit(0)

    def orders(self) -> Iterator[Event]:
        """The orders as they come, until the end of file."""
        reader = PipeReader()
        while data := gevent.os.nb_read(self._orders, READ_BYTES):
            yield from reader.feed(data)

    def has_orders(self) -> bool:
        """Whether orders wait to be read: the agent was not silent, we were busy."""
        poll = monkey.get_original("select", "poll")()
        poll.register(self._orders, select.POLLIN)
        return bool(poll.poll(0))

    def answer(self, message: Event) -> None:
        """Send one answer, waiting while the pipe is full; ends the process when nobody is there to read it."""
        data = memoryview(pack_message(message))
        try:
            with self._lock:
                while data:
                    data = data[gevent.os.nb_write(self._answers, data) :]
        except BrokenPipeError:
            os._exit(0)

    def _forget(self) -> None:
        """In a fork of user code's: the pipes are not its business."""
        for fd in (self._orders, self._answers):
            os.close(fd)


def _take_stdin() -> int:
    """Move stdin to a descriptor of our own and put /dev/null in its place."""
    orders = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - descriptor 0, for as long as we live
    return orders
