"""Keeping the master's lease alive, whatever the master is busy with."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tidal.bus import Bus, BusError
from tidal.errors import TidalError
from tidal.keys import LEASE_TTL_MS

if TYPE_CHECKING:
    from tidal.keys import RunKeys


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
