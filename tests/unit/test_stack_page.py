"""What a user of `FastHttpUser` may cost in memory: how deep its calls go on Python's own stack."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from gevent.event import Event
from gevent.pool import Group
from gevent.queue import Queue
from odd_server import OddServer

from tidal import FastHttpUser
from tidal.generator.environment import Environment
from tidal.hooks import Events

if TYPE_CHECKING:
    from types import FrameType

PAGE_BYTES = 4_096
BEGUN_BYTES = 24
"""What Python notes at the beginning of the first page."""
FRAME_WORDS = 10
"""What a frame takes besides its variables and values, at most, in Python 3.11 to 3.14."""


def stack_bytes(frame: FrameType | None) -> tuple[int, str]:
    """What the calls up to a frame take of the stack, and who made the first of them."""
    size, first = 0, ""
    while frame is not None:
        code = frame.f_code
        variables = len({*code.co_varnames, *code.co_cellvars}) + len(code.co_freevars)
        size += 8 * (variables + code.co_stacksize + FRAME_WORDS)
        frame, first = frame.f_back, code.co_name
    return size, first


def test_a_request_and_its_connection_need_one_page() -> None:
    """The next page would be touched once and never be given back: a quarter of what a connected user takes."""
    server = OddServer()
    deepest: dict[str, tuple[int, str]] = {}

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            size, first = stack_bytes(frame)
            deepest[first] = max(deepest.get(first, (0, "")), (size, frame.f_code.co_qualname))

    done: Queue[int] = Queue()
    over = Event()

    def get(user: Any) -> None:
        done.put(user.client.get("/json").status_code)
        over.wait()

    class Visitor(FastHttpUser):
        host = server.url
        tasks = [get]  # noqa: RUF012 - as files write it

    made, users = Environment(user_classes=[Visitor], events=Events()), Group()
    for turn in (1, 2):  # the first one imports, and fills what is kept for all
        if turn == 2:
            sys.setprofile(look)
        try:
            Visitor(made).start(users)
            assert done.get(timeout=60) == 200
        finally:
            sys.setprofile(None)
    users.kill()
    server.close()
    assert server.connections == 2
    assert "_run_user" in deepest
    assert deepest["_run_user"] < (PAGE_BYTES - BEGUN_BYTES, ""), deepest["_run_user"]
