"""A Socket.IO server on the port of its argument: it refuses who has a wrong password, answers and shouts back."""

import sys

import socketio
from werkzeug.serving import run_simple

server = socketio.Server(async_mode="threading")


@server.event
def connect(sid: str, environ: object, auth: dict[str, str] | None) -> None:
    """Somebody comes."""
    if auth and auth.get("password") == "wrong":
        raise socketio.exceptions.ConnectionRefusedError("wrong password")


@server.event
def add(sid: str, numbers: list[int]) -> int:
    """Answers."""
    return sum(numbers)


@server.event
def shout(sid: str, text: str) -> None:
    """Says something by itself."""
    server.emit("heard", text.upper(), to=sid)


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), socketio.WSGIApp(server), threaded=True)
