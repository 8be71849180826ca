"""A Redis of some hundred lines, in virtual time: what tidal's bus asks for, and the faults that a network has.

It stands below the real `tidal.bus.Bus`, which so runs as it is, with its WATCH and its errors; `tests/contract` holds
it to the same promises as a real server. Nothing here waits, and nothing is random: time is what the caller says.
"""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING, Any, Self

from redis import exceptions as rx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Id = tuple[int, int]
WRITES = frozenset(
    {"XADD", "SET", "DEL", "UNLINK", "PEXPIRE", "HSET", "HDEL", "SADD", "SREM", "XTRIM", "XDEL", "XSETID"}
)


GROWS = frozenset({"XADD", "SET", "HSET", "SADD", "RPUSH"})
"""What a server without room refuses; of a transaction it takes nothing then."""


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return str(value).encode()


def _id(text: Any, default: int = 0) -> Id:
    ms, _, seq = (text.decode() if isinstance(text, bytes) else str(text)).partition("-")
    return int(ms), int(seq) if seq else default


def _shown(entry_id: Id) -> bytes:
    return b"%d-%d" % entry_id


class Stream:
    """Entries in order, and the id that was given out last."""

    def __init__(self) -> None:
        self.entries: list[tuple[Id, dict[bytes, bytes]]] = []
        self.last: Id = (0, 0)

    def __copy__(self) -> Stream:
        made = Stream()
        made.entries, made.last = list(self.entries), self.last
        return made

    def add(self, now_ms: int, fields: dict[bytes, bytes], given: Id | None = None) -> Id:
        """Append under a given id or the next one: ids rise even when the clock does not."""
        ms, seq = self.last
        self.last = given or ((now_ms, 0) if now_ms > ms else (ms, seq + 1))
        self.entries.append((self.last, fields))
        return self.last

    def after(self, cursor: Id, count: int | None) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """Entries after an id, at most `count`."""
        low, high = 0, len(self.entries)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.entries[middle][0] <= cursor else (low, middle)
        end = None if count is None else low + count
        return [(_shown(i), f) for i, f in self.entries[low:end]]


class TinyServer:
    """The data, and the clock.

    Args:
        now_us: Redis time in µs.
    """

    def __init__(self, now_us: Callable[[], int]) -> None:
        self.now_us = now_us
        self.data: dict[str, Any] = {}
        self.expires_ms: dict[str, int] = {}
        self.stamps: dict[str, int] = {}
        self.is_down = self.is_full = False
        self.between: Callable[[], None] | None = None  # what happens before the next exchange that somebody begins
        self.births = 0  # of the server's process: connections to an earlier one are broken
        self.turn = threading.RLock()  # one exchange at a time, as in a server's one thread

    @property
    def is_well(self) -> bool:
        """Whether it takes what it is given."""
        return not self.is_down and not self.is_full

    @property
    def now_ms(self) -> int:
        """Redis time in ms."""
        return self.now_us() // 1000

    def snapshot(self) -> tuple[dict[str, Any], dict[str, int]]:
        """What a disk has of it."""
        return {key: copy.copy(value) for key, value in self.data.items()}, dict(self.expires_ms)

    def restore(self, snapshot: tuple[dict[str, Any], dict[str, int]]) -> None:
        """Come back with what the disk had, as another process: every connection breaks once."""
        self.births += 1
        self.data = {key: copy.copy(value) for key, value in snapshot[0].items()}
        self.expires_ms = dict(snapshot[1])
        for key in list(self.stamps):
            self.stamps[key] += 1

    def interrupt(self) -> None:
        """Before an exchange: others may be quicker."""
        between, self.between = self.between, None
        if between is not None:
            between()

    def find(self, key: str, kind: type[Any] | tuple[type[Any], ...]) -> Any:
        """The value of a key, None when there is none; a refusal when it is of another type."""
        if key in self.expires_ms and self.expires_ms[key] <= self.now_ms:
            self.remove(key)
        value = self.data.get(key)
        if value is not None and not isinstance(value, kind):
            raise rx.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
        return value

    def put(self, key: str, value: Any) -> Any:
        """Write a key whole."""
        self.data[key] = value
        self.touch(key)
        return value

    def touch(self, key: str) -> None:
        """Whoever watches this key sees that it changed."""
        self.stamps[key] = self.stamps.get(key, 0) + 1

    def remove(self, key: str) -> int:
        """Delete a key: how many there were."""
        self.expires_ms.pop(key, None)
        if self.data.pop(key, None) is None:
            return 0
        self.touch(key)
        return 1

    def do(self, name: str, arguments: Sequence[Any]) -> Any:
        """One command."""
        method = getattr(self, "do_" + name.lower(), None)
        if method is None:
            raise rx.ResponseError(f"unknown command '{name}'")
        return method(*arguments)

    # ------------------------------------------------------------------ commands

    def do_ping(self) -> bool:
        """PING."""
        return True

    def do_time(self) -> tuple[int, int]:
        """TIME."""
        return divmod(self.now_us(), 1_000_000)

    def do_info(self, *_: Any) -> dict[str, Any]:
        """INFO: a version and nothing else."""
        return {"redis_version": "7.0.0", "run_id": "tiny"}

    def do_get(self, key: str) -> bytes | None:
        """GET."""
        value: bytes | None = self.find(key, bytes)
        return value

    def do_mget(self, *keys: str) -> list[bytes | None]:
        """MGET."""
        return [self.find(key, bytes) for key in keys]

    def do_set(self, key: str, value: Any, *how: Any) -> bool | None:
        """SET with PX and NX."""
        words = [str(word).upper() for word in how]
        if "NX" in words and self.find(key, object) is not None:
            return None
        self.put(key, _bytes(value))
        self.expires_ms.pop(key, None)
        if "PX" in words:
            self.expires_ms[key] = self.now_ms + int(how[words.index("PX") + 1])
        return True

    def do_del(self, *keys: str) -> int:
        """DEL."""
        return sum(self.remove(key) for key in keys)

    do_unlink = do_del

    def do_exists(self, *keys: str) -> int:
        """EXISTS."""
        return sum(self.find(key, object) is not None for key in keys)

    def do_pexpire(self, key: str, ttl_ms: int) -> int:
        """PEXPIRE."""
        if self.find(key, object) is None:
            return 0
        self.expires_ms[key] = self.now_ms + int(ttl_ms)
        self.touch(key)
        return 1

    def do_pttl(self, key: str) -> int:
        """PTTL."""
        if self.find(key, object) is None:
            return -2
        return self.expires_ms[key] - self.now_ms if key in self.expires_ms else -1

    def do_rpush(self, key: str, *values: Any) -> int:
        """RPUSH: a key of another type."""
        found = self.find(key, list) or self.put(key, [])
        found.extend(map(_bytes, values))
        return len(found)

    def do_sadd(self, key: str, *members: Any) -> int:
        """SADD."""
        found = self.find(key, set) or self.put(key, set())
        before = len(found)
        found.update(map(_bytes, members))
        self.touch(key)
        return len(found) - before

    def do_srem(self, key: str, *members: Any) -> int:
        """SREM."""
        found = self.find(key, set) or set()
        gone = found & set(map(_bytes, members))
        found -= gone
        return len(gone)

    def do_smembers(self, key: str) -> set[bytes]:
        """SMEMBERS."""
        return set(self.find(key, set) or ())

    def do_hset(self, key: str, *pairs: Any) -> int:
        """HSET."""
        found = self.find(key, dict) or self.put(key, {})
        new = {_bytes(name): _bytes(value) for name, value in zip(pairs[::2], pairs[1::2], strict=True)}
        added = len(new.keys() - found.keys())
        found.update(new)
        self.touch(key)
        return added

    def do_hdel(self, key: str, *names: Any) -> int:
        """HDEL."""
        found = self.find(key, dict) or {}
        return sum(found.pop(_bytes(name), None) is not None for name in names)

    def do_hget(self, key: str, name: Any) -> bytes | None:
        """HGET."""
        found: dict[bytes, bytes] = self.find(key, dict) or {}
        return found.get(_bytes(name))

    def do_hgetall(self, key: str) -> dict[bytes, bytes]:
        """HGETALL."""
        return dict(self.find(key, dict) or {})

    def do_hkeys(self, key: str) -> list[bytes]:
        """HKEYS."""
        return list(self.find(key, dict) or {})

    def do_xadd(self, key: str, fields: dict[Any, Any], given: str = "*") -> bytes:
        """XADD with the next id, or with a given one that is greater than all before."""
        stream = self.find(key, Stream) or self.put(key, Stream())
        if given != "*" and _id(given) <= stream.last:
            raise rx.ResponseError("The ID specified in XADD is equal or smaller than the target stream top item")
        self.touch(key)
        plain = {_bytes(k): _bytes(v) for k, v in fields.items()}
        return _shown(stream.add(self.now_ms, plain, None if given == "*" else _id(given)))

    def do_xsetid(self, key: str, last: str) -> bool:
        """XSETID."""
        stream = self.find(key, Stream)
        if stream is None:
            raise rx.ResponseError("no such key")
        stream.last = max(stream.last, _id(last))
        return True

    def do_xread(self, positions: dict[str, Any], count: int | None) -> list[Any]:
        """XREAD; nobody waits here."""
        found = [(key, self.find(key, Stream)) for key in positions]
        answers = [(key.encode(), s.after(_id(positions[key]), count)) for key, s in found if s is not None]
        return [[key, entries] for key, entries in answers if entries]

    def do_xrange(self, key: str, low: str, high: str, count: int | None) -> list[Any]:
        """XRANGE, open below where the bracket says so."""
        stream = self.find(key, Stream) or Stream()
        first = (0, -1) if low == "-" else _id(low.lstrip("("))
        last = (1 << 62, 0) if high == "+" else _id(high.lstrip("("), 1 << 62)
        is_open = low.startswith("(")
        inside = [e for e in stream.entries if (e[0] > first if is_open else e[0] >= first) and e[0] <= last]
        return [(_shown(i), f) for i, f in inside[:count]]

    def do_xrevrange(self, key: str, high: str, low: str, count: int | None) -> list[Any]:
        """XREVRANGE."""
        return list(reversed(self.do_xrange(key, low, high, None)))[:count]

    def do_xlen(self, key: str) -> int:
        """XLEN."""
        return len((self.find(key, Stream) or Stream()).entries)

    def do_xdel(self, key: str, *ids: Any) -> int:
        """XDEL."""
        stream, gone = self.find(key, Stream) or Stream(), set(map(_id, ids))
        before = len(stream.entries)
        stream.entries = [e for e in stream.entries if e[0] not in gone]
        return before - len(stream.entries)

    def do_xtrim(self, key: str, minid: Any) -> int:
        """XTRIM MINID."""
        stream, first = self.find(key, Stream) or Stream(), _id(minid)
        before = len(stream.entries)
        stream.entries = [e for e in stream.entries if e[0] >= first]
        return before - len(stream.entries)

    def do_xinfo(self, what: str, key: str) -> dict[str, Any]:
        """XINFO STREAM: the last id, how many there are, the first and the last."""
        del what
        stream = self.find(key, Stream)
        if stream is None:
            raise rx.ResponseError("no such key")
        ends = {"first-entry": stream.entries[:1], "last-entry": stream.entries[-1:]}
        shown = {name: (_shown(e[0][0]), e[0][1]) if e else None for name, e in ends.items()}
        return {"last-generated-id": _shown(stream.last), "length": len(stream.entries), **shown}


class Wire:
    """One process's way to the server, and what is wrong with it.

    Attributes:
        is_cut: no packet passes.
        loses: what becomes of the next exchange that writes: "", "request" (it never arrived), "reply" (it happened,
            nobody heard), "half" (of a batch that is no transaction the first half happened).
    """

    def __init__(self, server: TinyServer) -> None:
        self.server = server
        self.is_cut = False
        self.loses = ""
        self._births = {"": server.births}  # of the server that each connection was made to

    def exchange(self, commands: Sequence[tuple[str, Sequence[Any]]], *, is_atomic: bool, line: str = "") -> list[Any]:
        """Send commands, get their answers; ConnectionError or TimeoutError as redis-py has them."""
        with self.server.turn:
            return self._exchange(commands, is_atomic=is_atomic, line=line)

    def _exchange(self, commands: Sequence[tuple[str, Sequence[Any]]], *, is_atomic: bool, line: str) -> list[Any]:
        if self.is_cut or self.server.is_down:
            raise rx.ConnectionError("Connection refused.")
        if self._births.setdefault(line, self.server.births) != self.server.births:
            self._births[line] = self.server.births
            raise rx.ConnectionError("Connection closed by server.")
        loses = ""
        if self.loses and any(name in WRITES for name, _ in commands):
            loses, self.loses = self.loses, ""
        if loses == "request" or (loses == "half" and is_atomic):
            raise rx.TimeoutError("Timeout reading from socket")
        if self.server.is_full and is_atomic and any(name in GROWS for name, _ in commands):
            raise _no_room()
        done = commands[: len(commands) // 2] if loses == "half" else commands
        answers = [self._do(*command) for command in done]
        if loses:
            raise rx.TimeoutError("Timeout reading from socket")
        return answers

    def _do(self, name: str, arguments: Sequence[Any]) -> Any:
        if self.server.is_full and name in GROWS:
            return _no_room()
        try:
            return self.server.do(name, arguments)
        except rx.ResponseError as error:
            return error


def _no_room() -> rx.ResponseError:
    return rx.OutOfMemoryError("OOM command not allowed when used memory > 'maxmemory'.")


def _raised(answers: list[Any]) -> list[Any]:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


class _Commands:
    """redis-py's names for commands, as far as the bus uses them."""

    def _call(self, name: str, *arguments: Any) -> Any:
        raise NotImplementedError

    def execute_command(self, *command: Any) -> Any:
        """A raw command."""
        name, *arguments = command
        if str(name).upper() == "HSET" or not isinstance(name, str):
            return self._call(str(name).upper(), *arguments)
        return self._call(name.upper(), *arguments)

    def ping(self) -> Any:
        """PING."""
        return self._call("PING")

    def time(self) -> Any:
        """TIME."""
        return self._call("TIME")

    def info(self, section: str = "") -> Any:
        """INFO."""
        return self._call("INFO", section)

    def get(self, key: str) -> Any:
        """GET."""
        return self._call("GET", key)

    def mget(self, keys: Iterable[str]) -> Any:
        """MGET."""
        return self._call("MGET", *keys)

    def set(self, key: str, value: Any, px: int | None = None, *, nx: bool = False) -> Any:
        """SET."""
        return self._call("SET", key, value, *(("PX", px) if px is not None else ()), *(("NX",) if nx else ()))

    def delete(self, *keys: str) -> Any:
        """DEL."""
        return self._call("DEL", *keys)

    def exists(self, *keys: str) -> Any:
        """EXISTS."""
        return self._call("EXISTS", *keys)

    def pexpire(self, key: str, ttl_ms: int) -> Any:
        """PEXPIRE."""
        return self._call("PEXPIRE", key, ttl_ms)

    def pttl(self, key: str) -> Any:
        """PTTL."""
        return self._call("PTTL", key)

    def rpush(self, key: str, *values: Any) -> Any:
        """RPUSH."""
        return self._call("RPUSH", key, *values)

    def sadd(self, key: str, *members: Any) -> Any:
        """SADD."""
        return self._call("SADD", key, *members)

    def smembers(self, key: str) -> Any:
        """SMEMBERS."""
        return self._call("SMEMBERS", key)

    def hset(self, key: str, name: Any = None, value: Any = None, mapping: dict[Any, Any] | None = None) -> Any:
        """HSET."""
        pairs = [] if name is None else [name, value]
        return self._call("HSET", key, *pairs, *(x for pair in (mapping or {}).items() for x in pair))

    def hget(self, key: str, name: Any) -> Any:
        """HGET."""
        return self._call("HGET", key, name)

    def hgetall(self, key: str) -> Any:
        """HGETALL."""
        return self._call("HGETALL", key)

    def hdel(self, key: str, *names: Any) -> Any:
        """HDEL."""
        return self._call("HDEL", key, *names)

    def xadd(self, key: str, fields: dict[Any, Any], id: str = "*") -> Any:  # noqa: A002 - redis-py's
        """XADD."""
        return self._call("XADD", key, fields, id)

    def xread(self, positions: dict[str, Any], count: int | None = None, block: int | None = None) -> Any:
        """XREAD."""
        del block
        return self._call("XREAD", positions, count)

    def xrange(self, key: str, min: str = "-", max: str = "+", count: int | None = None) -> Any:  # noqa: A002 - redis-py's
        """XRANGE."""
        return self._call("XRANGE", key, str(min), str(max), count)

    def xrevrange(self, key: str, max: str = "+", min: str = "-", count: int | None = None) -> Any:  # noqa: A002 - redis-py's
        """XREVRANGE."""
        return self._call("XREVRANGE", key, str(max), str(min), count)

    def xlen(self, key: str) -> Any:
        """XLEN."""
        return self._call("XLEN", key)

    def xdel(self, key: str, *ids: Any) -> Any:
        """XDEL."""
        return self._call("XDEL", key, *ids)

    def xtrim(self, key: str, minid: Any = None, *, approximate: bool = True) -> Any:
        """XTRIM."""
        del approximate
        return self._call("XTRIM", key, minid)

    def xinfo_stream(self, key: str) -> Any:
        """XINFO STREAM."""
        return self._call("XINFO", "STREAM", key)


class TinyClient(_Commands):
    """What `tidal.bus` takes for a redis-py client, and for the way to it."""

    def __init__(self, wire: Wire, line: str = "") -> None:
        self.wire, self.line = wire, line

    def _call(self, name: str, *arguments: Any) -> Any:
        self.wire.server.interrupt()
        return _raised(self.wire.exchange([(name, arguments)], is_atomic=True, line=self.line))[0]

    def pipeline(self, *, transaction: bool = True) -> TinyPipeline:
        """Commands that go together."""
        return TinyPipeline(self.wire, self.line, is_atomic=transaction)

    def close(self) -> None:
        """Nothing to let go of."""

    def at(self, key: str) -> TinyClient:
        """Every key is here."""
        del key
        return self

    def failed(self, error: BaseException) -> None:
        """There is no other way."""


class TinyPipeline(_Commands):
    """A pipeline: commands wait for `execute`, but those between `watch` and `multi` do not."""

    def __init__(self, wire: Wire, line: str, *, is_atomic: bool) -> None:
        self._wire, self._line, self._is_atomic = wire, line, is_atomic
        self._queue: list[tuple[str, Sequence[Any]]] = []
        self._watched: dict[str, int] | None = None
        self._is_looking = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._queue, self._watched, self._is_looking = [], None, False

    def watch(self, *keys: str) -> None:
        """From here on look, until `multi`."""
        self._wire.server.interrupt()
        for key in keys:
            self._wire.exchange([("GET", (key,))], is_atomic=True, line=self._line)  # a key that lapsed lapses now
        self._watched = {key: self._wire.server.stamps.get(key, 0) for key in keys}
        self._is_looking = True

    def multi(self) -> None:
        """From here on commands wait for `execute`."""
        self._is_looking = False

    def _call(self, name: str, *arguments: Any) -> Any:
        if self._is_looking:
            self._wire.server.interrupt()
            return _raised(self._wire.exchange([(name, arguments)], is_atomic=True, line=self._line))[0]
        self._queue.append((name, arguments))
        return self

    def execute(self) -> list[Any]:
        """All of it; WatchError when what was watched has changed."""
        self._wire.server.interrupt()
        queue, watched = self._queue, self._watched
        self._queue, self._watched = [], None
        with self._wire.server.turn:
            if watched is not None and not (self._wire.is_cut or self._wire.server.is_down):
                self._raise_changes(watched)
            return _raised(self._wire.exchange(queue, is_atomic=self._is_atomic, line=self._line))

    def _raise_changes(self, watched: dict[str, int]) -> None:
        server = self._wire.server
        for key, stamp in watched.items():
            server.find(key, object)
            if server.stamps.get(key, 0) != stamp:
                raise rx.WatchError("Watched variable changed.")
