"""What the runner of a child process asks of the process around it: messages on the pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidal.generator.runners import NotSupported
from tidal.model.codec import MESSAGE_BYTES_MAX, BadEntry, pack_value, unpack_value
from tidal.model.events import TEXT_MAX
from tidal.model.pipe import Leave, Message, Steer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.generator.pipes import Pipes
    from tidal.generator.runners import Runner


class ChildPort:
    """The way out of a child: to its agent, or to the master.

    Args:
        pipes: the child's.
        report: sends what was measured now; None where nothing is measured.
        leaving: called when user code wants the end, before anybody is told.
        may_steer: whether this side sets the number of users.
    """

    def __init__(
        self,
        pipes: Pipes,
        *,
        report: Callable[[], None] | None = None,
        leaving: Callable[[], None] | None = None,
        may_steer: bool = False,
    ) -> None:
        self._pipes, self._report, self._leaving, self._may_steer = pipes, report, leaving, may_steer

    def send_message(self, msg_type: str, data: Any, client_id: str | None) -> None:
        """Send a custom message; ValueError for one that cannot travel."""
        packed = pack_value(data)
        if len(packed) > MESSAGE_BYTES_MAX:
            raise ValueError(f"message {msg_type!r} has {len(packed)} bytes; at most {MESSAGE_BYTES_MAX} travel")
        self._pipes.answer(Message(str(msg_type), packed, client_id or ""))

    def start(self, users: int, spawn_rate: float, classes: tuple[str, ...]) -> None:
        """Have so many users from now on."""
        if not self._may_steer:
            raise NotSupported("runner.start() on a worker: the number of users is set on the master")
        self._pipes.answer(Steer(users, float(spawn_rate), classes, "user code"))

    def leave(self, why: str) -> None:
        """End the run."""
        self._pipes.answer(Leave(why[:TEXT_MAX]))
        if self._leaving is not None:
            self._leaving()

    def report(self) -> None:
        """Send what was measured now."""
        if self._report is not None:
            self._report()


def deliver(runner: Runner, message: Message, sender: str) -> None:
    """Hand a custom message to user code's listener; what cannot be read is dropped."""
    try:
        data = unpack_value(message.data)
    except BadEntry:
        return
    runner.deliver(message.type, data, sender)
