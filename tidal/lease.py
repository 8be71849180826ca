"""The master's lease: taken, kept alive whatever the master is busy with, and everything that is done under it.

take ──▶ epoch ──▶ append · acknowledge · store, each only while the lease is ours ──▶ release
"""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING

from tidal.bus import Bus, BusError
from tidal.errors import TidalError
from tidal.keys import LEASE_TTL_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tidal.bus import Fields
    from tidal.keys import RunKeys
    from tidal.leadership import Renewed
    from tidal.model.codec import EntryId


class LeaseKeeper:
    """Renews the lease from a thread of its own, with a connection of its own, so that a long fold cannot lose it."""

    def __init__(self, url: str | None, keys: RunKeys, token: str, epoch: int) -> None:
        self._url, self._keys, self._token, self._epoch = url, keys, token, epoch
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidal-lease", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        bus: Bus | None = None
        while not self._ended.wait(LEASE_TTL_MS / 3000):
            try:
                bus = bus or Bus.connect(self._url, role="lease")
                bus.renew_lease(self._keys, self._token, self._epoch)  # when it is lost the next append says so
            except (BusError, TidalError):
                continue
        if bus is not None:
            bus.close()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join(3.0)


class Lease:
    """One master's claim to lead a run. What it does raises Fenced when the lease is not ours, BusError without Redis.

    Args:
        bus: the connection for everything but the renewal.
        keys: of the run.
        keeper: makes what renews the lease from a token and an epoch; None: a `LeaseKeeper`.

    Attributes:
        token: who we are, random.
        epoch: of this life; 0 before the lease was taken.
    """

    def __init__(self, bus: Bus, keys: RunKeys, keeper: Callable[[str, int], LeaseKeeper] | None = None) -> None:
        self._bus, self._keys = bus, keys
        self._new_keeper = keeper or (lambda token, epoch: LeaseKeeper(bus.url, keys, token, epoch))
        self.token = secrets.token_hex(12)
        self._keeper: LeaseKeeper | None = None
        self.epoch = 0

    def __repr__(self) -> str:
        return f"<Lease of {self._keys.run}, epoch {self.epoch}>"

    def take(self, above: int = 0) -> bool:
        """Take it, or take it again once it lapsed, in an epoch above one; False while it is another's."""
        epoch = self._bus.take_lease(self._keys, self.token, above=above)
        if epoch is None:
            return False
        self.epoch = epoch
        self.stop()
        self._keeper = self._new_keeper(self.token, epoch)
        return True

    def append(self, batch: Sequence[Fields]) -> list[EntryId]:
        """Append to the log: all of the batch or nothing."""
        return self._bus.append_fenced(self._keys, self.token, self.epoch, batch)

    def acknowledge(self, watermarks: Mapping[str, int]) -> None:
        """Tell incarnations up to where their reports are safe."""
        self._bus.acknowledge(self._keys, self.token, self.epoch, watermarks)

    def store_keyframe(self, packed: bytes, brief: bytes) -> None:
        """Store the folded state, and the half of it that masters wrote."""
        self._bus.store_keyframe(self._keys, self.token, self.epoch, packed, brief)

    def begin_generation(self, renewed: Renewed) -> None:
        """Begin the streams anew."""
        self._bus.begin_generation(self._keys, self.token, self.epoch, renewed)

    def raise_ids(self, above: EntryId) -> None:
        """Have the reports get only greater ids."""
        self._bus.raise_ids(self._keys, self.token, self.epoch, above)

    def trim(self, before: Mapping[str, EntryId]) -> int:
        """Remove what lies before an id from streams, by key: how many entries."""
        return self._bus.trim(self._keys, self.token, self.epoch, before)

    def stop(self) -> None:
        """Renew it no longer."""
        if self._keeper is not None:
            self._keeper.stop()
            self._keeper = None

    def release(self) -> None:
        """Give it back, so that a successor need not wait."""
        self.stop()
        self._bus.release_lease(self._keys, self.token, self.epoch)
