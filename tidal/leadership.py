"""What only the master of a run may do in Redis: its lease, and everything that happens under WATCH of it.

`Leadership` is the part of `bus.Bus` that is fenced. All that it knows of redis-py: a pipeline has a method for each
command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tidal.errors import Fenced
from tidal.keys import LEASE_TTL_MS, RUN_TTL_MS, RunKeys
from tidal.model.codec import EntryId
from tidal.primitives import Primitives

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LEASE_TTL_MAX_MS = 100 * LEASE_TTL_MS
Fields = dict[bytes, bytes]


class Renewed(NamedTuple):
    """What a new generation of a run's streams begins with.

    Attributes:
        keyframe: the state that everything before is in.
        brief: its half that masters wrote.
        first: the first entry, and the id that it must have: greater than every one of the generations before.
        secrets: what the workers must know and the log must not; None: nothing.
    """

    keyframe: bytes
    brief: bytes
    first: Fields
    first_id: EntryId
    secrets: bytes | None = None


def number_of(value: bytes | None) -> int:
    """A stored whole number; 0 for none and for rubbish."""
    return int(value) if value is not None and value.isdigit() and len(value) < 19 else 0


def is_lease(value: bytes | None, ttl_ms: int) -> bool:
    """Whether somebody holds this: what no master can have written, or never lapses, would keep every master away."""
    return value is not None and number_of(value.rpartition(b":")[2]) > 0 and 0 <= ttl_ms <= LEASE_TTL_MAX_MS


class Leadership(Primitives):
    """The lease and what is done under it. Every method raises `BusError` when Redis fails."""

    # -------------------------------------------------------------- the lease

    def take_lease(self, keys: RunKeys, token: str, ttl_ms: int = LEASE_TTL_MS, *, above: int = 0) -> int | None:
        """Become the master: the new epoch, or None when another is. Taking one's own lease again keeps its epoch.

        A lease whose epoch is below `above`, which the caller has read in the log, is nobody's.

        The epoch is greater than every one before it, even when the stored one was lost: at least Redis time in ms,
        and greater than `above`.
        """

        def take(pipe: Any) -> Callable[[], int] | None:
            holder, stored, (seconds, micros) = pipe.get(keys.lease), pipe.get(keys.epoch), pipe.time()
            owner, _, held = (holder or b"").rpartition(b":")
            epoch: int = number_of(held)
            is_past = epoch < above  # a later one has spoken: a replica took over that had not heard of it
            if owner != token.encode() and not is_past and is_lease(holder, pipe.pttl(keys.lease)):
                return None
            if epoch <= above:
                epoch = max(number_of(stored) + 1, seconds * 1_000 + micros // 1_000, above + 1)

            def queue() -> int:
                pipe.set(keys.lease, f"{token}:{epoch}", px=ttl_ms)
                pipe.set(keys.epoch, epoch, px=RUN_TTL_MS)
                return epoch

            return queue

        taken = self._watched((keys.lease, keys.epoch), take)
        return int(taken[0]) if taken else None

    def renew_lease(self, keys: RunKeys, token: str, epoch: int, ttl_ms: int = LEASE_TTL_MS) -> bool:
        """Hold the lease for another while; False when it is no longer ours."""
        return self._if_ours(keys.lease, f"{token}:{epoch}", lambda pipe: pipe.pexpire(keys.lease, ttl_ms)) is not None

    def release_lease(self, keys: RunKeys, token: str, epoch: int) -> bool:
        """Give the lease back, so that a successor need not wait for it; False when it was no longer ours."""
        return self._if_ours(keys.lease, f"{token}:{epoch}", lambda pipe: pipe.delete(keys.lease)) is not None

    def is_led(self, keys: RunKeys) -> bool:
        """Whether anybody holds the run's lease now."""
        return is_lease(*self._run(("GET", keys.lease), ("PTTL", keys.lease)))

    # -------------------------------------------------------------- under the lease

    def append_fenced(self, keys: RunKeys, token: str, epoch: int, batch: Sequence[Fields]) -> list[EntryId]:
        """Append to the log as its master: all of the batch or nothing. Fenced when the lease is not ours."""

        def queue(pipe: Any) -> None:
            for fields in batch:
                pipe.xadd(keys.log, fields)

        return [EntryId.parse(entry_id) for entry_id in self._fenced(keys, token, epoch, queue)] if batch else []

    def acknowledge(self, keys: RunKeys, token: str, epoch: int, watermarks: Mapping[str, int]) -> None:
        """Tell incarnations up to which sequence number their reports are safe. Fenced when the lease is not ours."""
        if watermarks:
            self._fenced(keys, token, epoch, lambda pipe: pipe.hset(keys.ack, mapping=dict(watermarks)))

    def store_keyframe(self, keys: RunKeys, token: str, epoch: int, packed: bytes, brief: bytes = b"") -> None:
        """Store the folded state, and keep the run's keys for another seven days. Fenced when the lease is not ours.

        `brief` is the half of the state that masters wrote.
        """

        def queue(pipe: Any) -> None:
            pipe.set(keys.keyframe, packed)
            if brief:
                pipe.set(keys.brief, brief)
            for key in keys.lasting:
                pipe.pexpire(key, RUN_TTL_MS)

        self._fenced(keys, token, epoch, queue)

    def begin_generation(self, keys: RunKeys, token: str, epoch: int, renewed: Renewed) -> None:
        """Begin a run's streams anew, whatever is left of them. Fenced when the lease is not ours.

        Ids only rise over all generations, so cursors, archives and replays need not know of any.
        """

        def queue(pipe: Any) -> None:
            pipe.set(keys.keyframe, renewed.keyframe)
            pipe.set(keys.brief, renewed.brief)
            if renewed.secrets is not None:
                pipe.set(keys.secrets, renewed.secrets)
            pipe.xadd(keys.log, renewed.first, id=str(renewed.first_id))
            for key in keys.lasting:
                pipe.pexpire(key, RUN_TTL_MS)

        self._fenced(keys, token, epoch, queue)

    def raise_ids(self, keys: RunKeys, token: str, epoch: int, above: EntryId) -> None:
        """Have the reports, where there are any, get only ids greater than one. Fenced when the lease is not ours."""
        self._fenced(keys, token, epoch, lambda pipe: pipe.execute_command("XSETID", keys.reports, str(above)))

    def trim(self, keys: RunKeys, token: str, epoch: int, before: Mapping[str, EntryId]) -> int:
        """Remove what lies before an id from streams, by key: how many entries. Fenced when the lease is not ours."""

        def queue(pipe: Any) -> None:
            for key, entry_id in before.items():
                pipe.xtrim(key, minid=str(entry_id), approximate=False)

        return sum(map(int, self._fenced(keys, token, epoch, queue))) if before else 0

    def store_secrets(self, keys: RunKeys, packed: bytes) -> None:
        """Store what the workers must know and the log must not; it goes with the run."""
        self._run(("SET", keys.secrets, packed, "PX", RUN_TTL_MS))

    def forget_secrets(self, keys: RunKeys) -> None:
        """The run is over: nobody needs them any more."""
        self._run(("DEL", keys.secrets))

    def _fenced(self, keys: RunKeys, token: str, epoch: int, queue: Callable[[Any], object]) -> list[Any]:
        answers = self._if_ours(keys.lease, f"{token}:{epoch}", queue)
        if answers is None:
            raise Fenced(f"another master has taken over run {keys.run}; this one (epoch {epoch}) stops")
        return answers
