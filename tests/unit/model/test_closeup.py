"""A closer look: what a focus asks for, no more, and the same figures as the frame has."""

from __future__ import annotations

from histories import T0, T0_S, block, by, folded, report, reported, running, tally
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model.closeup import Focus
from tidal.model.frame import frame
from tidal.model.stats import Tally
from tidal.model.zoom import BARS_MAX, HEAT_BANDS_MAX, bars_of, heat_of, spectrum_of

HOME = ("GET", "/")


def test_a_frame_without_a_focus_has_no_closeup() -> None:
    """What nobody looks at costs nothing."""
    assert frame(folded(*running("w1")), T0 + 5_000).closeup is None


def test_an_endpoint_over_time_adds_up_to_its_row() -> None:
    """Ten requests in ten seconds, one failed: the points say so, the spectrum and the bars have them all."""
    state = folded(*running("w1"), *(reported("w1", n, requests=n, failures=n == 3) for n in range(1, 11)))
    shown = frame(state, T0 + 12_000, Focus(endpoint=HOME))
    closeup = shown.closeup
    assert closeup is not None
    one = closeup.endpoint
    assert one is not None
    assert one.rps_milli == tuple(1_000 * n for n in range(1, 11))
    assert one.failures_milli == (0, 0, 1_000, *[0] * 7)
    assert (one.start_ms, one.step_ms) == (T0, 1_000)
    assert sum(count for *_, count in one.bars) == shown.endpoints[0].requests == 55
    assert sum(map(sum, one.heat.columns)) == 55
    assert one.spectrum[0] == (0, 1_000)
    assert one.spectrum[-1] == (1_000_000, shown.endpoints[0].max_us)
    assert (one.slowest[0].worker, one.slowest[0].offset_ms, one.slowest[0].latency_us) == ("w1", 9_000, 1_000)
    assert (closeup.heat, closeup.worker, closeup.sparks) == (None, None, ())


def test_seconds_that_are_still_being_reported_are_not_shown() -> None:
    """They would look like a fall: the closer look ends where the figures do."""
    state = folded(*running("w1"), *(reported("w1", n) for n in range(1, 11)))
    early = frame(state, T0 + 5_000, Focus(endpoint=HOME, sparks=True, heat=True)).closeup
    assert early is not None
    assert early.endpoint is not None
    assert early.heat is not None
    assert len(early.endpoint.rps_milli) == len(early.heat.columns) == 5
    assert [spark and len(spark.requests) for spark in early.sparks] == [5]


def test_an_endpoint_that_nobody_knows_has_no_closeup() -> None:
    """A replay that goes back before its first request, say."""
    shown = frame(folded(*running("w1"), reported("w1", 1)), T0 + 3_000, Focus(endpoint=("GET", "/nowhere")))
    assert shown.closeup is not None
    assert shown.closeup.endpoint is None


def test_the_slowest_samples_name_their_worker() -> None:
    """The second and the worker whose report had it."""
    slow = report(block(1), to_ms=2_000)
    slow.blocks[0].tallies[HOME] = tally([900, 2_000_000])
    state = folded(*running("w1", "w2"), reported("w1", 1), by("w2", 1, slow))
    closeup = frame(state, T0 + 5_000, Focus(endpoint=HOME)).closeup
    assert closeup is not None
    assert closeup.endpoint is not None
    first = closeup.endpoint.slowest[0]
    assert (first.latency_us, first.worker, first.at_ms) == (2_000_000, "w2", (T0_S + 1) * 1000)


def test_a_worker_over_time() -> None:
    """CPU and lag as its reports said."""
    state = folded(*running("w1"), *(reported("w1", n) for n in range(1, 6)))
    closeup = frame(state, T0 + 6_000, Focus(worker="w1.1")).closeup
    assert closeup is not None
    assert closeup.worker is not None
    assert closeup.worker.user_ms == 5_000


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.integers(0, 349), st.integers(1, 99), max_size=6), max_size=20))
def test_heat_holds_every_sample_in_few_bands(columns: list[dict[int, int]]) -> None:
    """Whatever the spread of the latencies."""
    heat = heat_of(columns, T0, 1_000)
    assert sum(map(sum, heat.columns)) == sum(sum(column.values()) for column in columns)
    assert len(heat.edges_us) <= HEAT_BANDS_MAX + 1
    assert list(heat.edges_us) == sorted(heat.edges_us)


@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=60))
def test_spectrum_and_bars_cover_all_samples(latencies_us: list[int]) -> None:
    """From the fastest to the slowest, never falling."""
    made = Tally()
    for latency_us in latencies_us:
        made.add(latency_us, 1, failed=False)
    spectrum, bars = spectrum_of(made), bars_of(made)
    assert (spectrum[0][1], spectrum[-1][1]) == (min(latencies_us), max(latencies_us))
    assert [us for _, us in spectrum] == sorted(us for _, us in spectrum)
    assert len(bars) <= BARS_MAX
    assert sum(count for *_, count in bars) == len(latencies_us)
