"""A run of days: the state stays as small as that of an hour, and what became coarse says so."""

from __future__ import annotations

from histories import T0, T0_S, at, folded, running, tally, ticked

from tidal.model import events as ev
from tidal.model.fold import fold
from tidal.model.frame import frame
from tidal.model.ledger import seal

HOURS, STEP_S = 72, 10
PATHS = ("/", "/cart", "/checkout")


def test_three_days_are_as_large_as_five_hours() -> None:
    """72 hours of a worker that reports every ten seconds; nothing is lost from the sums, only detail."""
    state, sizes, n = folded(running("w1", users=20)), {}, 100
    tallies = {("GET", path): tally([1_000 * (index + 1)] * 4) for index, path in enumerate(PATHS)}
    for number in range(1, HOURS * 3600 // STEP_S + 1):
        to_ms = number * STEP_S * 1000
        block = ev.Block(T0_S + (number - 1) * STEP_S, STEP_S, tallies, {"Buyer": 20_000 * STEP_S})
        said = ev.Reported(T0 + to_ms - STEP_S * 1000, T0 + to_ms, (block,), users={"Buyer": 20})
        fold(state, ev.ByWorker("w1.1", number, number, T0 + to_ms, said))
        happened = [ticked("w1"), *(seal(state) if number % 60 == 0 else [])]
        for event in happened:
            n += 1
            fold(state, at(to_ms, event, n=n))
        if to_ms % 3_600_000 == 0:
            sizes[to_ms // 3_600_000] = len(state.packed())
    assert max(sizes.values()) <= 1.1 * max(sizes[hour] for hour in range(1, 6))
    chart = frame(state, T0 + HOURS * 3_600_000).chart
    assert (chart.step_ms, len(chart.rps_milli)) == (512_000, 507)
    assert sum(point.requests for point in state.reports.series.points.values()) == HOURS * 360 * 12
    assert sum(r.tally.requests for r in state.reports.endpoints.values()) == HOURS * 360 * 12
