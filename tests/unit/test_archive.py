"""The archive: what was synced is there again, and what is not to be believed is not believed."""

from __future__ import annotations

import os
import resource
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal import archive_file
from tidal.archive import Archive, ArchiveWriter, Keyframe, finish, part_path, part_paths
from tidal.errors import ArchiveDamaged, NotAnArchive, SchemaTooNew, TidalError
from tidal.model.codec import ENTRY_BYTES_MAX, INTENTS, LOG, REPORTS, Entry, EntryId, pack
from tidal.model.state import own_rules

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER = {"run": "r1", "epoch": 7}


def entry(ms: int, data: bytes = b"data", stream: str = LOG, seq: int = 0) -> Entry:
    """An entry that is told by its id."""
    return Entry(stream, EntryId(ms, seq), "tk", 1, data)


def written(path: Path, entries: Iterable[Entry], *, sync_each: bool = False, final: bool = True) -> Path:
    """A file with these entries."""
    writer = ArchiveWriter(path, HEADER)
    for item in entries:
        writer.add(item)
        if sync_each:
            writer.sync()
    writer.close(final=final)
    return path


def read(path: Path, *, salvage: bool = False) -> list[Entry]:
    """All entries of a file."""
    with Archive.open(path, salvage=salvage) as archive:
        return list(archive.entries())


ENTRIES = st.builds(
    Entry,
    st.sampled_from([LOG, REPORTS, INTENTS]),
    st.builds(EntryId, st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1)),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=16),
    st.integers(0, 1 << 31),
    st.binary(max_size=300),
)
STEPS = st.lists(
    st.one_of(ENTRIES, st.just("sync"), st.binary(max_size=100).map(lambda b: ("keyframe", b))), max_size=40
)


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_round_trip(steps: list[Entry | str | tuple[str, bytes]]) -> None:
    """Whatever is added comes back, in order, wherever syncs and keyframes fall."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.tidal"
        writer = ArchiveWriter(path, HEADER)
        added: list[Entry] = []
        frames: list[Keyframe] = []
        for step in steps:
            if isinstance(step, Entry):
                writer.add(step)
                added.append(step)
            elif isinstance(step, str):
                writer.sync()
            else:
                frame = Keyframe(len(frames), step[1], EntryId(1, 2), EntryId(3, 4), len(added), own_rules())
                assert writer.keyframe(frame.state, frame.log_id, frame.reports_id, frame.at_ms)
                frames.append(frame)
        writer.close()
        with Archive.open(path) as archive:
            assert list(archive.entries()) == added
            assert [archive.read_keyframe(b) for b in archive.blocks if b.kind == archive_file.KEYFRAME] == frames
            assert (archive.count, archive.torn, archive.final) == (len(added), False, False)
            assert archive.header == {**HEADER, "schema": 1}


def test_entries_from_a_position(tmp_path: Path) -> None:
    """A position is an index: reading goes on where it was left, within a block and between blocks."""
    entries = [entry(i) for i in range(20)]
    path = tmp_path / "r.tidal"
    writer = ArchiveWriter(path, HEADER)
    for i, item in enumerate(entries):
        writer.add(item)
        if i % 7 == 6:
            writer.sync()
    writer.close()
    with Archive.open(path) as archive:
        for after in range(22):
            assert list(archive.entries(after)) == entries[after:]


def test_what_is_synced_is_readable_while_writing_goes_on(tmp_path: Path) -> None:
    """A synced entry is there for a reader at once; one that is not synced is not."""
    writer = ArchiveWriter(tmp_path / "r.tidal", HEADER)
    writer.add(entry(1))
    writer.sync()
    writer.add(entry(2))
    assert read(tmp_path / "r.tidal") == [entry(1)]
    writer.close()
    assert read(tmp_path / "r.tidal") == [entry(1), entry(2)]


def test_blocks_are_bounded(tmp_path: Path) -> None:
    """Memory does not grow with what is added: a block is written when it is full, without a sync."""
    writer = ArchiveWriter(tmp_path / "r.tidal", HEADER)
    entries = [entry(i, os.urandom(200_000)) for i in range(20)]
    for item in entries:
        writer.add(item)
        assert writer._bytes <= archive_file.BLOCK_BYTES_MAX
    writer.close()
    with Archive.open(tmp_path / "r.tidal") as archive:
        assert list(archive.entries()) == entries
        assert len(archive.blocks) >= 4


def test_oversized_entry_is_kept_cut(tmp_path: Path) -> None:
    """An entry that the codec refuses for its size stays an entry that it refuses."""
    huge = Entry(REPORTS, EntryId(1, 0), "k" * 99, 10**30, b"x" * (20 * ENTRY_BYTES_MAX))
    (got,) = read(written(tmp_path / "r.tidal", [huge]))
    assert (len(got.data), got.kind, got.version) == (ENTRY_BYTES_MAX + 1, "k" * 16, (1 << 63) - 1)


def test_times_are_those_of_the_log(tmp_path: Path) -> None:
    """The span of a run is what masters wrote: a worker's entries may claim any time."""
    entries = [entry(5, stream=REPORTS), entry(10), entry(20), entry(10**15, stream=REPORTS)]
    with Archive.open(written(tmp_path / "r.tidal", entries, sync_each=True)) as archive:
        assert (archive.first_ms, archive.last_ms, archive.final) == (10, 20, True)
    with Archive.open(written(tmp_path / "empty.tidal", [])) as archive:
        assert (archive.first_ms, archive.last_ms, archive.count) == (0, 0, 0)


def test_a_keyframe_stands_after_what_it_covers(tmp_path: Path) -> None:
    """Whoever begins from it goes on with the entries from there."""
    writer = ArchiveWriter(tmp_path / "r.tidal", HEADER)
    for second in range(1, 6):
        writer.add(entry(second * 1000))
        writer.keyframe(b"state%d" % second, EntryId(second * 1000, 0), EntryId(second * 1000 + 5, 0), second * 1000)
    writer.close()
    with Archive.open(tmp_path / "r.tidal") as archive:
        found = list(archive.keyframes())[2]
        assert (found.state, found.before, found.position[REPORTS]) == (b"state3", 3, EntryId(3005, 0))
        assert list(archive.entries(found.before)) == [entry(4000), entry(5000)]


# ------------------------------------------------------------------ crashes and damage


@pytest.fixture
def sample(tmp_path: Path) -> tuple[bytes, list[Entry]]:
    """The bytes of a small file of several blocks, and its entries."""
    entries = [entry(i, bytes([i]) * 20, REPORTS if i % 3 else LOG) for i in range(1, 9)]
    path = tmp_path / "sample.tidal"
    writer = ArchiveWriter(path, HEADER)
    for i, item in enumerate(entries):
        writer.add(item)
        if i % 2:
            writer.sync()
        if i == 3:
            writer.keyframe(b"state", item.id, item.id, item.id.ms)
    writer.close(final=True)
    return path.read_bytes(), entries


def test_torn_tail_at_every_byte(sample: tuple[bytes, list[Entry]], tmp_path: Path) -> None:
    """Cut anywhere, the file gives a beginning of its entries and says that it is torn, or says why it is none."""
    whole, entries = sample
    path = tmp_path / "cut.tidal"
    lengths = set()
    with Archive.open(tmp_path / "sample.tidal") as archive:
        ends = {block.offset + block.length for block in archive.blocks}
        start = archive.blocks[0].offset - archive_file.BLOCK_SIZE
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        if size < start:
            with pytest.raises(NotAnArchive if size < 8 else ArchiveDamaged):
                Archive.open(path)
            continue
        with Archive.open(path) as archive:
            got = list(archive.entries())
            assert archive.torn == (size not in ends | {start})
            assert not archive.final
        assert got == entries[: len(got)]
        lengths.add(len(got))
    assert lengths == {0, 2, 4, 6, 8}


def test_flipped_bit_at_every_byte(sample: tuple[bytes, list[Entry]], tmp_path: Path) -> None:
    """Whichever byte is flipped, nothing false is read: an error, or a beginning that is called torn."""
    whole, entries = sample
    path = tmp_path / "flipped.tidal"
    outcomes = set()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            with Archive.open(path) as archive:
                got, torn = list(archive.entries()), archive.torn
                frame = next(archive.keyframes(), None)
        except TidalError as error:
            outcomes.add(ArchiveDamaged if isinstance(error, ArchiveDamaged) else type(error))
            continue
        assert torn
        assert got == entries[: len(got)]
        assert frame is None or frame.state == b"state"
        outcomes.add(bool)
    assert outcomes == {NotAnArchive, ArchiveDamaged, SchemaTooNew, bool}


def test_salvage_reads_what_is_whole(sample: tuple[bytes, list[Entry]], tmp_path: Path) -> None:
    """Whichever byte behind the header is flipped, salvaging leaves out one block at most."""
    whole, entries = sample
    path = tmp_path / "flipped.tidal"
    with Archive.open(tmp_path / "sample.tidal") as archive:
        start = archive.blocks[0].offset - archive_file.BLOCK_SIZE
    for at in range(start, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        with Archive.open(path, salvage=True) as archive:
            got = list(archive.entries())
            list(archive.keyframes())
            assert archive.torn or archive.damaged == 1
        assert set(got) <= set(entries)
        assert len(got) >= len(entries) - 2


def test_zeros_at_the_tail_are_torn(sample: tuple[bytes, list[Entry]], tmp_path: Path) -> None:
    """A power cut may leave a file's new length without its bytes."""
    whole, entries = sample
    for tail in (b"\0", b"\0" * 5000, archive_file.MARKER, os.urandom(3_000_000)):
        (tmp_path / "t.tidal").write_bytes(whole + tail)
        with Archive.open(tmp_path / "t.tidal") as archive:
            assert archive.torn
            assert list(archive.entries()) == entries


@pytest.mark.parametrize(
    "content", [b"", b"\x89tid", b"PK\x03\x04zip", b"{}", b"\0" * 4096, b"\x89tidal\n\n" + b"x" * 40]
)
def test_foreign_file(tmp_path: Path, content: bytes) -> None:
    """Another file is no archive, and the message names it."""
    path = tmp_path / "foreign.tidal"
    path.write_bytes(content)
    with pytest.raises(NotAnArchive, match=r"foreign\.tidal"):
        Archive.open(path)


def test_no_file_at_all(tmp_path: Path) -> None:
    """A missing file, a folder and a pipe are no archives, and a pipe does not hang."""
    os.mkfifo(tmp_path / "pipe.tidal")
    (tmp_path / "folder.tidal").mkdir()
    for name in ("none.tidal", "pipe.tidal", "folder.tidal"):
        with pytest.raises(NotAnArchive, match=name):
            Archive.open(tmp_path / name)


def _head(version: int, length: int, body: bytes = b"") -> bytes:
    return archive_file.HEAD_STRUCT.pack(archive_file.MAGIC, version, length, zlib.crc32(body)) + body


def test_newer_versions_are_refused(tmp_path: Path) -> None:
    """A file of a newer format or schema is told as that, not as damage."""
    body = pack({"run": "r", "schema": 99})
    for content in (_head(2, 5), _head(1, len(body), body)):
        (tmp_path / "new.tidal").write_bytes(content)
        with pytest.raises(SchemaTooNew, match=r"new\.tidal"):
            Archive.open(tmp_path / "new.tidal")


def test_claimed_sizes_are_not_believed(tmp_path: Path) -> None:
    """A header or a block that claims gigabytes costs nothing."""
    path = tmp_path / "big.tidal"
    path.write_bytes(_head(1, 0xFFFFFFFF) + b"x" * 100)
    with pytest.raises(ArchiveDamaged, match="4294967295"):
        Archive.open(path)
    good = written(tmp_path / "good.tidal", [entry(1)]).read_bytes()
    with path.open("wb") as file:
        file.write(good)
        head = archive_file.BLOCK_STRUCT.pack(archive_file.MARKER, 1, 0, 0, 1, 0xFFFFFFFF, 0)
        file.write(head + archive_file.CRC_STRUCT.pack(zlib.crc32(head)))
        file.truncate(10 * (1 << 30))  # sparse: the ten gigabytes are really there to be read
    with pytest.raises(ArchiveDamaged, match=f"damaged at byte {len(good)}"):
        Archive.open(path)
    assert read(path, salvage=True) == [entry(1)]


def _with_block(path: Path, plain: bytes, count: int = 1, kind: int = archive_file.ENTRIES) -> Path:
    writer = ArchiveWriter(path, HEADER)
    writer.add(entry(1))
    writer.sync()
    writer._block(kind, 0, 0, count, plain)
    writer.add(entry(2))
    writer.close()
    return path


BAD_ROWS = [
    b"\0" * (32 << 20),  # zlib makes 32 KB of it
    pack("no rows"),
    pack(None),
    pack([[0, 1, 2, "k", 1]]),
    pack([[9, 1, 2, "k", 1, b""]]),
    pack([[0, "1", 2, "k", 1, b""]]),
    pack([[0, 1, 2, b"k", 1, b""]]),
    pack([[0, 1, 2, "k", 1, "text"]]),
    pack([[0, 1, 2, "k", 1, b""]] * 2),
    b"\xc1",
]


@pytest.mark.parametrize("plain", BAD_ROWS, ids=range(len(BAD_ROWS)))
def test_block_that_lies_is_damage(tmp_path: Path, plain: bytes) -> None:
    """A block whose checksums fit but which is a bomb or nonsense is damage, and salvaging goes around it."""
    path = _with_block(tmp_path / "r.tidal", plain)
    with pytest.raises(ArchiveDamaged):
        read(path)
    got = read(path, salvage=True)
    assert (got[0], got[-1]) == (entry(1), entry(2))


def test_unknown_kind_of_block_is_skipped(tmp_path: Path) -> None:
    """A kind of block that this version does not know does no harm."""
    assert read(_with_block(tmp_path / "r.tidal", b"whatever", kind=77)) == [entry(1), entry(2)]


def test_full_disk(tmp_path: Path) -> None:
    """A write that fails raises, leaves no half block, loses nothing and may be made again."""
    path = tmp_path / "r.tidal"
    writer = ArchiveWriter(path, HEADER)
    first, second = entry(1), entry(2, os.urandom(60_000))
    writer.add(first)
    writer.sync()
    writer.add(second)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20_000, limits[1]))
    try:
        for _ in range(2):
            with pytest.raises(OSError, match="too large"):
                writer.sync()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with Archive.open(path) as archive:
        assert (list(archive.entries()), archive.torn) == ([first], False)
    writer.close()
    assert read(path) == [first, second]


def test_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    """An archive holds what was tested against what: others may not read it, and a second writer may not have it."""
    path = written(tmp_path / "runs" / "r.tidal", [])
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        ArchiveWriter(path, HEADER)


# ------------------------------------------------------------------ parts


def test_parts_join_on_opening(tmp_path: Path) -> None:
    """The parts of successive masters are one run: in the order of epochs, without the overlap's repeats."""
    run = tmp_path / "r.tidal"
    written(part_path(run, 10), [entry(i) for i in (4, 5, 6)])
    written(part_path(run, 9), [entry(i) for i in (1, 2, 3, 4)], final=False)
    written(part_path(tmp_path / "other.tidal", 1), [entry(99)])
    (tmp_path / "r.tidal.part-x").write_bytes(b"not ours")
    with Archive.open(run) as archive:
        assert [e.id.ms for e in archive.entries()] == [1, 2, 3, 4, 5, 6]
        assert (archive.count, archive.final, archive.first_ms, archive.last_ms) == (7, True, 1, 6)


def test_same_id_on_another_stream_is_no_repeat(tmp_path: Path) -> None:
    """The two streams give out ids of their own."""
    run = tmp_path / "r.tidal"
    written(part_path(run, 1), [entry(1, stream=LOG)])
    written(part_path(run, 2), [entry(1, stream=REPORTS), entry(1, stream=LOG), entry(1, stream=LOG, seq=1)])
    assert len(read(run)) == 3


def test_part_without_a_header_is_left_out(tmp_path: Path) -> None:
    """A master that died as it began does not spoil what others wrote; alone it is told as damage."""
    run = tmp_path / "r.tidal"
    written(part_path(run, 1), [entry(1)])
    part_path(run, 2).write_bytes(archive_file.MAGIC + b"\0")
    with Archive.open(run) as archive:
        assert archive.torn
        assert list(archive.entries()) == [entry(1)]
    part_path(run, 1).unlink()
    with pytest.raises(ArchiveDamaged, match="nothing was archived"):
        Archive.open(run)


def test_finish_one_part(tmp_path: Path) -> None:
    """One part becomes the run's file."""
    run = tmp_path / "r.tidal"
    written(part_path(run, 1), [entry(1)])
    assert finish(run) == run
    assert read(run) == [entry(1)]
    assert part_paths(run) == []
    assert finish(run) == run


def test_finish_several_parts(tmp_path: Path) -> None:
    """Parts become one file without repeats and with their keyframes at their places; then they are gone."""
    run = tmp_path / "r.tidal"
    writer = ArchiveWriter(part_path(run, 1), HEADER)
    writer.add(entry(1))
    writer.keyframe(b"one", EntryId(1, 0), EntryId(0, 0), 1)
    writer.add(entry(2))
    writer.close()
    torn = part_path(run, 1)
    torn.write_bytes(torn.read_bytes() + b"torn")
    written(part_path(run, 2), [entry(2), entry(3)])
    finish(run)
    assert [p.name for p in tmp_path.iterdir()] == ["r.tidal"]
    with Archive.open(run) as archive:
        assert [e.id.ms for e in archive.entries()] == [1, 2, 3]
        assert next(archive.keyframes()) == Keyframe(1, b"one", EntryId(1, 0), EntryId(0, 0), 1, own_rules())
        assert (archive.final, archive.torn, archive.header["parts"]) == (True, False, [1, 2])


def test_finish_that_died_before_it_removed_the_parts(tmp_path: Path) -> None:
    """Parts that were joined already are not counted twice; a later part still is."""
    run = tmp_path / "r.tidal"
    for epoch in (1, 2):
        written(part_path(run, epoch), [entry(epoch)])
    left = part_path(run, 1).read_bytes()
    finish(run)
    part_path(run, 1).write_bytes(left)
    written(part_path(run, 3), [entry(3)])
    (tmp_path / "r.tidal.joining").write_bytes(b"half")
    assert [e.id.ms for e in read(run)] == [1, 2, 3]
    finish(run)
    assert [e.id.ms for e in read(run)] == [1, 2, 3]
    assert [p.name for p in tmp_path.iterdir()] == ["r.tidal"]


def test_finish_leaves_damage_alone(tmp_path: Path) -> None:
    """Parts that cannot be read whole stay as they are."""
    run = tmp_path / "r.tidal"
    for epoch in (1, 2):
        written(part_path(run, epoch), [entry(epoch), entry(epoch + 10)], sync_each=True)
    part = part_path(run, 1)
    whole = part.read_bytes()
    with Archive.open(part) as archive:
        at = archive.blocks[0].offset
    part.write_bytes(whole[:at] + b"\0\0" + whole[at + 2 :])
    with pytest.raises(ArchiveDamaged):
        finish(run)
    assert not run.exists()
    assert [e.id.ms for e in read(run, salvage=True)] == [11, 2, 12]


def test_many_threads_read(tmp_path: Path) -> None:
    """Two iterations at once do not disturb each other."""
    entries = [entry(i) for i in range(50)]
    with Archive.open(written(tmp_path / "r.tidal", entries, sync_each=True)) as archive:
        pairs = list(zip(archive.entries(), archive.entries(), strict=True))
    assert pairs == [(e, e) for e in entries]
