"""One request on one connection, and a body that is read after its head."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tidal.generator.fast_body import blocks_of
from tidal.generator.fast_client import RECEIVE_BYTES, RECEIVE_BYTES_MAX
from tidal.generator.fast_parse import AnswerParser, HTTPConnectionClosed, HTTPParseError

if TYPE_CHECKING:
    from tidal.generator.fast_client import Connection
    from tidal.generator.fast_pool import Host

DRAIN_BYTES_MAX = 65_536
IDEMPOTENT = frozenset(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"])


def ask(host: Host, method: str, data: bytes, body: Any = None, *, is_chunked: bool = False) -> tuple[Any, Any]:
    """Send a request and wait for the head of its answer.

    A connection that was kept alive may have been closed by the server meanwhile: the request is then sent once more,
    on another one, if it may be (RFC 9110, 9.2.2).

    Returns:
        The answer, and the stream of the rest of its body (None when all came with the head).
    """
    while True:
        connection = host.take()
        answer: AnswerParser | None = None
        try:
            answer = _begun(connection, method, data, body, is_chunked=is_chunked)
            if not answer.status:
                _await_head(connection, answer)
        except (HTTPConnectionClosed, OSError):
            has_begun = answer is not None and answer.has_begun
            may_repeat = connection.served and not has_begun and body is None and method in IDEMPOTENT
            is_cut = connection.is_cut
            host.drop(connection)
            if may_repeat and is_cut:
                continue
            raise
        except BaseException:
            host.drop(connection)
            raise
        if not answer.is_complete:
            return answer, Stream(host, connection, answer)
        if answer.keep_alive:
            host.give(connection)
        else:
            host.drop(connection)
        return answer, None


def _begun(connection: Connection, method: str, data: bytes, body: Any, *, is_chunked: bool) -> AnswerParser:
    """Send the request; the answer, as far as it came with its first bytes."""
    try:
        connection.send(data)
        if body is not None:
            _send_body(connection, body, is_chunked=is_chunked)
    except (BrokenPipeError, ConnectionResetError):
        connection.is_cut = True
        early = AnswerParser(method)
        if not _answered_early(connection, early):
            raise
        return early
    try:
        received = connection.receive(RECEIVE_BYTES)
    except ConnectionResetError as error:
        connection.is_cut = True
        raise HTTPConnectionClosed("connection closed.") from error
    if not received:
        connection.is_cut = True
        raise HTTPConnectionClosed("connection closed.")
    answer = AnswerParser.fed(method, received)
    answer.delay_s = connection.delay_s
    return answer


def _await_head(connection: Connection, answer: AnswerParser) -> None:
    try:
        while not answer.status:
            _feed(connection, answer, RECEIVE_BYTES)
    except HTTPConnectionClosed:
        connection.is_cut = True
        raise
    except ConnectionResetError as error:
        connection.is_cut = True
        if answer.has_begun:
            raise
        raise HTTPConnectionClosed("connection closed.") from error


def _feed(connection: Connection, answer: AnswerParser, most: int) -> None:
    received = connection.receive(most)
    if received:
        answer.delay_s = connection.delay_s
        answer.feed(received)
    else:
        answer.keep_alive = False
        answer.end()


def _send_body(connection: Connection, body: Any, *, is_chunked: bool) -> None:
    for block in blocks_of(body):
        connection.send(b"%x\r\n%b\r\n" % (len(block), block) if is_chunked else block)
    if is_chunked:
        connection.send(b"0\r\n\r\n")


def _answered_early(connection: Connection, answer: AnswerParser) -> bool:
    """Whether the server, before it closed the connection, said why it would not take the request."""
    with suppress(OSError, HTTPParseError):
        while not answer.status:
            _feed(connection, answer, RECEIVE_BYTES)
        answer.keep_alive = False
        return True
    return False


class Stream:
    """The rest of a body, on the connection that it comes by; who drops it closes the connection."""

    __slots__ = ("_answer", "_connection", "_held", "_host")

    def __init__(self, host: Host, connection: Connection, answer: AnswerParser) -> None:
        self._host = host
        self._connection: Connection | None = connection
        self._answer = answer
        self._held = b""  # received, and more than was asked for

    def __repr__(self) -> str:
        return f"<Stream of {self._host!r}{'' if self._connection else ', over'}>"

    def __del__(self) -> None:
        self.release(is_collected=True)

    def read_all(self) -> None:
        """Let everything come; it is the answer's then."""
        while self._more():
            pass
        if self._held:
            raise ValueError("a part of this body was read already: read on, or ask for the whole at first")

    def read(self, most: int | None = None) -> bytes:
        """Up to `most` bytes, as soon as there are any; b"" at the end."""
        if most is None:
            self.read_all_held()
            data, self._held = self._held, b""
            return data
        data = self._held or self._answer.take()
        while not data and self._more():
            data = self._answer.take()
        self._held = data[most:]
        return data[:most]

    def read_all_held(self) -> None:
        """Let everything come; it is held here."""
        while self._more():
            pass
        self._held += self._answer.take()

    def _more(self) -> bool:
        """Wait for more of the body; False when all came."""
        connection, answer = self._connection, self._answer
        if connection is None or answer.is_complete:
            self.release()
            return False
        wanted = answer.wanted
        most = RECEIVE_BYTES if wanted is None else max(RECEIVE_BYTES, min(wanted, RECEIVE_BYTES_MAX))
        try:
            _feed(connection, answer, most)
        except BaseException:
            self.release()
            raise
        if answer.is_complete:  # `_feed` may have brought the rest
            self.release()  # type: ignore[unreachable]
        return True

    def drain(self) -> None:
        """Be done with a body that nobody wants: read it if it is short, so that its connection can serve on."""
        wanted = self._answer.wanted
        if wanted is not None and wanted <= DRAIN_BYTES_MAX:
            with suppress(OSError, HTTPParseError):
                while self._more():
                    pass
        self.release()

    def release(self, *, is_collected: bool = False) -> None:
        """Give the connection back, or close it when the body did not end."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._answer.is_complete and self._answer.keep_alive:
            self._host.give(connection)
        elif is_collected:  # the loop must do it: the collector runs in whatever thread it likes
            with suppress(Exception):
                connection.hub.loop.run_callback_threadsafe(self._host.drop, connection)
        else:
            self._host.drop(connection)
