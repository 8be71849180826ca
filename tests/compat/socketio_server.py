"""A Socket.IO server on the port that its argument says: it refuses who has a wrong password, answers and shouts back."""

import sys

import socketio
from werkzeug.serving import run_simple

server = socketio.Server(async_mode="threading")


@server.event
def connect(sid, environ, auth):
    if auth and auth.get("password") == "wrong":
        raise socketio.exceptions.ConnectionRefusedError("wrong password")


@server.event
def add(sid, numbers):
    return sum(numbers)


@server.event
def shout(sid, text):
    server.emit("heard", text.upper(), to=sid)


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), socketio.WSGIApp(server), threaded=True)
