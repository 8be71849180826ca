"""Endpoints that travel packed count what they count row by row, byte for byte, and nonsense is refused."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from draws import DENSE, SAMPLES, spanned, tally_of
from histories import T0, by, report
from hypothesis import given
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.codec import REPORTS, Entry, EntryId, decode, encode, entry_of, pack, unpack
from tidal.model.counting import settle
from tidal.model.each import EACH_MAX, Each
from tidal.model.fold import fold_entries, fold_entry, fold_loosely
from tidal.model.packed import SEP, packed, unpacked
from tidal.model.samples import COUNT_MAX
from tidal.model.stacked import SentTallies, summed_up
from tidal.model.state import State
from tidal.model.stats import Tally
from tidal.model.wire import to_wire

FIRST_S = T0 // 1_000 // EACH_MAX * EACH_MAX
NAMES = st.sampled_from(["/a", "/b", "/c", "/d", f"/{SEP}"])
TALLIES = st.dictionaries(st.tuples(st.just("GET"), NAMES), st.one_of(DENSE, DENSE, SAMPLES).map(tally_of), max_size=4)
SECOND = st.tuples(st.integers(1, EACH_MAX - 1), TALLIES, st.dictionaries(st.sampled_from("xy"), st.integers(0, 999)))
BLOCK = st.builds(
    lambda tallies, more, stage: spanned(ev.Block(FIRST_S, 1, tallies, {"x": 5}, stage=stage), more),
    TALLIES,
    st.lists(SECOND, min_size=1, max_size=3),
    st.sampled_from(["", "up"]),
)


def row_by_row(block: ev.Block) -> list[Any]:
    """A block as it was written before there was a packed form, and as every version reads it."""
    rows = [[*key, tally.to_wire()] for key, tally in sorted(block.tallies.items())]
    more = {"stage": block.stage} if block.stage else {}
    assert block.each is not None
    return [block.second, block.span, rows, block.user_ms, {**more, "each": block.each.to_wire(sorted(block.tallies))}]


def entries(blocks: list[ev.Block], *, is_packed: bool) -> list[Entry]:
    """Reports of two workers in turn, each of a block."""
    made = []
    for number, block in enumerate(blocks):
        signed = by(f"w{number % 2}", number // 2 + 1, report(block, to_ms=90_000))
        fields = encode(signed)
        if not is_packed:
            event = to_wire(signed.event) | {"blocks": [row_by_row(block)]}
            head = [signed.incarnation, signed.first, signed.last, signed.at_ms]
            fields[b"d"] = b"\0" + pack([*head, event])
        made.append(entry_of(REPORTS, EntryId(T0 + number, 0), fields))
    return made


def folded(told: list[Entry]) -> bytes:
    """The bytes of the state that these make, read in one go."""
    state = State()
    fold_entries(state, told)
    return state.packed()


@given(st.lists(BLOCK, min_size=1, max_size=5))
def test_it_folds_to_the_state_of_row_by_row(blocks: list[ev.Block]) -> None:
    """Byte for byte, in one go or one by one, and when some came in either form."""
    told, before = entries(blocks, is_packed=True), entries(blocks, is_packed=False)
    wanted = folded(before)
    assert folded(told) == wanted
    assert (
        folded([one if at % 2 else other for at, (one, other) in enumerate(zip(told, before, strict=True))]) == wanted
    )
    state = State()
    for entry in told:
        fold_entry(state, entry)
    assert state.packed() == wanted


@given(st.lists(BLOCK, min_size=1, max_size=3))
def test_who_looks_changes_nothing(blocks: list[ev.Block]) -> None:
    """A block that was looked at before it is counted is counted as any other."""
    told = entries(blocks, is_packed=True)
    state = State()
    for number, entry in enumerate(told):
        signed = decode(entry)
        assert isinstance(signed, ev.ByWorker)
        assert isinstance(signed.event, ev.Reported)
        (block,) = signed.event.blocks
        if number % 2:
            assert len(block.tallies) == len(blocks[number].tallies)
        state.reports._fresh.take(block, 0, signed.incarnation)
    settle(state.reports)
    assert {key: one.tally for key, one in state.reports.endpoints.items()} == sums(blocks)


def sums(blocks: list[ev.Block]) -> dict[tuple[str, str], Tally]:
    """What all blocks measured, by endpoint."""
    whole: dict[tuple[str, str], Tally] = {}
    for block in blocks:
        for key, tally in block.tallies.items():
            whole.setdefault(key, Tally()).merge(tally)
    return whole


@given(BLOCK)
def test_it_is_a_block_like_any_other(block: ev.Block) -> None:
    """It compares, is copied, packed again, added to and to others."""
    came = ev.Block.from_wire(unpack(pack(block.to_wire())))
    assert came == ev.Block.from_wire(unpack(pack(row_by_row(block)))) == block
    assert ev.Block.from_wire(unpack(pack(came.to_wire()))).to_wire() == block.to_wire()
    assert deepcopy(came) == came
    one, other = (ev.Block.from_wire(unpack(pack(block.to_wire()))) for _ in range(2))
    one.merge(other)
    twice = deepcopy(block)
    twice.merge(deepcopy(block))
    assert (one, other) == (twice, block)


def dense(count: int = 300, first_us: int = 900, step_us: int = 2) -> Tally:
    """A tally whose histogram is a window."""
    return tally_of([(first_us + step_us * at, 7, at % 9 == 0, None) for at in range(count)])


def good() -> ev.Block:
    """Two endpoints of two seconds that travel packed."""
    tallies = {("GET", "/a"): dense(), ("GET", "/b"): dense(first_us=5_000)}
    return spanned(ev.Block(FIRST_S, 1, tallies, {"x": 5}), [(1, deepcopy(tallies), {"x": 6})])


def test_what_does_not_fit_in_stays_a_row_by_itself() -> None:
    """Many samples in one bucket, response times, few samples far apart, a name with what parts the names."""
    odd = {
        "late": tally_of([(900 + at, 1, False, 5) for at in range(40)]),
        "few": tally_of([(900, 1, False, None), (90_000, 1, False, None)]),
        f"a{SEP}b": dense(),
        "same": tally_of([(900, 1, False, None)] * 500),
    }
    block = spanned(
        ev.Block(FIRST_S, 1, {("GET", name): tally for name, tally in odd.items()} | good().tallies, {"x": 5}),
        [(1, good().tallies, {"x": 5})],
    )
    assert block.each is not None
    _, who = packed(block.tallies, block.each)
    assert who == {("GET", "/a"), ("GET", "/b")}
    assert ev.Block.from_wire(unpack(pack(block.to_wire()))) == block


@pytest.mark.parametrize("width", [8, 256, 257, 2_000])
def test_one_sample_more_than_was_counted_is_refused(width: int) -> None:
    """However wide a window is, and however full."""
    requests = 255 * width
    tally = Tally(requests, total_us=9, min_us=1, max_us=1 << 40, histogram=dict.fromkeys(range(width), 255))
    second, rest = divmod(requests, EACH_MAX)
    counts = [second + rest, *[second] * (EACH_MAX - 1)]
    each = Each(requests={("GET", "/a"): counts})
    wire, _ = packed({("GET", "/a"): tally}, each)
    assert SentTallies(unpacked(wire, EACH_MAX), {}, each) == {("GET", "/a"): tally}
    counts[0] -= 1
    short, _ = packed(
        {("GET", "/a"): replace(tally, requests=requests - 1, histogram={**tally.histogram, 0: 254})}, each
    )
    with pytest.raises(ValueError, match="more samples"):
        unpacked([*short[:6], wire[6]], EACH_MAX)


@pytest.mark.parametrize(
    "change", [{"cancelled": COUNT_MAX}, {"total_us": COUNT_MAX}, {"max_us": COUNT_MAX}, {"bytes": COUNT_MAX}]
)
def test_what_is_too_large_is_not_packed(change: dict[str, int]) -> None:
    """Row by row a sum may be as large as can be written; what cannot be is refused."""
    block = good()
    block.tallies["GET", "/a"] = replace(block.tallies["GET", "/a"], **change)
    assert block.each is not None
    assert packed(block.tallies, block.each)[1] == {("GET", "/b")}
    if change.keys() <= {"total_us", "bytes"}:
        assert ev.Block.from_wire(block.to_wire()) == block
    else:
        with pytest.raises(ValueError, match="too large"):
            ev.Block.from_wire(block.to_wire())


def _less_of_b(rows: bytes) -> bytes:
    """Rows of four counts, a's and b's of either second: b has none in the second one."""
    return bytes(0 if at % 4 == 3 else byte for at, byte in enumerate(rows))


def _no_window_of_b(rows: bytes) -> bytes:
    """Rows of two places and two widths: all of b's window is a's."""
    places = [int.from_bytes(rows[at::4], "little") for at in range(4)]
    places[2:] = [places[2] + places[3], 0]
    return b"".join(bytes(place >> shift & 0xFF for place in places) for shift in (0, 8))


BAD: dict[str, Any] = {
    "no list": lambda wire: {},
    "a row is missing": lambda wire: wire[:6],
    "one more": lambda wire: [*wire, b""],
    "names that are bytes": lambda wire: [wire[0].encode(), *wire[1:]],
    "a row that is a list": lambda wire: [*wire[:6], list(wire[6])],
    "no name": lambda wire: ["", *wire[1:]],
    "half a name": lambda wire: ["GET", *wire[1:]],
    "a name twice": lambda wire: [SEP.join(["GET", "/a"] * 2), *wire[1:]],
    "of one more endpoint": lambda wire: [wire[0] + SEP + "GET" + SEP + "/c", *wire[1:]],
    "half a row": lambda wire: [wire[0], wire[1][:-1], *wire[2:]],
    "counts of three bytes": lambda wire: [wire[0], wire[1] + bytes(2 * len(wire[1])), *wire[2:]],
    "more failures than requests": lambda wire: [*wire[:2], b"\xff" * 8, *wire[3:]],
    "fewer requests than samples": lambda wire: [wire[0], bytes(len(wire[1])), b"", *wire[3:]],
    "sums of seven bytes": lambda wire: [*wire[:3], bytes(7 * 6), *wire[4:]],
    "a least above the longest": lambda wire: [*wire[:4], b"\1\1\0\0", *wire[5:]],
    "one of two leasts above its longest": lambda wire: [*wire[:4], b"\1\0\0\1", *wire[5:]],
    "fewer requests than samples of one": lambda wire: [wire[0], _less_of_b(wire[1]), b"", *wire[3:]],
    "one window of nothing": lambda wire: [*wire[:5], _no_window_of_b(wire[5]), *wire[6:]],
    "windows of nothing": lambda wire: [*wire[:5], bytes(8), *wire[6:]],
    "windows beyond the last bucket": lambda wire: [*wire[:5], wire[5][:4] + b"\xff\xff" + wire[5][6:], *wire[6:]],
    "windows that are longer": lambda wire: [*wire[:6], wire[6] + b"\1"],
    "windows that are shorter": lambda wire: [*wire[:6], wire[6][:-1]],
    "a window that begins with nothing": lambda wire: [*wire[:6], b"\0" + wire[6][1:]],
    "a window that ends with nothing": lambda wire: [*wire[:6], wire[6][:-1] + b"\0"],
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_nonsense_is_refused(bad: Any) -> None:
    """Whatever somebody else sends as packed endpoints."""
    block = good()
    assert block.each is not None
    wire, _ = packed(block.tallies, block.each)
    assert unpacked(wire, 2).keys == (("GET", "/a"), ("GET", "/b"))
    with pytest.raises(ValueError, match=r"packed|row|second|latency|histogram|window"):
        unpacked(bad(wire), 2)


@pytest.mark.parametrize("change", ["each", "rows"])
def test_it_belongs_to_its_block(change: str) -> None:
    """Without the counts of each second, or where an endpoint stands in a row as well."""
    wire = good().to_wire()
    more: Any = wire[4]
    if change == "each":
        del more["each"]
    else:
        wire[2] = row_by_row(good())[2]
        more["each"] = row_by_row(good())[4]["each"]
    with pytest.raises(ValueError, match=r"packed|twice"):
        ev.Block.from_wire(wire)


def test_six_hundred_reports_at_once_are_as_many_one_by_one() -> None:
    """More of them than a window's sum has room for in two bytes: each bucket holds 255 of each."""
    tallies = {
        ("GET", name): Tally(
            255 * 9, total_us=9, min_us=1, max_us=1 << 20, histogram=dict.fromkeys(range(first, first + 9), 255)
        )
        for name, first in (("/a", 100), ("/b", 300))
    }
    each = Each(requests={key: [255 * 8, 255] for key in tallies})
    came = [unpacked(packed(tallies, each)[0], 2) for _ in range(600)]
    wanted = {key: Tally() for key in tallies}
    for _ in came:
        for key, tally in tallies.items():
            wanted[key].merge(tally)
    sums, requests, _ = summed_up(came)
    assert dict(zip(came[0].keys, sums, strict=True)) == wanted
    assert requests == [[600 * 255 * 8, 600 * 255]] * 2


def test_how_many_endpoints_a_block_has_is_known_before_they_are_taken_apart() -> None:
    """Those that travel packed, and those beside them."""
    wire, _ = packed(good().tallies, good().each or Each())
    assert SentTallies(unpacked(wire, 2), {("GET", "/c"): Tally()}, Each()).size == 3


def test_reports_that_are_read_together_count_their_slowest() -> None:
    """Of each endpoint the slowest samples, with who measured them."""
    state = State()
    for entry in entries([good(), good(), good()], is_packed=True):
        fold_loosely(state, entry)
    settle(state.reports)
    slowest = state.reports.lanes.by_key["GET", "/a"].slowest
    assert slowest == [(900 + 2 * 299, FIRST_S, who) for who in sorted(row[2] for row in slowest)]
    assert len(slowest) == 3
