"""The one home of Redis, with `routes.py`, which gets there: streams, the lease, acknowledgements, heartbeats.

No Lua, no groups, no notifications.

Three rules hold here, each paid for by a measurement:

* Nothing is ever sent twice by itself. redis-py retries ten times by default, and one append whose replies were lost
  left four entries. Here an error leaves as `BusError` and the caller, who knows the identity of what it wrote,
  decides. The next call connects anew.
* What needs the lease is done under WATCH of it: look, then MULTI … EXEC. An EXEC that Redis aborted did nothing, so it
  is tried again when the lease is still ours (our own renewal, in another thread, aborts it too). An EXEC whose answer
  was lost may have happened: that is an error. redis-py calls both `WatchError`; `_was_aborted` tells them apart.
* No call blocks for longer than the socket timeout of 2 s, so a BLOCK is capped below it.

A `Bus` belongs to one role of one process. It may be shared by threads, but a reader that blocks wants its own.
"""

from __future__ import annotations

import os
import re
import time
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from tidal import address
from tidal.address import mask
from tidal.beacons import Beacons
from tidal.errors import RedisDenied, RedisTooOld, RedisUnreachable, UsageError
from tidal.keys import RUNS
from tidal.leadership import Leadership, number_of
from tidal.model.codec import ENTRY_BYTES_MAX, ZERO_ID, EntryId
from tidal.model.text import clean
from tidal.routes import One, Route, cluster_behind, is_redirection, route, rx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tidal.keys import RunKeys

Fields = dict[bytes, bytes]

URL_VARIABLE = address.URL
OLDEST = (6, 2)
SOCKET_TIMEOUT_S = 2.0
BLOCK_MAX_MS = 1_000
"""Half the socket timeout: a BLOCK that reached it would look like a dead server."""
FENCE_TRIES = 20
READ_BYTES = 16 * 1024 * 1024
"""A read ends when it has brought so much: large entries, which any worker may append, must not fill the memory."""
PORTION_FIRST, PORTION_MAX = 64, 1_024

P = ParamSpec("P")
R = TypeVar("R")

_KINDS: tuple[tuple[str, tuple[type[Exception], ...]], ...] = (
    ("loading", (rx.BusyLoadingError,)),
    ("denied", (rx.AuthenticationError, rx.AuthorizationError, rx.NoPermissionError)),
    ("denied", (rx.AuthenticationWrongNumberOfArgsError,)),
    ("timeout", (rx.TimeoutError,)),
    ("oom", (rx.OutOfMemoryError,)),
    ("readonly", (rx.ReadOnlyError,)),
    ("unreachable", (rx.ConnectionError, rx.ClusterDownError, rx.RedisClusterException, OSError)),
)
_PREFIXES = {"MISCONF": "readonly", "NOREPLICAS": "readonly", "DENIED": "denied", "CLUSTERDOWN": "unreachable"}
_PREFIXES |= {"unknown": "absent", "DB": "absent"}  # a command, a database
_FULL = "max number of clients"
_WORDS = {
    "MISCONF": "cannot save its data and takes no writes: make room on its disk",
    "NOREPLICAS": "has lost its replicas and takes no writes",
    "loading": "is reading its data and will answer by itself",
    "Authentication": "asks for a password",
    "invalid": "does not take this user and password",
    "denied": "refuses this user: mend its password or rights (tidal acl)",
    "absent": "has not all commands that tidal needs: they were renamed or disabled there",
    "DB": "has no database of this number",
    "oom": "is out of memory: raise its maxmemory, or delete what is not needed",
    "readonly": "is a replica and takes no writes: make it a primary, or give the primary's URL",
    "full": "takes no more connections: raise its maxclients",
    "timeout": "accepts and does not answer: is it hung, or the network cut?",
}
"""What an error means and what to do, by the server's first word or by the kind."""


class Stream(NamedTuple):
    """A stream as it is: its length, its first entry's id, and the id that it gave out last."""

    length: int = 0
    first_id: EntryId = ZERO_ID
    last_id: EntryId = ZERO_ID


class BusError(Exception):
    """Redis did not do what it was asked. Whether it happened is known only for a refusal, not for a lost answer.

    Attributes:
        kind: unreachable, timeout, loading, full (none of the four is final), denied, absent, oom, readonly or other.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    @property
    def exit_code(self) -> int:
        """The exit code of a process that this error ends."""
        return (RedisDenied if self.kind == "denied" else RedisUnreachable).exit_code


def _said(error: BaseException) -> str:
    """The server's own words, without redis-py's copy of the command and its data."""
    return clean(str(error).rpartition(" caused error: ")[2], 200)


def _kind_of(error: BaseException) -> str:
    text = str(error).rpartition(" caused error: ")[2]
    if is_redirection(error):
        return "unreachable"
    kind = "full" if _FULL in text else _PREFIXES.get(text.partition(" ")[0])
    return kind or next((kind for kind, classes in _KINDS if isinstance(error, classes)), "other")


def _was_aborted(error: rx.WatchError) -> bool:
    """Whether EXEC was answered with "nothing done"; redis-py raises the same class for a lost connection."""
    return not isinstance(error.__context__, (rx.ConnectionError, rx.TimeoutError, OSError))


def _translated(method: Callable[Concatenate[Bus, P], R]) -> Callable[Concatenate[Bus, P], R]:
    """Let nothing of redis-py leave but `BusError`."""

    @wraps(method)
    def call(self: Bus, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except rx.WatchError as error:
            cause = error.__context__ if not _was_aborted(error) else error
            self._route.failed(cause or error)
            raise self._error(cause or error) from error
        except (rx.RedisError, rx.RedisClusterException) as error:
            self._route.failed(error)
            raise self._error(error) from error

    return call


def _answer_of(connection: Any) -> tuple[str, str] | None:
    """What is said against a queued command, its kind first."""
    try:
        connection.read_response()
    except rx.RedisError as error:
        if isinstance(error, rx.ConnectionError) and not isinstance(error, rx.AuthenticationError):
            raise
        return _kind_of(error), _said(error)
    return None


def _next_portion(portion: int, size: int) -> int:
    """How many entries to ask for next, when so many had this size: few of large ones, many of small ones."""
    return (
        max(1, portion // 4)
        if size > READ_BYTES
        else min(PORTION_MAX, portion * 2 if size < READ_BYTES // 4 else portion)
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _bounded(fields: Mapping[bytes, bytes]) -> Fields:
    """Fields cut just above what the codec accepts: refused as before, but never large in memory or in an archive."""
    return {name[:16]: value[: ENTRY_BYTES_MAX + 1 if name == b"d" else 16] for name, value in fields.items()}


class Bus(Leadership, Beacons):
    """A connection to the log and, by its parts, what is around it. Every method raises `BusError` when Redis fails."""

    def __init__(self, route: Route, url: str) -> None:
        self._route = route
        self.url = url
        self.shown = mask(url)
        self._portion = PORTION_FIRST  # entries that are asked for at once

    def __repr__(self) -> str:
        return f"<Bus {self.shown}>"

    @classmethod
    def connect(
        cls, url: str | None = None, *, role: str, client: Any = None, timeout_s: float = SOCKET_TIMEOUT_S
    ) -> Bus:
        """Connect and check that this Redis can serve: RedisUnreachable, RedisDenied or RedisTooOld otherwise.

        Without a URL the one of TIDAL_REDIS_URL is taken. A `client` that is handed in is used as it is.
        """
        if not url and (said := os.environ.get(URL_VARIABLE)):
            url = address.whole(said, os.environ)
        url = url or ("" if client is None else "redis://in-process")
        if not url:
            raise UsageError(f"no Redis to go to: give --redis URL or set {URL_VARIABLE}")
        bus = cls(One(client) if client is not None else route(url, role, timeout_s), url)
        try:
            bus.ping_us()
            if bus.check_version() == "cluster" and client is None and isinstance(bus._route, One):
                bus.close()
                bus._route = cluster_behind(url, role, timeout_s)
                bus.ping_us()
        except BusError as error:
            bus.close()
            raise bus._refusal(error) from error
        return bus

    def close(self) -> None:
        """Let go of the connections."""
        self._route.close()

    @property
    def _client(self) -> Any:
        """The client for what has no key, the clock above all: everybody is to ask the same server."""
        return self._route.at(RUNS)

    def _error(self, error: BaseException) -> BusError:
        kind, said = _kind_of(error), _said(error) or type(error).__name__
        words = _WORDS.get(said.partition(" ")[0], _WORDS.get(kind))
        return BusError(kind, f"Redis at {self.shown} {words} ({said})" if words else f"Redis at {self.shown}: {said}")

    def _refusal(self, error: BusError) -> RedisDenied | RedisUnreachable:
        if error.kind == "denied":
            places = f"--redis, {URL_VARIABLE}, --redis-password-file or {address.PASSWORD}"
            advice = f"Check user and password in {places}"
            return RedisDenied(f"{str(error).rstrip('.?')}. {advice}")
        hint = {"loading": "It is reading its data: try again in a moment", "other": "Is it a Redis?"}
        fallback = f"Is it running, and is the address in --redis or {URL_VARIABLE} right?"
        advice = address.advice(str(error), self.url) or hint.get(error.kind, fallback)
        return RedisUnreachable(f"{str(error).rstrip('.')}. {advice}")

    # -------------------------------------------------------------- the server

    @_translated
    def ping_us(self) -> int:
        """One round trip, in µs."""
        began_ns = time.monotonic_ns()
        self._client.ping()
        return (time.monotonic_ns() - began_ns) // 1_000

    @_translated
    def time_us(self) -> tuple[int, int, int]:
        """(monotonic µs before, Redis time in µs, monotonic µs after): one exchange for the clock."""
        before_ns = time.monotonic_ns()
        seconds, micros = self._client.time()
        return before_ns // 1_000, seconds * 1_000_000 + micros, time.monotonic_ns() // 1_000

    def check_version(self) -> str:
        """RedisTooOld below 6.2, else its mode (standalone, cluster); a server that will not tell is believed."""
        found = self.info("server")
        version = str(found.get("redis_version", ""))
        if version and _version(version) < OLDEST:
            raise RedisTooOld(f"Redis at {self.shown} is version {clean(version, 20)}; tidal needs 6.2 or newer")
        return str(found.get("redis_mode", ""))

    def info(self, section: str) -> dict[str, Any]:
        """A section of INFO; empty when it is denied or unknown (fakeredis has none)."""
        return self._optional(lambda: dict(self._client.info(section)))

    def config(self, name: str) -> str | None:
        """A setting of the server; None when it is denied or unknown."""
        return self._optional(lambda: dict(self._client.config_get(name))).get(name)

    @_translated
    def _optional(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return ask()
        except (rx.NoPermissionError, rx.ResponseError):
            return {}

    @_translated
    def refusals(self, commands: Sequence[Sequence[str]]) -> list[tuple[str, str] | None]:
        """What the server says against each command, its kind first; None for nothing. Nothing is carried out.

        It looks at rights, memory and its own role when a command is queued in a transaction; that one is discarded.
        """
        pool = self._client.connection_pool
        connection = pool.get_connection()
        try:
            connection.send_command("MULTI")
            connection.read_response()  # without it the commands would happen: its refusal leaves as an error
            for command in commands:
                connection.send_command(*command)
            return [_answer_of(connection) for _ in commands]
        finally:
            connection.disconnect()  # which discards
            pool.release(connection)

    # -------------------------------------------------------------- streams

    @_translated
    def append(self, stream_key: str, fields: Fields) -> EntryId:
        """Add one entry. After an error it may or may not be there."""
        return EntryId.parse(self._route.at(stream_key).xadd(stream_key, fields))

    @_translated
    def read(
        self, cursors: Mapping[str, EntryId], *, block_ms: int | None, count: int
    ) -> list[tuple[str, EntryId, Fields]]:
        """What lies after the cursors, up to `count` a stream, each stream in its order.

        Without any, wait up to `block_ms` (at most 1,000; 0 or None: not at all).
        """
        client = self._route.at(next(iter(cursors)))
        at, found = dict(cursors), list[tuple[str, EntryId, Fields]]()
        block = min(block_ms, BLOCK_MAX_MS) if block_ms else None
        left, size = count, 0
        while left > 0 and size < READ_BYTES:
            portion = min(left, self._portion)
            answer = client.xread({key: str(i) for key, i in at.items()}, count=portion, block=block) or ()
            fresh = [(key.decode(), EntryId.parse(i), fields) for key, entries in answer for i, fields in entries]
            size += (fresh_size := sum(len(value) for _, _, fields in fresh for value in fields.values()))
            found += [(key, entry_id, _bounded(fields)) for key, entry_id, fields in fresh]
            if max((len(entries) for _, entries in answer), default=0) < portion:
                self._portion = PORTION_FIRST  # all is read: what comes next may be large
                break
            self._portion = _next_portion(portion, fresh_size)
            at |= {key: entry_id for key, entry_id, _ in fresh}
            left, block = left - portion, None
        return found

    @_translated
    def range(
        self, key: str, after: EntryId, until: EntryId | None = None, count: int = 1_000
    ) -> list[tuple[EntryId, Fields]]:
        """Entries after one id (not with it) up to another (with it), at most `count`."""
        entries = self._route.at(key).xrange(key, f"({after}", str(until) if until else "+", count=count)
        return [(EntryId.parse(i), _bounded(f)) for i, f in entries]

    @_translated
    def stream(self, key: str) -> Stream:
        """How a stream is now; all zero when there is none."""
        try:
            found = self._route.at(key).xinfo_stream(key)
        except rx.ResponseError as error:
            if "no such key" not in str(error).lower():
                raise
            return Stream()
        first = found["first-entry"]
        first_id = EntryId.parse(first[0]) if first else ZERO_ID
        return Stream(found["length"], first_id, EntryId.parse(found["last-generated-id"]))

    def last_id(self, key: str) -> EntryId:
        """The id that the stream gave out last, even when its entry was deleted; ZERO_ID when there is no stream."""
        return self.stream(key).last_id

    # -------------------------------------------------------------- beside the streams

    @_translated
    def load_keyframe(self, keys: RunKeys) -> bytes | None:
        """The newest stored state; None when there is none."""
        return self._stored(keys.keyframe)

    @_translated
    def load_brief(self, keys: RunKeys) -> bytes | None:
        """The half of the newest stored state that masters wrote; None when there is none."""
        return self._stored(keys.brief)

    @_translated
    def load_secrets(self, keys: RunKeys) -> bytes | None:
        """What `store_secrets` stored; None for nothing."""
        return self._stored(keys.secrets)

    def _stored(self, key: str) -> bytes | None:
        """A value that only saves time or adds to the log: one of another type is none."""
        try:
            value: bytes | None = self._route.at(key).get(key)
        except rx.ResponseError as error:
            if "WRONGTYPE" not in str(error) and "wrong kind of value" not in str(error):
                raise
            return None
        return value

    @_translated
    def _watched(
        self, watch: Iterable[str], look: Callable[[Any], Callable[[], R] | None]
    ) -> tuple[R, list[Any]] | None:
        """Look under WATCH; when `look` gives a queue, run it as a transaction: its value and the answers."""
        names = list(watch)
        for _ in range(FENCE_TRIES):
            with self._route.at(names[0]).pipeline(transaction=True) as pipe:
                try:
                    pipe.watch(*names)
                    queue = look(pipe)
                    if queue is None:
                        return None
                    pipe.multi()
                    value = queue()
                    return value, pipe.execute()
                except rx.WatchError as error:
                    if not _was_aborted(error):
                        raise
        raise BusError("other", f"Redis at {self.shown}: a key changed {FENCE_TRIES} times while it was looked at")

    # -------------------------------------------------------------- workers

    @_translated
    def _run(self, *commands: Sequence[Any]) -> list[Any]:
        """Raw commands in one round trip to each server that has keys of them, without a transaction."""
        clients = [self._route.at(command[1]) if len(command) > 1 else self._client for command in commands]
        answers: dict[int, Any] = {}
        for client in dict.fromkeys(clients):
            numbers = [number for number, whose in enumerate(clients) if whose is client]
            pipe = client.pipeline(transaction=False)
            for number in numbers:
                pipe.execute_command(*commands[number])
            answers |= zip(numbers, pipe.execute(), strict=True)
        return [answers[number] for number in range(len(commands))]

    @_translated
    def send_reports(self, keys: RunKeys, incarnation: str, batch: Sequence[Fields]) -> int:
        """Hand reports in, and learn up to which sequence number they are safe. After an error send them again."""
        pipe = self._route.at(keys.reports).pipeline(transaction=False)
        for fields in batch:
            pipe.xadd(keys.reports, fields)
        pipe.hget(keys.ack, incarnation)
        return number_of(pipe.execute()[-1])
