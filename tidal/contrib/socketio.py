"""Users that speak Socket.IO: `self.sio` is python-socketio's client, and what it does is counted.

| type | when | name | time |
|---|---|---|---|
| WS | `connect` | connect | of the connecting |
| WSE | `emit` | the event | 0: nothing answers |
| WSS | `send` | the `name` given | 0 |
| WSC | `call` | the event | until the acknowledgement |
| WSR | an event comes that has no handler of its own | the event | 0 |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import gevent

from tidal.contrib import missing
from tidal.users import User

try:
    import socketio
except ImportError as error:
    raise missing("SocketIOUser", "python-socketio", "socketio", error) from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.hooks import EventHook


class SocketIOClient(socketio.Client):  # type: ignore[misc] # python-socketio has no types
    """python-socketio's client, counting."""

    def __init__(self, request_event: EventHook, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request_event = request_event

    def connect(self, *args: Any, **kwargs: Any) -> None:
        """Connect; a failure is counted and not raised."""
        with self.request_event.measure("WS", "connect"):
            super().connect(*args, **kwargs)

    def send(self, data: Any, namespace: str | None = None, callback: Any = None, name: str = "Unnamed") -> None:
        """Send a message; a failure is counted and not raised."""
        self._count("WSS", name, data, lambda: super(SocketIOClient, self).send(data, namespace, callback))

    def emit(self, event: str, data: Any = None, namespace: str | None = None, callback: Any = None) -> None:
        """Emit an event; a failure is counted and not raised."""
        self._count("WSE", str(event), data, lambda: super(SocketIOClient, self).emit(event, data, namespace, callback))

    def call(self, event: str, data: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Emit an event and wait for its acknowledgement, which is returned; None when that failed."""
        answer = None
        with self.request_event.measure("WSC", event):
            answer = super().call(event, data, *args, **kwargs)
        return answer  # noqa: RET504 - None when measure kept what the block raised

    def on_message(self, event: str, data: Any = None, *_: Any) -> None:
        """Count an event for which the file has no handler; `self.sio.on(event, handler)` gives it one."""
        self._count("WSR", event, data)

    def _count(self, request_type: str, name: str, data: Any, act: Callable[[], Any] | None = None) -> None:
        trouble = None
        try:
            if act:
                act()
        except Exception as error:  # noqa: BLE001 - whatever the network brings is the sample's failure
            trouble = error
        self.request_event.fire(
            request_type=request_type,
            name=name,
            response_time=0,
            response_length=_length(data),
            exception=trouble,
            context={},
        )


def _length(data: Any) -> int:
    return len(data) if hasattr(data, "__len__") else 0


class SocketIOUser(User):
    """A user with a Socket.IO client.

    Attributes:
        options: the client's own, such as `{"reconnection_attempts": 1, "logger": True}`.
        sio: the client; the file connects it, and is best to disconnect it in `on_stop`.
    """

    abstract = True
    options: ClassVar[dict[str, Any]] = {}
    sio: SocketIOClient

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sio = SocketIOClient(self.environment.events.request, **self.options)
        self.sio_greenlet = gevent.spawn(self.sio.wait)
        self.sio.on("*", self.sio.on_message)

    def run(self) -> None:
        """Live, and leave no connection behind that would go on receiving."""
        try:
            super().run()
        finally:
            gevent.spawn(_let_go, self.sio, self.sio_greenlet)


def _let_go(client: SocketIOClient, waiter: Any) -> None:
    waiter.kill(block=False)
    client.shutdown()
