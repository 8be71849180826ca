"""A replay shows at every moment what the log said then, however it gets there."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.archive import Archive, ArchiveWriter, part_path
from tidal.cli.replay import set_out
from tidal.errors import ArchiveDamaged
from tidal.model import events as ev
from tidal.model.codec import LOG, REPORTS, Entry, EntryId, encode, entry_of
from tidal.model.counting import settle
from tidal.model.fold import fold_entry, fold_loosely
from tidal.model.frame import frame
from tidal.model.state import State, own_rules
from tidal.model.stats import Tally
from tidal.replay import Replay, ReplayFeed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tidal.archive import Keyframe
    from tidal.archive_file import Block

T0 = 1_700_000_000_000
END = T0 + 120_000


def by_master(n: int, ms: int, event: ev.Event) -> Entry:
    """An entry of the log, `ms` after T0."""
    return entry_of(LOG, EntryId(T0 + ms, 0), encode(ev.ByMaster(1, n, T0 + ms, event)))


def by_worker(seq: int, ms: int, at_ms: int | None = None) -> Entry:
    """A report of one second with one request, `ms` after T0; `at_ms` is an id that claims another time."""
    tally = Tally()
    tally.add(1_000 + seq, 10, failed=False)
    block = ev.Block((T0 + ms) // 1000, 1, {("GET", "/"): tally}, {"User": 1_000})
    report = ev.Reported(T0 + ms - 1000, T0 + ms, (block,), users={"User": 1})
    entry_id = EntryId(T0 + ms if at_ms is None else at_ms, 0)
    return entry_of(REPORTS, entry_id, encode(ev.ByWorker("inc", seq, seq, T0 + ms, report)))


def history() -> list[Entry]:
    """Two minutes of a run: a tick and a report a second, which the master read in batches, report first."""
    options = ev.RunOptions(users=1)
    opened = ev.RunOpened("r1", "default", "ann", "f.py", (), (ev.ClassSpec("User", host="http://h"),), options)
    entries = [by_master(1, 0, opened), by_master(2, 10, ev.RunStarted(T0 + 10))]
    for second in range(1, 120):
        entries.append(by_worker(second, second * 1000 + 7))
        entries.append(by_master(second + 2, second * 1000, ev.Ticked((), 400)))
    entries.append(by_master(199, 119_500, ev.StopOrdered("finished", "", "", 0)))
    return [*entries, by_master(200, 120_000, ev.RunClosed("finished", "", 0))]


def folded(entries: Iterable[Entry], until_ms: int = 1 << 64) -> State:
    """The fold of what is not later than a moment."""
    state = State()
    for entry in entries:
        if entry.id.ms <= until_ms:
            fold_entry(state, entry)
    return state


def folded_at_once(entries: Iterable[Entry], until_ms: int = 1 << 64) -> State:
    """The same, counted once at the end: quicker for long ones."""
    state = State()
    for entry in entries:
        if entry.id.ms <= until_ms:
            fold_loosely(state, entry)
    settle(state.reports)
    return state


def record(path: Path, entries: Iterable[Entry], *, every: int | None = 20, state: State | None = None) -> None:
    """Write as a master does: in blocks of seven, with a keyframe after so many entries."""
    state = State() if state is None else state
    writer = ArchiveWriter(path, {"run": "r1"})
    for i, entry in enumerate(entries):
        writer.add(entry)
        fold_entry(state, entry)
        if i % 7 == 6:
            writer.sync()
        if every and i % every == every - 1:
            writer.keyframe(state.packed(), state.position[LOG], state.position[REPORTS], entry.id.ms)
    writer.close(final=state.log.closed is not None)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """The history, recorded with keyframes."""
    record(tmp_path / "r1.tidal", history())
    return Archive.open(tmp_path / "r1.tidal")


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """The time in s."""
        return self.now_s


# ------------------------------------------------------------------ any moment


MOMENTS = st.lists(st.integers(T0 - 2_000, END + 2_000), min_size=1, max_size=12)


@given(moments=MOMENTS, every=st.sampled_from([None, 3, 20, 50]))
@settings(max_examples=40, deadline=None)
def test_any_moment_by_any_way(tmp_path_factory: pytest.TempPathFactory, moments: list[int], every: int | None) -> None:
    """Back and forth, with keyframes or without: the state is the fold of what was written up to then."""
    path = tmp_path_factory.mktemp("replay") / "r1.tidal"
    entries = history()
    record(path, entries, every=every)
    with Archive.open(path) as archive:
        replay = Replay(archive)
        for at_ms in moments:
            expected = folded(entries, max(at_ms, T0))
            assert frame(replay.state_at(at_ms), at_ms) == frame(expected, at_ms)
            assert replay.state_at(at_ms).to_wire()["reports"] == expected.to_wire()["reports"]
        assert replay.final().digest() == folded(entries).digest()


def test_no_entry_is_needed_before_a_keyframe(tmp_path: Path) -> None:
    """Seeking begins at the last keyframe: with every block before it in ruins but the first, it works."""
    path = tmp_path / "r1.tidal"
    record(path, history())
    with Archive.open(path) as archive:
        ruined = [block for block in archive.blocks if 0 < block.before + block.entries <= 180][1:]
    with path.open("r+b") as file:
        for block in ruined:
            file.seek(block.offset)
            file.write(b"\0" * block.length)
    with Archive.open(path) as archive:
        at_ms = T0 + 100_000
        assert frame(Replay(archive).state_at(at_ms), at_ms) == frame(folded(history(), at_ms), at_ms)
        with pytest.raises(ArchiveDamaged):
            Replay(archive).state_at(T0 + 50_000)


def test_future_ids_come_at_the_end(tmp_path: Path) -> None:
    """A worker that dates an entry into the future moves it to the end of the replay, and moves nothing else."""
    entries = history()
    entries.insert(50, by_worker(500, 30_000, at_ms=T0 * 3))
    record(tmp_path / "r1.tidal", entries)
    with Archive.open(tmp_path / "r1.tidal") as archive:
        replay = Replay(archive)
        assert replay.last_ms == END
        for at_ms in range(T0, END, 10_000):
            assert frame(replay.state_at(at_ms), at_ms) == frame(folded(entries, at_ms), at_ms)
        assert replay.final().reports.user_ms == 120_000


def test_parts_of_two_masters(tmp_path: Path) -> None:
    """The second master began at a keyframe and read on: what both archived counts once, at every moment."""
    run, entries = tmp_path / "r1.tidal", history()
    record(part_path(run, 1), entries[:130])
    state = folded(entries[:100])
    writer = ArchiveWriter(part_path(run, 2), {"run": "r1"})
    writer.keyframe(state.packed(), state.position[LOG], state.position[REPORTS], entries[140].id.ms)
    for entry in entries[100:]:
        writer.add(entry)
    writer.close(final=True)
    with Archive.open(run) as archive:
        replay = Replay(archive)
        for at_ms in [*range(T0, END, 7_000), END, T0 + 63_000, T0 + 64_500, T0 + 30_000]:
            expected = folded(entries, at_ms)
            assert frame(replay.state_at(at_ms), at_ms) == frame(expected, at_ms)
        assert replay.final().digest() == folded(entries).digest()
    part_path(run, 1).unlink()
    with Archive.open(run) as archive:
        replay = Replay(archive)
        assert replay.first_ms == entries[140].id.ms
        assert replay.final().digest() == folded(entries).digest()
        assert replay.state_at(0).log.run == "r1"


def test_useless_keyframe_costs_only_time(tmp_path: Path) -> None:
    """A keyframe that cannot be understood is passed over."""
    writer = ArchiveWriter(tmp_path / "r1.tidal", {})
    for i, entry in enumerate(history()):
        writer.add(entry)
        if i % 30 == 0:
            writer.keyframe(b"\xc1" if i % 60 else b"\x80", entry.id, entry.id, entry.id.ms)
    writer.close()
    with Archive.open(tmp_path / "r1.tidal") as archive:
        assert Replay(archive).final().digest() == folded(history()).digest()


def test_keyframes_of_another_version_cost_only_time(tmp_path: Path) -> None:
    """A state without what this version counts would show nothing where there is something: it is folded anew."""
    writer = ArchiveWriter(tmp_path / "r1.tidal", {})
    before, state = State(), State()
    for i, entry in enumerate(history()):
        writer.add(entry)
        fold_entry(state, entry)
        if entry.stream == LOG:
            fold_entry(before, entry)
        if i % 30 == 29:
            writer.keyframe(before.packed(), *state.position.values(), entry.id.ms, rules="another")
    writer.close()
    with Archive.open(tmp_path / "r1.tidal") as archive:
        replay, middle_ms = Replay(archive), (archive.first_ms + archive.last_ms) // 2
        for at_ms in (archive.last_ms, middle_ms, archive.last_ms):
            until_ms = 1 << 64 if at_ms == archive.last_ms else at_ms
            assert replay.state_at(at_ms).digest() == folded(history(), until_ms).digest()


class CountingArchive(Archive):
    """An archive that says how many entries were read of it, and how many keyframes."""

    entries_read = keyframes_read = 0

    def read_keyframe(self, block: Block) -> Keyframe | None:
        """Read it, and count."""
        self.keyframes_read += 1
        return super().read_keyframe(block)

    def read_entries(self, block: Block) -> list[Entry]:
        """Read them, and count."""
        entries = super().read_entries(block)
        self.entries_read += len(entries)
        return entries


def long_history(reports: int) -> list[Entry]:
    """As many reports, four a second and from as many workers, of a run that goes on."""
    entries = history()[:2]
    for n in range(1, reports):
        entries.append(by_worker(n, 1000 + n * 250))
        if n % 20 == 0:
            entries.append(by_master(2 + n // 20, 1000 + n * 250, ev.Ticked((), 400)))
    return entries


@pytest.mark.parametrize("rules", ["another", None], ids=["foreign", "none"])
def test_a_long_way_without_keyframes_is_gone_once(tmp_path: Path, rules: str | None) -> None:
    """Whoever has been at the end gets to any moment from a state kept on the way, and sees the fold of the entries."""
    path, entries = tmp_path / "r1.tidal", long_history(1200)
    moments = [T0 + ms for ms in (290_000, 101_007, 60, 250_000, 120_000)]
    writer = ArchiveWriter(path, {})
    for i, entry in enumerate(entries):
        writer.add(entry)
        if i % 40 == 39:
            writer.sync()
        if rules is not None and i % 400 == 399:
            writer.keyframe(State().packed(), entries[1].id, entry.id, entry.id.ms, rules=rules)
    writer.close()
    with CountingArchive.open(path) as archive:
        replay = Replay(archive)
        assert replay.state_at(archive.last_ms).digest() == folded_at_once(entries).digest()
        archive.entries_read = 0
        for at_ms in moments:
            assert replay.state_at(at_ms).digest() == folded_at_once(entries, at_ms).digest()
        assert archive.entries_read <= len(moments) * 500


@pytest.mark.parametrize("foreign", [{3}, {*range(10, 20)}, {*range(20, 30)}, {*range(30)}])
def test_a_keyframe_of_another_version_is_passed_over_alone(tmp_path: Path, foreign: set[int]) -> None:
    """Where masters of two versions led a run: its other ones are as good as ever, and each foreign one is met once."""
    path, entries, state = tmp_path / "r1.tidal", long_history(2_860), State()
    writer = ArchiveWriter(path, {})
    for i, entry in enumerate(entries):
        writer.add(entry)
        fold_entry(state, entry)
        if i % 20 == 19:
            writer.sync()
        if i % 100 == 99:
            is_foreign = i // 100 in foreign
            packed = State().packed() if is_foreign else state.packed()
            writer.keyframe(
                packed, *state.position.values(), entry.id.ms, rules="another" if is_foreign else own_rules()
            )
    writer.close()
    moments = [T0 + ms for ms in (714_000, 85_000, 500_000, 501_000, 250_000, 714_000, 14_000)]
    with CountingArchive.open(path) as archive:
        replay = Replay(archive)
        replay.state_at(archive.last_ms)
        assert archive.entries_read <= 100 * (len(foreign) + 3)
        shown = [replay.state_at(at_ms).digest() for at_ms in moments]
        assert shown == [_digest_at(at_ms) for at_ms in moments]
        archive.entries_read = archive.keyframes_read = 0
        assert [replay.state_at(at_ms).digest() for at_ms in moments] == shown
        assert archive.entries_read <= len(moments) * 700
        assert archive.keyframes_read <= len(moments)


@cache
def _digest_at(at_ms: int) -> str:
    return folded_at_once(long_history(2_860), at_ms).digest()


def test_damage_is_met_where_it_is(tmp_path: Path) -> None:
    """Before the damage and behind the next keyframe a replay works; between them it says what is wrong."""
    path = tmp_path / "r1.tidal"
    record(path, history(), every=100)
    with Archive.open(path) as archive:
        block = next(b for b in archive.blocks if b.before >= 110)
    data = bytearray(path.read_bytes())
    data[block.offset + 5] ^= 1
    path.write_bytes(data)
    with Archive.open(path) as archive:
        replay = Replay(archive)
        early, late = T0 + 20_000, T0 + 110_000
        assert frame(replay.state_at(early), early) == frame(folded(history(), early), early)
        for _ in range(2):
            with pytest.raises(ArchiveDamaged):
                replay.state_at(T0 + 90_000)
        assert frame(replay.state_at(late), late) == frame(folded(history(), late), late)


def test_empty_archive(tmp_path: Path) -> None:
    """Nothing was written yet: no picture, no crash."""
    record(tmp_path / "r1.tidal", [])
    feed = ReplayFeed(Archive.open(tmp_path / "r1.tidal"), HandClock())
    assert (feed.frame(), feed.position_ms, feed.last_ms) == (None, 0, 0)
    feed.play()
    assert feed.frame() is None
    assert not feed.playing
    feed.close()


# ------------------------------------------------------------------ playing


def test_plays_in_time(archive: Archive) -> None:
    """The position moves with the clock, at its speed, and stands when it is told to."""
    clock = HandClock()
    feed = ReplayFeed(archive, clock)
    assert (feed.is_replay, feed.playing, feed.speed) == (True, False, 1.0)
    assert (feed.first_ms, feed.last_ms, feed.position_ms) == (T0, END, T0)
    clock.now_s += 5
    feed.frame()
    assert feed.position_ms == T0
    feed.play()
    clock.now_s += 1.5
    shown = feed.frame()
    assert shown is not None
    assert shown.at_ms == feed.position_ms == T0 + 1_500
    feed.speed = 8.0
    feed.advance(clock.now_s + 2)
    assert feed.position_ms == T0 + 17_500
    feed.pause()
    feed.advance(clock.now_s + 50)
    assert feed.position_ms == T0 + 17_500
    feed.close()


def test_what_is_cued_begins_when_somebody_looks(archive: Archive) -> None:
    """However long a screen takes to open, it shows the beginning first."""
    clock = HandClock()
    feed = ReplayFeed(archive, clock)
    feed.speed = 64.0
    feed.cue()
    clock.now_s += 3
    feed.frame()
    assert (feed.playing, feed.position_ms) == (True, T0)
    clock.now_s += 0.5
    feed.frame()
    assert feed.position_ms == T0 + 32_000
    feed.close()


@pytest.mark.parametrize(
    ("at_ms", "speed", "plays"),
    [(None, None, True), (None, 8.0, True), (10_000, None, False), (0, None, False), (10_000, 8.0, True)],
)
def test_a_screen_plays_unless_a_moment_is_to_be_looked_at(
    archive: Archive, at_ms: int | None, speed: float | None, *, plays: bool
) -> None:
    """As players do; a speed that is given means playing in any case."""
    feed = ReplayFeed(archive, HandClock())
    set_out(feed, at_ms, speed)
    shown = feed.frame()
    assert shown is not None
    assert (feed.playing, feed.speed, shown.run.elapsed_ms) == (plays, speed or 1.0, at_ms or 0)
    feed.close()


def test_slow_speeds_lose_nothing(archive: Archive) -> None:
    """Many small steps at a quarter of the speed add up."""
    feed = ReplayFeed(archive, HandClock())
    feed.speed = 0.25
    feed.play()
    for i in range(1, 1001):
        feed.advance(100 + i * 0.001)
    assert feed.position_ms in (T0 + 249, T0 + 250)
    feed.close()


def test_stands_at_the_end_and_begins_anew(archive: Archive) -> None:
    """At the end a replay stops; played once more it begins at the beginning."""
    clock = HandClock()
    feed = ReplayFeed(archive, clock)
    feed.play()
    clock.now_s += 10_000
    shown = feed.frame()
    assert shown is not None
    assert (shown.run.phase, shown.run.outcome, feed.playing, feed.position_ms) == ("closed", "finished", False, END)
    assert feed.trouble() == ""
    clock.now_s += 50
    feed.play()
    assert (feed.playing, feed.position_ms) == (True, T0)
    feed.close()


def test_seek_stays_in_the_recording(archive: Archive) -> None:
    """A moment outside means the nearer end; the same moment gives the same picture, come from where it may."""
    feed = ReplayFeed(archive, HandClock())
    pictures = {}
    for offset_ms in (50_000, 90_000, 50_000, -1_000, 10**9, 90_000):
        feed.seek(T0 + offset_ms)
        assert T0 <= feed.position_ms <= END
        assert feed.frame() == pictures.setdefault(feed.position_ms, feed.frame())
    assert sorted(pictures) == [T0, T0 + 50_000, T0 + 90_000, END]
    feed.close()


def test_clock_that_goes_back(archive: Archive) -> None:
    """A clock that jumps back moves nothing."""
    feed = ReplayFeed(archive, HandClock())
    feed.play()
    feed.advance(105.0)
    feed.advance(3.0)
    assert feed.position_ms == T0 + 5_000
    feed.advance(4.0)
    assert feed.position_ms == T0 + 6_000
    feed.close()


def test_recording_that_was_cut_says_so(tmp_path: Path) -> None:
    """At the end of a recording without an end the reader learns why there is no more."""
    path = tmp_path / "r1.tidal"
    record(path, history()[:100])
    for cut, why in ((0, "was not closed"), (3, "crashed")):
        path.write_bytes(path.read_bytes()[: path.stat().st_size - cut])
        feed = ReplayFeed(Archive.open(path), HandClock())
        assert feed.trouble() == ""
        feed.seek(feed.last_ms)
        assert why in feed.trouble()
        assert feed.frame() is not None
        feed.close()


def test_damage_stops_the_play(archive: Archive) -> None:
    """A damaged place is raised to who asked for the picture, and the replay stands."""
    path = archive._parts[0].path
    block = next(b for b in archive.blocks if b.before >= 110)
    with path.open("r+b") as file:
        file.seek(block.offset + 5)
        file.write(b"\xff\xff")
    clock = HandClock()
    feed = ReplayFeed(archive, clock)
    feed.play()
    clock.now_s += 58
    with pytest.raises(ArchiveDamaged):
        feed.frame()
    assert not feed.playing
    feed.seek(T0 + 10_000)
    assert feed.frame() is not None
    feed.close()
