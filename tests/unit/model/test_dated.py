"""When arrivals began, were dropped, and users were let go: to the second, however many a report goes over."""

from __future__ import annotations

import pytest
from histories import T0, T0_S, by, folded, opened, planned, report, started
from hypothesis import given
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.dated import DATED_MAX, add_dated, dated_of, let_go_ms_of, said
from tidal.model.each import SECONDS, Spans
from tidal.model.gather import Gathering, fitting, merge_reports
from tidal.model.pipe import Batch

QUARTER = st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 2))


def batch(quarter: int, begun: int, dropped: int = 0, let_go: int = 0) -> Batch:
    """What came in a quarter of a second."""
    to_ms = T0 + 250 * (quarter + 1)
    sums = {"arrivals": (begun + dropped, begun, dropped), "ended": (let_go, 0, let_go)}
    return Batch(to_ms - 250, to_ms, (), **sums)  # type: ignore[arg-type]


def told(batches: list[Batch], to_ms: int, spans: Spans = SECONDS) -> ev.Reported:
    """The report of them."""
    gathering = Gathering(T0)
    for one in batches:
        gathering.add(one)
    return gathering.report(T0 + to_ms, {}, (), 0, 0, spans=spans)


def begun_of(*reports: ev.Reported) -> dict[int, int]:
    """The chart of arrivals that began, in seconds after T0."""
    sent = [by("w1", seq, one) for seq, one in enumerate(reports, 1)]
    points = folded(opened(), started(), planned("w1"), sent).reports.held.begun.points
    return {second - T0_S: count for second, count in points.items() if count}


def test_arrivals_of_a_large_fleet_are_where_they_began() -> None:
    """Eight seconds are reported as one, and what came after them with it: no burst every eight seconds."""
    one = told([batch(quarter, begun=5) for quarter in range(44)], 11_000, Spans(8))
    assert one.to_ms == T0 + 8_000
    assert begun_of(one) == dict.fromkeys(range(11), 20)
    assert (one.arrivals, sum(row[0] for row in one.dated.values())) == ((220, 220, 0), 220)


def test_a_report_of_a_second_says_nothing_besides() -> None:
    """Where all was in its last second, that is what it says without a word; a quarter that was earlier is told."""
    assert told([batch(4, 3), batch(5, 2)], 1_700).dated == {}
    assert told([batch(3, 3), batch(4, 2)], 1_250).dated == {T0_S: (3, 0, 0), T0_S + 1: (2, 0, 0)}
    assert told([batch(4, 0)], 9_000).dated == {}


@given(st.lists(QUARTER, min_size=1, max_size=60), st.integers(0, 60))
def test_two_that_are_merged_say_the_same(quarters: list[tuple[int, int, int]], cut: int) -> None:
    """As in an outage of Redis: when things were does not depend on how many reports it took."""
    batches = [batch(at, *sums) for at, sums in enumerate(quarters)]
    first, rest = told(batches[:cut], 250 * cut), told(batches[cut:], 250 * len(batches))
    whole, merged = told(batches, 250 * len(batches)), merge_reports(first, rest)
    assert dated_of(merged) == dated_of(whole)
    assert let_go_ms_of(merged) - let_go_ms_of(whole) in range(-1_000 * merged.ended[2], 1_000 * merged.ended[2] + 1)
    assert sum(begun_of(merged).values()) == sum(row[0] for row in quarters)


def test_many_seconds_are_told_by_few() -> None:
    """Neighbours together: nothing is lost, and it is bounded."""
    merged = told([batch(0, 1)], 1_000)
    for second in range(1, 700):
        merged = merge_reports(merged, told([batch(4 * second, 1)], 1_000 * second))
    assert len(merged.dated) <= DATED_MAX
    assert sum(row[0] for row in merged.dated.values()) == merged.arrivals[1] == 700
    assert all(row[0] <= 32 for row in merged.dated.values())


@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 3)), min_size=1, max_size=300), st.integers(1, 299))
def test_nobody_is_excused_from_before_he_was_let_go(said: list[tuple[int, int]], cut: int) -> None:
    """However long Redis was away: what was missing before is missing, and of later at most a stretch."""
    batches = [batch(4 * second, begun=1, let_go=let_go) for second, let_go in sorted(said)]
    parts = [told(part, 2_001_000) for part in (batches[:cut], batches[cut:]) if part]
    merged = parts[0] if len(parts) == 1 else merge_reports(*parts)
    exactly_ms = sum((T0 + 1_000 * (second + 1)) * let_go for second, let_go in said)
    assert exactly_ms <= let_go_ms_of(merged) <= exactly_ms + 64_000 * merged.ended[2]
    assert max(dated_of(merged)) == T0_S + max(second for second, _ in said)
    assert sum(begun_of(merged).values()) == len(said)


def test_parts_of_a_large_report_say_it_once() -> None:
    """With the sums."""
    failures = tuple(ev.FailureTally("GET", str(n), "x" * 1_900, 1, T0, T0) for n in range(600))
    parts = fitting(report(failures=failures, arrivals=(2, 2, 0), dated={T0_S: (1, 0, 0), T0_S + 1: (1, 0, 0)}))
    assert len(parts) > 1
    assert [sum(row[0] for row in part.dated.values()) for part in parts] == [part.arrivals[1] for part in parts]


def test_users_that_were_let_go_are_excused_from_then_on() -> None:
    """Not from the end of the interval before."""
    one = told([batch(4 * second, 0, let_go=1) for second in range(8)], 11_000, Spans(8))
    reports = folded(opened(), started(), planned("w1"), by("w1", 1, one)).reports
    assert reports.let_go_ms == sum(T0 + 1_000 * (second + 1) for second in range(8))


@pytest.mark.parametrize(
    "dated",
    [{T0_S: (2, 0, 0)}, {T0_S: (1, 1, 0)}, {T0_S: (2, -1, 0), T0_S + 1: (-1, 1, 0)}, {-1: (1, 0, 0)},
     {1 << 40: (1, 0, 0)}, {T0_S: (1, 0, 0), T0_S + 1: (0, 0, 0)}, {T0_S: (1, 0, 1)}],
)  # fmt: skip
def test_what_does_not_add_up_is_refused(dated: dict[int, tuple[int, int, int]]) -> None:
    """A worker's word, as everything from Redis is."""
    assert report(arrivals=(1, 1, 0), dated={T0_S: (1, 0, 0)}).dated
    with pytest.raises(ValueError, match="do not add up"):
        report(arrivals=(1, 1, 0), dated=dated)


def test_another_century_is_not_believed() -> None:
    """The arrivals count, at the end of the report; the chart stays as narrow as it is."""
    one = report(arrivals=(1, 1, 0), to_ms=2_000, dated={T0_S + 40_000_000: (1, 0, 0)})
    assert begun_of(one) == {2: 1}


def test_as_many_seconds_as_there_may_be_are_believed() -> None:
    """From the first second of all on; one more is not."""
    most = dict.fromkeys(range(DATED_MAX), (1, 0, 0))
    assert report(arrivals=(DATED_MAX, DATED_MAX, 0), dated=most).dated == most
    with pytest.raises(ValueError, match="do not add up"):
        report(arrivals=(DATED_MAX + 1, DATED_MAX + 1, 0), dated={**most, DATED_MAX: (1, 0, 0)})


def test_as_many_seconds_as_there_may_be_stay_single() -> None:
    """One more makes pairs; whatever came first, they are told in order."""
    into = dict.fromkeys(range(DATED_MAX), (1, 0, 0))
    add_dated(into, {0: (1, 0, 0)})
    assert into == {0: (2, 0, 0), **dict.fromkeys(range(1, DATED_MAX), (1, 0, 0))}
    add_dated(into, {DATED_MAX: (1, 0, 0)})
    assert len(into) <= DATED_MAX
    assert sum(begun for begun, _, _ in into.values()) == DATED_MAX + 2
    assert list(said({7: (1, 0, 0), 3: (1, 0, 0)}, 9_999)) == [3, 7]
