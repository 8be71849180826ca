"""An archive, judged by thresholds: the streams of its entries, each once and in order, and `rejudge` over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.archive import Archive
from tidal.model.codec import LOG, REPORTS
from tidal.model.rejudge import Rejudged, rejudge
from tidal.repeats import Repeats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidal.model.codec import Entry


def judged(path: Path, thresholds: tuple[str, ...] | None) -> tuple[Rejudged, int]:
    """The run of an archive, judged by these thresholds or its own, and the last moment of the recording in Redis time.

    Raises:
        ArchiveDamaged: the archive cannot be read to its end.
    """
    with Archive.open(path) as archive:
        return rejudge(_stream(archive, LOG), _stream(archive, REPORTS), thresholds), archive.last_ms


def _stream(archive: Archive, name: str) -> Iterator[Entry]:
    repeats = Repeats()
    return (entry for entry in archive.entries() if entry.stream == name and repeats.is_new(entry))
