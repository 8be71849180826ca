"""Are an archive's entries those that its master read? Every byte of them is held to the chain of hashes.

Nothing is folded, so it is quick, and it holds whatever shape the state has: an archive of another version of tidal is
proved by this alone. Each master's chain begins at its own place; in one pass all of them are followed at once.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tidal.archive_file import ENTRIES, KEYFRAME
from tidal.model.chain import Chain, joined
from tidal.model.codec import LOG, REPORTS, ZERO_ID, BadEntry, EntryId, decode, is_entry_id
from tidal.model.events import ByMaster, Checkpoint, RunStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from tidal.archive import Archive
    from tidal.model.codec import Entry

STREAMS = (LOG, REPORTS)
CHAINS_MAX = 1_000
"""Lives of masters and generations of one run: each entry is added to all that have begun."""
Place = tuple[EntryId, EntryId]
"""An entry of the log and one of the reports."""


class Link(NamedTuple):
    """What a checkpoint says of the entries before it."""

    since: Place
    to: Place
    sha256: str
    at_ms: int  # Redis time at which it was written


class Chained(NamedTuple):
    """What came out.

    Attributes:
        agreed: checkpoints up to which every byte of the log is what the master read.
        began_ms: Redis time of plan time zero; 0: the archive does not say.
        last_ms: Redis time of the last checkpoint that agrees.
        missing: checkpoints of which the archive has not all entries: a keyframe stands for them.
        differs: the first that does not agree.
    """

    agreed: int = 0
    began_ms: int = 0
    last_ms: int = 0
    missing: int = 0
    differs: Link | None = None


def follow(archive: Archive, goes_on: Callable[[], bool] = lambda: True) -> Chained:
    """Hold all entries to the chain; nothing is found out when `goes_on` says no.

    Raises:
        ArchiveDamaged: the archive cannot be read to its end.
    """
    links, began_ms = _said(archive, goes_on)
    done = Chained(began_ms=began_ms)
    if not links:
        return done
    if len({link.since for link in links}) > CHAINS_MAX:
        return done._replace(differs=links[0])
    chains = Chains(links)
    known = {(ZERO_ID, ZERO_ID), *(link.to for link in links), *_taken(archive, chains, goes_on)}
    if not goes_on():
        return done
    for link in links:
        if chains.is_missing(link):
            done = done._replace(missing=done.missing + 1)
        elif link.since not in known or chains.link(link) != link.sha256:
            return done._replace(differs=link)
        else:
            done = done._replace(agreed=done.agreed + 1, last_ms=link.at_ms)
    return done


def _entries(archive: Archive, goes_on: Callable[[], bool]) -> Iterator[Entry]:
    for block in archive.blocks:
        if not goes_on():
            return
        if block.kind == ENTRIES:
            yield from archive.read_entries(block)


def _taken(archive: Archive, chains: Chains, goes_on: Callable[[], bool]) -> Iterator[Place]:
    """Take every entry; the places of keyframes, from which a successor may have gone on."""
    for number, block in enumerate(archive.blocks):
        if not goes_on():
            return
        if block.kind == ENTRIES:
            for entry in archive.read_entries(block):
                chains.take(entry)
        elif block.kind == KEYFRAME and (keyframe := archive.read_keyframe(block)) is not None:
            place = (keyframe.log_id, keyframe.reports_id)
            yield place
            if number == 0 or block.entries:
                chains.miss(place)


class Chains:
    """The chains of all masters of a run, followed at once; what each is at the places that links name."""

    def __init__(self, links: Iterable[Link]) -> None:
        self._chains: dict[Place, Chain] = {}
        self._ahead: dict[tuple[Place, str], list[EntryId]] = {}
        self._digests: dict[tuple[Place, str, EntryId], bytes] = {}
        self._missing: dict[tuple[Place, str], EntryId] = {}
        for link in links:
            self._chains[link.since] = Chain(dict(zip(STREAMS, link.since, strict=True)))
            for stream, to in zip(STREAMS, link.to, strict=True):
                self._ahead.setdefault((link.since, stream), []).append(to)
        for ahead in self._ahead.values():
            ahead.sort(reverse=True)

    def take(self, entry: Entry) -> None:
        """Add an entry to every chain that it belongs to."""
        for since, chain in self._chains.items():
            ahead = self._ahead.get((since, entry.stream), ())
            while ahead and ahead[-1] < entry.id:
                to = ahead.pop()
                self._digests[since, entry.stream, to] = chain.digest(entry.stream)
            chain.take(entry)

    def miss(self, place: Place) -> None:
        """A stored state stands for what comes up to this place: chains that have not come so far end here."""
        for since, chain in self._chains.items():
            for stream, to in zip(STREAMS, place, strict=True):
                if chain.reached[stream] < to:
                    self._missing.setdefault((since, stream), chain.reached[stream])

    def is_missing(self, link: Link) -> bool:
        """Whether not all of its entries are there."""
        ends = ((self._missing.get((link.since, stream)), to) for stream, to in zip(STREAMS, link.to, strict=True))
        return any(end is not None and to > end for end, to in ends)

    def link(self, link: Link) -> str:
        """The hash at a link's place, by what was taken so far."""
        chain = self._chains[link.since]
        log, reports = (
            self._digests.get((link.since, stream, to)) or chain.digest(stream)
            for stream, to in zip(STREAMS, link.to, strict=True)
        )
        return joined(log, reports)


def link_of(said: Checkpoint, at_ms: int) -> Link | None:
    """What a checkpoint, written at `at_ms`, says of the chain; None when it says nothing of it."""
    if not said.chain or not (is_entry_id(said.log_since) and is_entry_id(said.reports_since)):
        return None
    since = (EntryId.parse(said.log_since), EntryId.parse(said.reports_since))
    return Link(since, place_of(said), said.chain, at_ms)


def place_of(said: Checkpoint) -> Place:
    """The entries that a checkpoint's hashes reach to."""
    return EntryId.parse(said.log_id), EntryId.parse(said.reports_id)


def checkpoint_of(entry: Entry) -> Checkpoint | None:
    """The checkpoint that an entry is."""
    event = _event(entry, Checkpoint)
    is_one = isinstance(event, Checkpoint) and is_entry_id(event.log_id) and is_entry_id(event.reports_id)
    return event if is_one else None


def _event(entry: Entry, kind: type[Any]) -> Any:
    if entry.stream == LOG and entry.kind == kind.KIND:
        with suppress(BadEntry):
            signed = decode(entry)
            return signed.event if isinstance(signed, ByMaster) else None
    return None


def _said(archive: Archive, goes_on: Callable[[], bool]) -> tuple[list[Link], int]:
    """All links in the order of the log, and when the load began; as far as it came when `goes_on` says no."""
    links: dict[tuple[Place, Place], Link] = {}
    began_ms = 0
    for entry in _entries(archive, goes_on):
        said = checkpoint_of(entry)
        if said is not None and (link := link_of(said, entry.id.ms)) is not None:
            links[link.since, link.to] = link
        if (started := _event(entry, RunStarted)) is not None:
            began_ms = began_ms or started.began_ms
    return sorted(links.values(), key=lambda link: (link.to, link.at_ms)), began_ms
