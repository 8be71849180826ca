"""What a master keeps when its disk is full for a while: nothing is missing in the end."""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING

import fakeredis

from tidal.archive import Archive
from tidal.bus import Bus
from tidal.keys import RunKeys
from tidal.model.codec import LOG, REPORTS, ZERO_ID, Entry, EntryId, entry_of
from tidal.record import Record

if TYPE_CHECKING:
    from pathlib import Path

KEYS = RunKeys("run-1")


def appended(bus: Bus, count: int) -> list[Entry]:
    """Reports in the stream, too random to be compressed."""
    entries = []
    for _ in range(count):
        fields = {b"k": b"rp", b"v": b"1", b"d": os.urandom(20_000)}
        entries.append(entry_of(REPORTS, bus.append(KEYS.reports, fields), fields))
    return entries


def position(entries: list[Entry]) -> dict[str, EntryId]:
    """How far the streams were folded."""
    return {LOG: ZERO_ID, REPORTS: entries[-1].id}


def test_a_full_disk_is_caught_up_with(tmp_path: Path) -> None:
    """While the disk refuses, nothing is safe and it is said once; when it takes again the archive is whole."""
    bus = Bus.connect(role="test", client=fakeredis.FakeRedis(server=fakeredis.FakeServer(), protocol=2))
    told: list[str] = []
    path = tmp_path / "run-1.tidal"
    record = Record(
        path, {"run": "run-1"}, bus, {LOG: KEYS.log, REPORTS: KEYS.reports}, lambda level, text: told.append(level)
    )
    before, during, after = appended(bus, 3), appended(bus, 3), appended(bus, 3)
    for entry in before:
        record.take(entry)
    assert record.sync(position(before))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10_000, limits[1]))
    try:
        for entry in during:
            record.take(entry)
        assert not record.sync(position(during))
        assert not record.sync(position(during))
        for entry in after:
            record.take(entry)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert record.sync(position(after))
    record.close(final=True)
    with Archive.open(path) as archive:
        assert list(archive.entries()) == [*before, *during, *after]
    assert told == ["error", "good"]
