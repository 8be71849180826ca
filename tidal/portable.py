"""An archive on its way: exported, without what strangers should not read, taken in elsewhere, saved where it is whole.

A masked copy is folded as it is written, and the hashes of its checkpoints and its keyframes are made anew: it proves
that it replays to what was exported, which its header says is not what the master wrote.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from tidal import paths
from tidal.archive import Archive, ArchiveWriter, part_paths
from tidal.archive_file import ENTRIES, KEYFRAME
from tidal.chained import Chains, Link, checkpoint_of, link_of, place_of
from tidal.errors import ArchiveDamaged, UsageError, cannot_write
from tidal.keys import is_name
from tidal.model.codec import LOG, REPORTS, ZERO_ID, BadEntry, understood, unpack
from tidal.model.events import ByMaster, RunOpened
from tidal.model.fold import fold_entry
from tidal.model.masking import HOSTS, RULES_OF_NOBODY, Mask
from tidal.model.state import STATE_BYTES_MAX, State, own_rules
from tidal.model.struct import replace
from tidal.repeats import Repeats

if TYPE_CHECKING:
    from pathlib import Path

    from tidal.archive_file import Block
    from tidal.chained import Place
    from tidal.model.codec import Entry
    from tidal.model.events import Checkpoint

OPENING_ENTRIES_MAX = 20_000


class Written(NamedTuple):
    """What a new file holds.

    Attributes:
        run: the run's id.
        entries: how many there are.
        size: bytes.
        dropped: entries that could not be read, and so not masked.
    """

    run: str
    entries: int
    size: int
    dropped: int


def run_of(archive: Archive) -> str:
    """The id of the run: as its first entry says, else the header; "" when neither is one."""
    for count, entry in enumerate(archive.entries()):
        if count > OPENING_ENTRIES_MAX:
            break
        if entry.stream == LOG and entry.kind == RunOpened.KIND:
            signed = understood(entry)
            if isinstance(signed, ByMaster) and isinstance(signed.event, RunOpened):
                return signed.event.run if is_name(signed.event.run) else ""
    said = archive.header.get("run")
    return said if isinstance(said, str) and is_name(said) else ""


# ------------------------------------------------------------------ out


def export(path: Path, out: Path, kinds: tuple[str, ...] = ()) -> Written:
    """Write a run with all its parts into one new file; `kinds`: what of it is masked (`masking.KINDS`).

    A block at a time is in memory, and the state.

    Raises:
        ArchiveDamaged: the archive cannot be read to its end.
        UsageError: the file is there already or cannot be written.
    """
    with Archive.open(path) as archive:
        archive.demand_entries()
        return _write(archive, out, Mask(kinds) if kinds else None)


def refold(path: Path, out: Path) -> Written:
    """Write a recording of our own with keyframes and hashes as this version makes them; its entries stay as they are.

    A new shape of the state leaves nothing to compare in what ships with the package: this saves recording it again.
    No user's run is changed so: what its master saw would be lost. Errors as of `export`.
    """
    with Archive.open(path) as archive:
        return _write(archive, out, Mask(()), is_ours=True)


def _write(archive: Archive, out: Path, mask: Mask | None, *, is_ours: bool = False) -> Written:
    header = dict(archive.header)
    if mask is not None and not is_ours:
        header |= {"masked": list(mask.kinds)} | ({"host": ""} if HOSTS in mask.kinds else {})
    run = run_of(archive)
    try:
        writer = ArchiveWriter(out, header)
    except FileExistsError:
        raise UsageError(f"{out} is there already; -o FILE names another") from None
    except OSError as error:
        raise cannot_write(out, error) from None
    try:
        archive.copy_to(writer) if mask is None else _Masking(archive, writer, mask, is_ours=is_ours).run()
        writer.close(final=archive.final)
    except OSError as error:
        out.unlink(missing_ok=True)
        raise cannot_write(out, error) from None
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    return Written(run, writer.count, out.stat().st_size, mask.dropped if mask is not None else 0)


class _Masking:
    """One pass through an archive that writes its masked copy."""

    def __init__(self, archive: Archive, writer: ArchiveWriter, mask: Mask, *, is_ours: bool) -> None:
        self._archive, self._writer, self._mask = archive, writer, mask
        self._is_ours = is_ours
        self._state = State()
        self._claimed: set[Place] = set()
        self._hashes: dict[Place, str] = {}
        self._chains = Chains(())

    def run(self) -> None:
        """Learn all names first, then write."""
        links: list[Link] = []
        for entry in self._archive.entries():
            self._mask.learn(entry)
            if (said := checkpoint_of(entry)) is not None:
                self._claimed.add(place_of(said))
                links += filter(None, [self._link_of(entry, said)])
        self._chains = Chains(links)
        repeats = Repeats()
        for block in self._archive.blocks:
            if block.kind == ENTRIES:
                for entry in filter(repeats.is_new, self._archive.read_entries(block)):
                    self._take(entry)
            elif block.kind == KEYFRAME:
                self._keyframe(block)

    def _take(self, entry: Entry) -> None:
        said = checkpoint_of(entry)
        masked = self._mask.entry(entry, self._anew(entry, said) if said is not None else None)
        if masked is None:
            return
        self._writer.add(masked)
        self._chains.take(masked)
        fold_entry(self._state, masked)
        place = (self._state.position[LOG], self._state.position[REPORTS])
        if place in self._claimed:
            self._hashes[place] = self._state.digest()

    def _link_of(self, entry: Entry, said: Checkpoint) -> Link | None:
        link = link_of(said, entry.id.ms)
        return link or (Link((ZERO_ID, ZERO_ID), place_of(said), "", entry.id.ms) if self._is_ours else None)

    def _anew(self, entry: Entry, said: Checkpoint) -> Checkpoint:
        """What a checkpoint says of the copy: its chain can be made anew in any case, its state by our own rules."""
        sha256 = self._hashes.pop(place_of(said), "")
        link = self._link_of(entry, said)
        chain = self._chains.link(link) if link is not None else ""
        if sha256 and (self._is_ours or said.rules == own_rules()):
            return replace(said, sha256=sha256, rules=own_rules(), chain=chain)
        return replace(said, rules=RULES_OF_NOBODY, chain=chain)

    def _keyframe(self, block: Block) -> None:
        """The state that was folded so far stands for the recorded one; where entries are missing, that one does."""
        keyframe = self._archive.read_keyframe(block)
        if keyframe is None:
            return
        if block.entries and any(self._state.position[name] < at for name, at in keyframe.position.items()):
            try:
                self._state = self._mask.state(unpack(keyframe.state, STATE_BYTES_MAX))
            except (BadEntry, ValueError):
                raise ArchiveDamaged(f"the keyframe at byte {block.offset} is none: it cannot be masked") from None
        position = self._state.position
        self._writer.keyframe(
            self._state.packed(), position[LOG], position[REPORTS], keyframe.at_ms, opening=bool(block.entries)
        )


# ------------------------------------------------------------------ in


def take_in(path: Path, run: str = "") -> Written:
    """Copy an archive among this machine's own; `run`: under another id than its own.

    What is read is held to its checksums, a block at a time; its bytes are never executed nor trusted.

    Raises:
        NotAnArchive, ArchiveDamaged, SchemaTooNew: it will not do.
        UsageError: a run of this id is here already.
    """
    with Archive.open(path) as archive:
        archive.demand_entries()
        run = paths.checked(run) if run else run_of(archive)
        if not run:
            raise ArchiveDamaged(f"{path} does not say which run it is; name it: --as RUN")
        target = paths.archive_path(run)
        if target.exists() or part_paths(target):
            raise UsageError(f"run {run} is here already ({target}); take it in as another: --as RUN")
        draft = target.with_name(f".{target.name}.import")
        draft.unlink(missing_ok=True)
        written = _write(archive, draft, None)._replace(run=run)
        last_s = archive.last_ms / 1000
    if 0 < last_s < 1 << 33:
        os.utime(draft, (last_s, last_s))  # `latest` goes by it: an old run stays old
    draft.replace(target)
    return written


# ------------------------------------------------------------------ what is whole


def salvage(run_path: Path, out: Path) -> tuple[int, int]:
    """Write what is whole of a run into a new archive; how many entries, and how many places were damaged.

    A block at a time is in memory. Keyframes are kept: each covers everything before it, also what is lost.

    Raises:
        OSError: `out` is there already or cannot be written.
        ArchiveDamaged: nothing could be saved.
    """
    with Archive.open(run_path, salvage=True) as archive:
        writer = ArchiveWriter(out, {**archive.header, "salvaged": True})
        try:
            archive.copy_to(writer)
            writer.close(final=archive.final)
            _check_saved(out, run_path)
        except BaseException:
            out.unlink(missing_ok=True)
            raise
        return writer.count, archive.damaged


def _check_saved(out: Path, run_path: Path) -> None:
    with Archive.open(out) as saved:
        if saved.is_empty:
            raise ArchiveDamaged(f"nothing could be saved from {run_path}")
