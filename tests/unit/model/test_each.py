"""Blocks of several seconds with the counts of each: totals and rates are those of single seconds, exactly."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from draws import tally_of
from histories import T0, by, folded, opened, planned, report, started
from hypothesis import given
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.codec import BadEntry, EntryId, decode, encode, entry_of, pack, unpack
from tidal.model.compare import compare
from tidal.model.each import EACH_MAX, Spans
from tidal.model.gather import Gathering, fits, fitting, merge_reports
from tidal.model.judging import added, value_of
from tidal.model.pipe import Batch
from tidal.model.segments import TOTAL, Phase, Pieces, add_all
from tidal.model.struct import replace
from tidal.model.thresholds_read import threshold_of

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST_S = T0 // 1_000 // EACH_MAX * EACH_MAX
SAMPLE = st.tuples(st.integers(300, 90_000), st.integers(0, 9), st.booleans(), st.none())
SECOND = st.tuples(
    st.integers(0, 2 * EACH_MAX - 1),
    st.dictionaries(st.sampled_from("ab"), st.lists(SAMPLE, max_size=4), min_size=1),
    st.integers(0, 3_000),
)


def blocks_of(seconds: list[tuple[int, dict[str, list[Any]], int]]) -> list[ev.Block]:
    """A block for each second, in order."""
    found = {at: (told, ran_ms) for at, told, ran_ms in seconds}
    return [
        ev.Block(FIRST_S + at, 1, {("GET", name): tally_of(told[name]) for name in told}, {"Buyer": ran_ms})
        for at, (told, ran_ms) in sorted(found.items())
    ]


def told(blocks: list[ev.Block], span_s: int, edges: tuple[int, ...] = ()) -> tuple[ev.Block, ...]:
    """What a report has of them, after a way over the wire."""
    joined = Spans(span_s, edges).joined(deepcopy(blocks))
    return tuple(ev.Block.from_wire(unpack(pack(block.to_wire()))) for block in joined)


def counted(blocks: tuple[ev.Block, ...] | list[ev.Block], watch: tuple[ev.Watch, ...] = ()) -> Any:
    """The reports' half of a run of one worker that measured these."""
    event = report(*blocks, to_ms=90_000, watch=watch)
    return folded(opened(), started(), planned("w1"), by("w1", 1, event)).reports


@given(st.lists(SECOND, min_size=1, max_size=12), st.sampled_from([2, 4, 8]))
def test_it_counts_what_its_seconds_count(seconds: list[Any], span_s: int) -> None:
    """Totals, rates, the books and user-time by the second; a point of the chart is the sum of its seconds."""
    blocks = blocks_of(seconds)
    alone, together = counted(blocks), counted(told(blocks, span_s))
    assert together.total == alone.total
    assert {k: e.tally for k, e in together.endpoints.items()} == {k: e.tally for k, e in alone.endpoints.items()}
    assert rates(together) == rates(alone)
    assert {s: ms for s, ms in together.ran_s.ms.items() if ms} == {s: ms for s, ms in alone.ran_s.ms.items() if ms}
    assert (together.user_ms, together.classes, together.measured) == (alone.user_ms, alone.classes, alone.measured)
    while alone.series.step_s < together.series.step_s:
        alone.series.coarsen()
    assert together.series.points == alone.series.points
    assert together.series.step_s <= span_s


def rates(reports: Any) -> dict[tuple[str, str], dict[int, tuple[int, int]]]:
    """Requests and failures of the newest seconds in which there were any."""
    return {key: {s: n for s, n in e.recent.items() if any(n)} for key, e in reports.endpoints.items()}


@given(st.lists(SECOND, min_size=1, max_size=9), st.lists(SECOND, min_size=1, max_size=9))
def test_two_that_are_added_are_the_sum(one: list[Any], other: list[Any]) -> None:
    """As reports are that were never sent: what each second had is known of the same seconds."""
    a, b = (report(*told(blocks_of(seconds), 8), to_ms=90_000) for seconds in (one, other))
    merged = counted(merge_reports(a, b).blocks)
    both = folded(opened(), started(), planned("w1"), by("w1", 1, a), by("w1", 2, b)).reports
    assert (merged.total, merged.series, merged.ran_s.ms) == (both.total, both.series, both.ran_s.ms)
    assert merged.endpoints == both.endpoints


@given(
    st.lists(st.tuples(st.lists(SECOND, max_size=4), st.sampled_from([1, 2, 4, 8]), st.integers(0, 9_000)), max_size=6),
    st.sets(st.integers(0, 50), max_size=2),
)
def test_a_fleet_that_grows_and_shrinks_counts_each_second_once(
    turns: list[tuple[list[Any], int, int]], edges: set[int]
) -> None:
    """Whatever reports put together from one to the next, and however late a generator was."""
    gathering, now_ms, made, alone = Gathering(FIRST_S * 1_000), FIRST_S * 1_000, list[ev.Reported](), list[ev.Block]()
    for seconds, span_s, passed_ms in turns:
        now_ms += passed_ms
        blocks = blocks_of([(at + (now_ms // 1_000 - FIRST_S), told, ran_ms) for at, told, ran_ms in seconds])
        alone += deepcopy(blocks)
        gathering.add(Batch(now_ms, now_ms, tuple(blocks), arrivals=(len(blocks), len(blocks), 0)))
        spans = Spans(span_s, tuple(FIRST_S + at for at in sorted(edges)))
        made.append(gathering.report(now_ms, {}, (), 0, 0, spans=spans))
    made.append(
        gathering.report(
            now_ms, {}, (), 0, 0, spans=Spans(8, tuple(FIRST_S + at for at in sorted(edges)), is_last=True)
        )
    )
    assert all(a.to_ms == b.from_ms for a, b in pairwise(made))
    for block in [each for one in made for each in one.blocks if each.span > 1]:
        assert not {FIRST_S + at for at in edges} & {*range(block.second + 1, block.second + block.span)}
    sent = [by("w1", seq, one) for seq, one in enumerate(made, 1)]
    parts = [by("w1", seq, report(one, to_ms=90_000)) for seq, one in enumerate(alone, 1)]
    one, other = (folded(opened(), started(), planned("w1"), told).reports for told in (sent, parts))
    assert (one.total, one.user_ms, one.classes) == (other.total, other.user_ms, other.classes)
    assert rates(one) == rates(other)
    assert {s: ms for s, ms in one.ran_s.ms.items() if ms} == {s: ms for s, ms in other.ran_s.ms.items() if ms}
    assert (one.together, one.arrivals) == ((0, 0), (len(alone), 0))
    for mine, theirs in (
        (one.series, other.series),
        *((lane, other.lanes.by_key[key]) for key, lane in one.lanes.by_key.items()),
    ):
        while theirs.step_s < mine.step_s:
            theirs.coarsen()
        assert mine.points == theirs.points


def test_a_large_one_goes_in_parts() -> None:
    """Each part has the seconds of its own endpoints, and together they count the same."""
    names = [f"{n:03}" * 60 for n in range(1_400)]
    blocks = [
        ev.Block(FIRST_S + s, 1, {("GET", n): tally_of([(900 + s, 1, False, None)]) for n in names}, {"Buyer": 9})
        for s in range(8)
    ]
    whole = report(*Spans(8).joined(deepcopy(blocks)), to_ms=90_000)
    parts = fitting(whole)
    assert len(parts) > 1
    assert all(map(fits, parts))
    sent = [by("w1", seq, part) for seq, part in enumerate(parts, 1)]
    reports = folded(opened(), started(), planned("w1"), sent).reports
    assert {key: record.tally for key, record in reports.endpoints.items()} == whole.blocks[0].tallies
    assert set(map(str, rates(reports).values())) == {str(dict.fromkeys(range(FIRST_S, FIRST_S + 8), (1, 0)))}


def test_a_block_ends_where_something_is_counted_up_to() -> None:
    """A threshold from 6 s on needs what was measured before and after by itself."""
    blocks = blocks_of([(at, {"a": [(900, 1, False, None)]}, 5) for at in range(16)])
    spans = [(block.second - FIRST_S, block.span) for block in told(blocks, 8, (FIRST_S + 6, FIRST_S + 9))]
    assert spans == [(0, 6), (6, 2), (8, 1), (9, 7)]


def test_a_report_goes_up_to_the_last_span_that_is_over() -> None:
    """What came after it waits for the next one; the last one has all."""
    gathering = Gathering(FIRST_S * 1_000)
    blocks = tuple(blocks_of([(at, {"a": [(900, 1, False, None)]}, 5) for at in range(6)]))
    gathering.add(Batch(FIRST_S * 1_000, FIRST_S * 1_000, blocks))
    one = gathering.report((FIRST_S + 6) * 1_000 + 300, {}, (), 0, 0, spans=Spans(4))
    assert [(b.second - FIRST_S, b.span) for b in one.blocks] == [(0, 4)]
    assert (one.from_ms, one.to_ms) == (FIRST_S * 1_000, (FIRST_S + 4) * 1_000)
    rest = gathering.report((FIRST_S + 6) * 1_000 + 300, {}, (), 0, 0, spans=Spans(4, is_last=True))
    assert [(b.second - FIRST_S, b.span) for b in rest.blocks] == [(4, 2)]
    assert rest.to_ms == (FIRST_S + 6) * 1_000 + 300


def test_a_generator_that_is_held_holds_back_the_claim_alone() -> None:
    """Its sibling goes on: what that measured is told when it is over, and all is known once the held one is back."""
    gathering = Gathering(FIRST_S * 1_000)
    seconds = blocks_of([(at, {"a": [(900, 1, False, None)]}, 5) for at in range(16)])
    gathering.add(
        Batch((FIRST_S + 3) * 1_000, (FIRST_S + 3) * 1_000, tuple(deepcopy(seconds[:3])))
    )  # then user code holds it
    made = []
    for over_s in (8, 16):
        gathering.add(
            Batch((FIRST_S + over_s) * 1_000, (FIRST_S + over_s) * 1_000, tuple(deepcopy(seconds[over_s - 8 : over_s])))
        )
        at_ms = (FIRST_S + over_s) * 1_000 + 40
        made.append(gathering.report((FIRST_S + 3) * 1_000, {}, (), 0, 0, spans=Spans(8), over_ms=at_ms))
    assert [[(b.second - FIRST_S, b.span) for b in one.blocks] for one in made] == [[(0, 8)], [(8, 8)]]
    assert [one.to_ms for one in made] == [(FIRST_S + 3) * 1_000] * 2
    gathering.add(Batch((FIRST_S + 16) * 1_000, (FIRST_S + 16) * 1_000, tuple(deepcopy(seconds[3:]))))
    made.append(gathering.report((FIRST_S + 16) * 1_000, {}, (), 0, 0, spans=Spans(8), over_ms=(FIRST_S + 16) * 1_000))
    assert made[-1].to_ms == (FIRST_S + 16) * 1_000
    reports = folded(opened(), started(), planned("w1"), [by("w1", n, one) for n, one in enumerate(made, 1)]).reports
    assert reports.total.requests == 32
    assert reports.ran_s.ms == {FIRST_S + at: 10 for at in range(16)}


def test_a_window_is_judged_by_what_ends_in_it() -> None:
    """Requests and failures by the second; latencies by the histograms whose last second lies in the window."""
    blocks = blocks_of([(at, {"a": [(1_000 * (at + 1), 1, at == 2, None)] * (at + 1)}, 5) for at in range(8)])
    seen = counted(told(blocks, 4), (ev.Watch("", 60),)).watched["", 0, 0].seconds
    rps, fails, slowest = (threshold_of(text) for text in ("rps > 9", "failures < 9", "max < 1s"))
    assert rps is not None
    assert fails is not None
    assert slowest is not None

    def value(metric: Any, first: int, end: int) -> int | None:
        found = value_of(metric, added(seen, FIRST_S + first, FIRST_S + end), (end - first) * 1_000)
        return None if found is None else int(found)

    assert [value(rps.metric, at, at + 1) for at in range(8)] == [1_000 * (at + 1) for at in range(8)]
    assert [value(fails.metric, at, at + 1) for at in range(8)] == [0, 0, 3_000, *[0] * 5]
    assert [value(slowest.metric, at, at + 1) for at in range(8)] == [*[None] * 3, 4_000, *[None] * 3, 8_000]
    assert value(slowest.metric, 2, 6) == 4_000


def test_a_span_has_the_counts_of_its_seconds_and_no_latencies_of_others() -> None:
    """A block across its edge, of a worker that heard later of the threshold: counts by the second, no latencies."""
    blocks = blocks_of([(at, {"a": [(1_000 * (at + 1), 1, at == 2, None)] * (at + 1)}, 5) for at in range(8)])
    span = ev.Watch("", 0, FIRST_S + 2, FIRST_S + 8)
    (seen,) = counted(told(blocks, 4), (span,)).watched["", *seconds_of_watch(span)].seconds.values()
    assert (seen.requests, seen.failures, seen.user_ms) == (3 + 4 + 5 + 6 + 7 + 8, 3, 30)
    assert (seen.tally.requests, seen.tally.min_us) == (5 + 6 + 7 + 8, 5_000)


def test_merged_seconds_across_an_edge_are_in_no_span() -> None:
    """Of them nothing is known by the second."""
    merged = replace(blocks_of([(4, {"a": [(900, 1, False, None)]}, 5)])[0], span=30)
    for to_s, requests in ((FIRST_S + 40, 1), (FIRST_S + 20, None)):
        span = ev.Watch("", 0, FIRST_S, to_s)
        record = counted([merged], (span,)).watched.get(("", *seconds_of_watch(span)))
        assert (record and record.seconds[FIRST_S].requests) == requests


def seconds_of_watch(watch: ev.Watch) -> tuple[int, int]:
    """Where its record stands."""
    return watch.from_s, watch.to_s


# ------------------------------------------------------------------ phases of a comparison


def phases(*edges_s: int) -> list[Phase]:
    """Phases between these seconds of plan time, called a, b and so on."""
    return [
        Phase(name, from_s * 1_000, to_s * 1_000, is_steady=True)
        for name, (from_s, to_s) in zip("abcd", pairwise(edges_s), strict=False)
    ]


def pieces_of(blocks: Iterable[ev.Block], cut: list[Phase], began_ms: int = FIRST_S * 1_000) -> Pieces:
    """What a comparison works on."""
    pieces = Pieces(cut, began_ms)
    add_all(pieces, blocks)
    return pieces


def sums(pieces: Pieces) -> list[tuple[int, int, int]]:
    """Requests, failures and latencies of all endpoints, by phase."""
    rows = [pieces.row(phase, TOTAL) for phase in pieces.phases]
    return [
        (sum(p.requests for p in row), sum(p.failures for p in row), sum(sum(p.histogram.values()) for p in row))
        for row in rows
    ]


@given(st.lists(SECOND, min_size=1, max_size=12), st.sampled_from([2, 4, 8]), st.integers(0, 16), st.integers(0, 9_999))
def test_a_phase_counts_its_own_seconds(seconds: list[Any], span_s: int, edge_s: int, late_ms: int) -> None:
    """Requests and failures as if each second had come by itself; latencies of a phase alone, and who lacks is said."""
    blocks, began_ms = blocks_of(seconds), FIRST_S * 1_000 - late_ms
    wide, cut = told(blocks, span_s), phases(0, edge_s, 12)
    alone, together = pieces_of(blocks, cut, began_ms), pieces_of(wide, cut, began_ms)
    assert [counts[:2] for counts in sums(together)] == [counts[:2] for counts in sums(alone)]
    lacking = [all_of[2] - known[2] for all_of, known in zip(sums(alone), sums(together), strict=True)]
    assert all(0 <= lack <= all_of[0] for lack, all_of in zip(lacking, sums(alone), strict=True))
    assert sum(lacking) <= together.across <= sum(sum(len(s) for s in named.values()) for _, named, _ in seconds)
    assert alone.across == 0


def test_a_block_across_an_edge_is_in_both_phases() -> None:
    """Its counts by the second, its latencies in neither; a comparison says so."""
    blocks = blocks_of([(at, {"a": [(900, 1, at == 5, None)] * 10}, 5) for at in range(16)])
    pieces = pieces_of(told(blocks, 8), phases(0, 6, 16))
    assert sums(pieces) == [(60, 10, 0), (100, 0, 80)]
    assert pieces.across == 80
    (one, _) = compare(pieces, pieces).remarks
    assert one.startswith("a: the latencies of 80 requests are in no percentile")


def test_a_block_of_a_stage_is_of_its_phase_however_it_lies() -> None:
    """It ended where the stage did, within a second: nobody has to guess."""
    first = replace(blocks_of([(4, {"a": [(900, 1, False, None)]}, 5)])[0], stage="one")
    cut = [
        Phase("one", 0, 4_500, is_steady=True, stage="one"),
        Phase("two", 4_500, 6_000, is_steady=True, stage="two"),
        Phase("one (2)", 6_000, 9_000, is_steady=True, stage="one"),
    ]
    pieces = pieces_of([first, replace(first, stage="two"), replace(first, second=FIRST_S + 6)], cut)
    assert sums(pieces) == [(1, 0, 1)] * 3


def test_merged_seconds_across_an_edge_are_of_no_phase() -> None:
    """Where nobody knows what was when, none is said to have been in a phase; inside of one it counts."""
    merged = replace(blocks_of([(4, {"a": [(900, 1, False, None)]}, 5)])[0], span=30)
    assert sums(pieces_of([merged], phases(0, 40))) == [(1, 0, 1)]
    pieces = pieces_of([merged], phases(0, 20, 40))
    assert (sums(pieces), pieces.across) == ([(0, 0, 0)] * 2, 1)


GOOD = [{"Buyer": b"\x05\x05"}, [b"\x01\x02"], {0: b"\x00\x01"}]


@pytest.mark.parametrize(
    "each",
    [
        None, [], [{}, [b"\x01\x02"], {0: b"\x00\x01"}], [{"Buyer": b"\x05\x06"}, *GOOD[1:]],
        [{"Other": b"\x05\x05"}, *GOOD[1:]], [GOOD[0], [], GOOD[2]], [GOOD[0], [b"\x01\x01"], GOOD[2]],
        [GOOD[0], [b"\x01\x01\x01"], GOOD[2]], [GOOD[0], [[4, -1]], GOOD[2]], [GOOD[0], [[1, True]], GOOD[2]],
        [GOOD[0], [[1, 2.0]], GOOD[2]], [*GOOD[:2], {}], [*GOOD[:2], {0: b"\x00\x00"}], [*GOOD[:2], {1: b"\x00\x01"}],
        [GOOD[0], [b"\x03\x00"], {0: b"\x00\x01"}], [GOOD[0], "ab", GOOD[2]], [[], *GOOD[1:]], [*GOOD[:2], []],
    ],
)  # fmt: skip
def test_what_does_not_add_up_is_refused(each: object) -> None:
    """A worker's word, as everything from Redis is."""
    tally = tally_of([(900, 1, False, None), (900, 1, False, None), (900, 1, True, None)])
    rows = [["GET", "/", tally.to_wire()]]
    assert ev.Block.from_wire([FIRST_S, 2, rows, {"Buyer": 10}, {"each": GOOD}]).each is not None
    with pytest.raises(ValueError, match=r"each second|a second"):
        ev.Block.from_wire([FIRST_S, 2, rows, {"Buyer": 10}, {"each": each}])


@pytest.mark.parametrize(("second", "span"), [(FIRST_S + 7, 2), (FIRST_S, 1), (FIRST_S, 9), (FIRST_S, 16)])
def test_it_lies_within_eight_seconds(second: int, span: int) -> None:
    """Else it would make the points of all charts as wide as it likes."""
    block = ev.Block(FIRST_S, 1, {}, {"Buyer": span})
    wire = [second, span, [], block.user_ms, {"each": [{"Buyer": bytes([1] * span)}, [], {}]}]
    with pytest.raises(ValueError, match="each second go"):
        ev.Block.from_wire(wire)
    fields = encode(by("w1", 1, report(ev.Block(FIRST_S, 1, {}, {}), to_ms=1_000)))
    packed = unpack(fields[b"d"][1:])
    packed[-1]["blocks"] = [wire]
    with pytest.raises(BadEntry):
        decode(entry_of("reports", EntryId(T0, 0), {**fields, b"d": b"\x00" + pack(packed)}))
