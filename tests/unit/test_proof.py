"""Provable replay: what a master recorded replays to the hashes it wrote, and anything else is said."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recordings import Shop, entries

from tidal.archive import Archive, ArchiveWriter, part_path
from tidal.archive_file import HEAD_STRUCT, KEYFRAME
from tidal.cli.replay import arguments, run
from tidal.errors import ReplayDiffers, ReplayUnproven, TidalError
from tidal.model import events as ev
from tidal.model.chain import Chain
from tidal.model.codec import ENTRY_BYTES_MAX, LOG, REPORTS, Entry, EntryId, decode, encode, entry_of
from tidal.model.fold import fold_entry
from tidal.model.masking import KINDS
from tidal.model.state import State, digest_of, own_rules
from tidal.model.struct import replace
from tidal.portable import export, refold
from tidal.proof import Watch, demand, prove, told
from tidal.replay import ReplayFeed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOP = Shop(seconds=40)
EVERY = 30
"""Entries between two keyframes."""


class Master:
    """Writes as a master does: every so often a keyframe, and a checkpoint that names what it covers."""

    def __init__(
        self,
        path: Path,
        state: State | None = None,
        epoch: int = 1,
        rules: str = own_rules(),
        *,
        has_chain: bool = True,
    ) -> None:
        self.state = state or State()
        self.chain, self.has_chain = Chain(self.state.position), has_chain
        self.writer = ArchiveWriter(path, {"run": "r1"})
        self.epoch, self.n, self.rules = epoch, 0, rules
        if state is not None:  # a successor's part begins with the state that it goes on from
            at = state.position
            self.writer.keyframe(state.packed(), at[LOG], at[REPORTS], at[LOG].ms, opening=True)

    def take(self, entry: Entry) -> None:
        """An entry came back through its stream."""
        self.writer.add(entry)
        self.chain.take(entry)
        fold_entry(self.state, entry)

    def append(self, entry: Entry) -> None:
        """One of its own, renumbered."""
        signed = decode(entry)
        assert isinstance(signed, ev.ByMaster)
        self.n += 1
        self.take(entry_of(LOG, entry.id, encode(replace(signed, epoch=self.epoch, n=self.n))))

    def keyframe(self) -> None:
        """Store the state, write its hash down."""
        packed, position = self.state.packed(), dict(self.state.position)
        at_ms = position[LOG].ms
        self.writer.keyframe(packed, position[LOG], position[REPORTS], at_ms)
        named = ev.Checkpoint(str(position[LOG]), str(position[REPORTS]), digest_of(packed), self.rules)
        if self.has_chain:
            since = {f"{stream}_since": str(at) for stream, at in self.chain.since.items()}
            named = replace(named, chain=self.chain.link(), **since)
        entry_id = EntryId(at_ms, position[LOG].seq + 1)
        self.append(entry_of(LOG, entry_id, encode(ev.ByMaster(1, 1, at_ms, named))))


def spread(shop: Shop = SHOP) -> Iterator[Entry]:
    """The shop's entries with room between the ids of the log."""
    for entry in entries(shop):
        yield replace(entry, id=EntryId(entry.id.ms, entry.id.seq * 10)) if entry.stream == LOG else entry


def record(path: Path, shop: Shop = SHOP, rules: str = own_rules(), *, has_chain: bool = True) -> Path:
    """The run, as one master recorded it."""
    master = Master(path, rules=rules, has_chain=has_chain)
    for number, entry in enumerate(spread(shop)):
        (master.append if entry.stream == LOG else master.take)(entry)
        if number % EVERY == EVERY - 1:
            master.keyframe()
            master.writer.sync()
    master.writer.close(final=True)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording."""
    return record(tmp_path_factory.mktemp("proof") / "r1.tidal")


def rewritten(source: Path, out: Path, change: int | None = None, *, keyframe: int | None = None) -> Path:
    """The archive written anew with good checksums, one entry or keyframe changed as nobody ever wrote it."""
    with Archive.open(source) as archive:
        writer, number, frames = ArchiveWriter(out, archive.header), 0, 0
        for block in archive.blocks:
            if block.kind == KEYFRAME:
                stored = archive.read_keyframe(block)
                assert stored is not None
                packed = stored.state.replace(b"ann@laptop", b"eve@laptop") if frames == keyframe else stored.state
                frames += 1
                writer.keyframe(packed, stored.log_id, stored.reports_id, stored.at_ms)
                continue
            for entry in archive.read_entries(block) if block.entries else []:
                number += 1
                writer.add(_changed(entry) if number == change else entry)
        writer.close(final=True)
    return out


def _changed(entry: Entry) -> Entry:
    """A report with one request more than was measured."""
    signed = decode(entry)
    assert isinstance(signed, ev.ByWorker)
    assert isinstance(signed.event, ev.Reported)
    tally = next(iter(signed.event.blocks[0].tallies.values()))
    tally.add(1_000, 10, failed=False)
    return entry_of(REPORTS, entry.id, encode(signed))


# ------------------------------------------------------------------ agreement


def test_what_was_recorded_agrees(whole: Path) -> None:
    """At every checkpoint."""
    with Archive.open(whole) as archive:
        proof = demand(archive)
        keyframes = sum(block.kind == KEYFRAME for block in archive.blocks)
    assert proof.agreed == keyframes == 4
    assert (proof.differs, proof.foreign, proof.bridged) == (None, 0, 0)
    assert (proof.chain.agreed, proof.chain.missing) == (4, 0)


def test_the_archive_of_two_masters_agrees(tmp_path: Path) -> None:
    """The second began at the first's keyframe, further back than the first had archived, and read on from there."""
    path, first = tmp_path / "r1.tidal", Master(part_path(tmp_path / "r1.tidal", 1))
    told_all = list(spread())
    for number, entry in enumerate(told_all[:75]):
        (first.append if entry.stream == LOG else first.take)(entry)
        if number == 50:
            first.keyframe()
            stored = State.from_wire(first.state.to_wire())
    first.writer.close()
    with Archive.open(path) as archive:
        seen = [e for e in archive.entries() if e.id > stored.position[e.stream]]
    second = Master(part_path(path, 2), stored, epoch=2)
    log, reports = [e for e in seen if e.stream == LOG], [e for e in seen if e.stream == REPORTS]
    for entry in [*log, *reports[:2]]:  # the log to its end, the reports not so far as the first had read
        second.take(entry)
    second.keyframe()
    for entry in [*reports[2:], *told_all[75:]]:
        (second.append if entry.stream == LOG and entry.id > second.state.position[LOG] else second.take)(entry)
    second.keyframe()
    second.writer.close(final=True)
    with Archive.open(path) as archive:
        proof = demand(archive)
        assert (proof.agreed, proof.chain.agreed) == (3, 3)


def test_a_recording_without_its_beginning_agrees_from_its_keyframe(tmp_path: Path) -> None:
    """The first part is on another machine: what it held is covered by a keyframe, which is said."""
    begin = Master(tmp_path / "elsewhere.tidal")
    told_all = list(spread())
    for entry in told_all[:60]:
        (begin.append if entry.stream == LOG else begin.take)(entry)
    begin.writer.close()
    master = Master(tmp_path / "r1.tidal", begin.state, epoch=2)
    for entry in told_all[60:]:
        (master.append if entry.stream == LOG else master.take)(entry)
    master.keyframe()
    master.writer.close(final=True)
    with Archive.open(tmp_path / "r1.tidal") as archive:
        assert demand(archive).agreed == 1


def test_an_entry_that_is_too_large_agrees(tmp_path: Path) -> None:
    """It is archived cut; what the fold says of it must not depend on how much of it there was."""
    master = Master(tmp_path / "r1.tidal")
    for number, entry in enumerate(spread()):
        (master.append if entry.stream == LOG else master.take)(entry)
        if number == 60:
            master.take(Entry(REPORTS, EntryId(entry.id.ms, 77), "rp", 1, b"\x01" * (2 * ENTRY_BYTES_MAX)))
    master.keyframe()
    master.writer.close(final=True)
    with Archive.open(tmp_path / "r1.tidal") as archive:
        assert demand(archive).agreed == 1


# ------------------------------------------------------------------ differences


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_that_is_another_is_said(whole: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Wherever it lies: in the head, a block, a keyframe, the end."""
    raw = bytearray(whole.read_bytes())
    at, mask = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(1, 255))
    raw[at] ^= mask
    path = tmp_path / "flipped.tidal"
    path.write_bytes(raw)
    with pytest.raises(TidalError), Archive.open(path) as archive:
        demand(archive)


@pytest.mark.parametrize("mask", [1, 128, 255])
def test_any_byte_of_the_head_that_is_another_is_said(whole: Path, tmp_path: Path, mask: int) -> None:
    """Its version too, which no checksum covers."""
    raw = whole.read_bytes()
    for at in range(HEAD_STRUCT.size):
        path = tmp_path / f"{at}.tidal"
        path.write_bytes(raw[:at] + bytes([raw[at] ^ mask]) + raw[at + 1 :])
        with pytest.raises(TidalError), Archive.open(path) as archive:
            demand(archive)


@pytest.mark.parametrize("number", [20, 70, 110])
def test_an_entry_that_nobody_wrote_is_said_with_its_place(whole: Path, tmp_path: Path, number: int) -> None:
    """With every checksum right: the first checkpoint after it, and up to when all was as recorded."""
    with Archive.open(whole) as archive:
        reports = [i for i, e in enumerate(archive.entries(), 1) if e.kind == ev.Reported.KIND and i >= number]
    path = rewritten(whole, tmp_path / "r1.tidal", change=reports[0])
    with Archive.open(path) as archive:
        assert archive.find_damage() == []
        proof = prove(archive)
        assert proof.differs is not None
        assert proof.differs.at_ms > proof.last_ms
        with pytest.raises(ReplayDiffers, match="differs from what was recorded: first at the"):
            demand(archive)


def test_a_keyframe_that_is_no_fold_is_said(whole: Path, tmp_path: Path) -> None:
    """Seeking would begin there."""
    with Archive.open(rewritten(whole, tmp_path / "r1.tidal", keyframe=2)) as archive:
        assert prove(archive).differs is not None
        assert "the keyframe of" in told(prove(archive))


def test_a_checkpoint_of_entries_that_are_not_there_is_said(tmp_path: Path) -> None:
    """The archive was cut in its middle, and its blocks put together again."""
    path = record(tmp_path / "r1.tidal")
    with Archive.open(path) as archive:
        writer = ArchiveWriter(tmp_path / "cut.tidal", archive.header)
        for number, entry in enumerate(archive.entries()):
            if not 60 <= number < 100:
                writer.add(entry)
        writer.close(final=True)
    with Archive.open(tmp_path / "cut.tidal") as archive, pytest.raises(ReplayDiffers):
        demand(archive)


def test_hashes_by_other_rules_prove_nothing(tmp_path: Path) -> None:
    """Another version of tidal folds to another state: that is no difference, and no proof without a chain."""
    path = record(tmp_path / "r1.tidal", rules="0.another", has_chain=False)
    with Archive.open(path) as archive:
        assert prove(archive).differs is None
        with pytest.raises(ReplayUnproven, match="of another version"):
            demand(archive)


# ------------------------------------------------------------------ of another version


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording whose states have another shape."""
    return record(tmp_path_factory.mktemp("older") / "r1.tidal", rules="0.another")


def test_an_archive_of_another_version_is_proved_by_its_bytes(older: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is wrong with it: it ends with 0, and what cannot be compared is said."""
    assert tidal_replay(older, "--verify") == 0
    told_all = capsys.readouterr()
    assert "the log is whole: its chain of hashes holds at 4 checkpoints" in told_all.out
    assert "agree" not in told_all.out
    assert "4 checkpoints of another version of tidal" in told_all.err


@pytest.mark.parametrize("number", [1, 20, 70, 110])
def test_bytes_that_are_others_are_said_without_a_state(older: Path, tmp_path: Path, number: int) -> None:
    """Of a log or a report: any byte that the fold would not even look at."""
    with Archive.open(older) as archive:
        writer = ArchiveWriter(tmp_path / "r1.tidal", archive.header)
        for index, entry in enumerate(archive.entries(), 1):
            writer.add(replace(entry, data=entry.data + b"\xc0") if index == number else entry)
        writer.close(final=True)
    with Archive.open(tmp_path / "r1.tidal") as archive, pytest.raises(ReplayDiffers, match="entries are not those"):
        demand(archive)


@pytest.mark.parametrize(("first", "end"), [(0, 25), (40, 41), (60, 90)])
def test_entries_that_are_missing_are_said_without_a_state(older: Path, tmp_path: Path, first: int, end: int) -> None:
    """From the beginning, in the middle, a checkpoint with all that it covers."""
    with Archive.open(older) as archive:
        writer = ArchiveWriter(tmp_path / "r1.tidal", archive.header)
        for index, entry in enumerate(archive.entries()):
            if not first <= index < end:
                writer.add(entry)
        writer.close(final=True)
    with Archive.open(tmp_path / "r1.tidal") as archive, pytest.raises(ReplayDiffers):
        demand(archive)


def test_a_masked_copy_of_another_version_has_a_chain_of_its_own(older: Path, tmp_path: Path) -> None:
    """Its states cannot be made anew by this version, its bytes can be held together."""
    export(older, tmp_path / "out.tidal", KINDS)
    with Archive.open(tmp_path / "out.tidal") as archive:
        proof = demand(archive)
    assert (proof.agreed, proof.foreign, proof.chain.agreed) == (0, 4, 4)


def test_our_own_recordings_are_folded_anew(tmp_path: Path) -> None:
    """As if this version had recorded them; what happened stays, byte for byte, but for the hashes."""
    old = record(tmp_path / "old.tidal", rules="0.another", has_chain=False)
    refold(old, tmp_path / "new.tidal")
    with Archive.open(tmp_path / "new.tidal") as new, Archive.open(old) as before:
        proof = demand(new)
        assert (proof.agreed, proof.foreign, proof.chain.agreed) == (4, 0, 4)
        assert new.header == before.header
        pairs = list(zip(new.entries(), before.entries(), strict=True))
        assert all(a == b for a, b in pairs if a.kind != ev.Checkpoint.KIND)


@given(cuts=st.lists(st.integers(0, 200), max_size=6))
def test_a_chain_is_the_same_however_it_was_read(cuts: list[int]) -> None:
    """Repeats and the order between the streams do not matter: what was there before is passed over."""
    told_all = list(spread())
    once, again = Chain(), Chain()
    for entry in told_all:
        once.take(entry)
    for cut in cuts:
        for entry in told_all[:cut]:
            again.take(entry)
    for stream in (REPORTS, LOG):
        for entry in told_all:
            if entry.stream == stream:
                again.take(entry)
    assert once.link() == again.link()


def tidal_replay(*words: object) -> int:
    """`tidal replay`, as it is called."""
    parser = argparse.ArgumentParser()
    arguments(parser)
    return run(parser.parse_args([str(word) for word in words]))


# ------------------------------------------------------------------ where people see it


def test_the_command_says_how_many_agree(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And ends with 0."""
    assert tidal_replay(whole, "--verify") == 0
    assert "checkpoints agree" in capsys.readouterr().out


def test_a_watch_that_is_held_does_nothing(whole: Path) -> None:
    """A picture that is waited for has the machine to itself; then the watch goes on to its end."""
    rests: list[int] = []
    with Archive.open(whole) as archive:
        assert prove(archive, rest=lambda: rests.append(1)).agreed == 4
        assert len(rests) > archive.count // 50
    archive = Archive.open(whole)
    watch = Watch(archive)
    with watch.held(), watch.held():
        pass
    assert watch.ended.wait(60)
    with watch.held():
        watch.close()  # also while it stands still
    assert not watch.trouble
    archive.close()


def test_a_replay_that_is_looked_at_says_it(whole: Path, tmp_path: Path) -> None:
    """As trouble of the feed, which the screen shows loudly."""
    for path, what in ((whole, ""), (rewritten(whole, tmp_path / "r1.tidal", keyframe=1), "differs")):
        archive = Archive.open(path)
        watch = Watch(archive)
        feed = ReplayFeed(archive, watch=watch)
        assert watch.ended.wait(60)
        assert what in feed.trouble()
        assert bool(feed.trouble()) == bool(what)
        checked = feed.checked()
        assert checked is not None
        assert checked.is_done
        assert (checked.differs_ms is not None) == bool(what)
        assert checked.of > 0
        assert (checked.agreed == checked.of) == (not what)
        feed.close()


def test_the_first_difference_is_named_by_its_moment_of_the_load(whole: Path, tmp_path: Path) -> None:
    """Not by the clock, wherever in the archive it is."""
    with Archive.open(rewritten(whole, tmp_path / "r1.tidal", keyframe=1)) as archive:
        assert re.search(r"first at the keyframe of \d?\d:\d\d ", told(prove(archive)))


def test_a_recording_of_another_version_is_proved_by_its_bytes_on_the_screen(tmp_path: Path) -> None:
    """Its states have another shape; without a chain nothing is proved, and that is no trouble."""
    for has_chain in (True, False):
        path = record(tmp_path / f"{has_chain}.tidal", rules="0.another", has_chain=has_chain)
        with Archive.open(path) as archive:
            watch = Watch(archive)
            assert watch.ended.wait(60)
            watch.close()
            assert watch.trouble == ""
            assert watch.checked.foreign == watch.checked.of > 0
            assert watch.checked.is_chain == has_chain
            assert bool(watch.checked.agreed) == has_chain
