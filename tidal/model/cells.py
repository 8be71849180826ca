"""An endpoint's row from its tally: percentiles, sizes and rates, the name cleaned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.paces import response_cells
from tidal.model.rows import EndpointRow
from tidal.model.text import clean

if TYPE_CHECKING:
    from tidal.model.stats import Tally


def endpoint_row(
    key: tuple[str, str],
    tally: Tally,
    rates: tuple[int, int],
    elapsed_ms: int,
    percentiles_us: tuple[int, ...] | None = None,
) -> EndpointRow:
    """The row of (method, name); `rates`: requests and failures a second now, in thousandths; `elapsed_ms`: of all.

    `percentiles_us`: the tally's p50, p95 and p99, where they are known already.
    """
    median_us, p95_us, p99_us = percentiles_us or tally.percentiles_us(0.5, 0.95, 0.99)
    return EndpointRow(
        method=clean(key[0], 20),
        name=clean(key[1]),
        requests=tally.requests,
        failures=tally.failures,
        cancelled=tally.cancelled,
        median_us=median_us,
        p95_us=p95_us,
        p99_us=p99_us,
        average_us=tally.average_us,
        min_us=tally.min_us,
        max_us=tally.max_us,
        average_bytes=tally.bytes // tally.requests if tally.requests else 0,
        rps_milli=rates[0],
        failures_milli=rates[1],
        total_rps_milli=tally.requests * 1_000_000 // elapsed_ms if elapsed_ms else 0,
        untimed=tally.untimed,
        **response_cells(tally),
    )
