"""The grammar of thresholds: what each text says, and what is said of a text that is none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model.thresholds import METRICS, Metric, Threshold, default_forbids, meaning
from tidal.model.thresholds_read import BadThreshold, canonical, threshold_of, thresholds_of

MEANINGS = {
    "p95<300ms": "p95 of all requests must be below 300ms over the whole run",
    'p99 of "GET /cart" > 1s for 10s': ("fails as soon as p99 of GET /cart is above 1s in each of 10 seconds on end"),
    "fail% > 1 within 30s": "fail% of all requests must not be above 1% over any 30s",
    "rps >= 500 between 1m and 4m": "rps of all requests must be at least 500/s between 1m and 4m",
    "verdict == valid": "the verdict must be valid",
    "verdict != invalid": "the verdict must be not invalid",
    "min > 0": "min of all requests must not be above 0ms over the whole run",
    "abort: p99.9 of /cart < 1.5s after 30s": (
        "p99.9 of /cart must be below 1500ms after 30s, else the run is stopped"
    ),
    "rps < 100 for 5s": "fails as soon as rps of all requests is below 100/s in each of 5 seconds on end",
    "rps >= 100 for 5s": "fails as soon as rps of all requests is not at least 100/s in each of 5 seconds on end",
    "require fail% > 50": "fail% of all requests must be above 50% over the whole run",
    "abort if avg > 20 for 1m": (
        "fails as soon as avg of all requests is above 20ms in each of 60 seconds on end, and the run is stopped then"
    ),
    'transaction p95 of "checkout / pay" < 300ms': (
        "transaction p95 of checkout / pay must be below 300ms over the whole run"
    ),
    "transaction fail% of pay > 1": "transaction fail% of pay must not be above 1% over the whole run",
    "checks% >= 99": "checks% of all of them must be at least 99% over the whole run",
    'trend p95 of "cart{region=eu}" < 4.5': "trend p95 of cart{region=eu} must be below 4.5 over the whole run",
    "counter of orders >= 100": "counter of orders must be at least 100 over the whole run",
    "rate% of hit > 80": "rate% of hit must be above 80% over the whole run",
    "users >= 10 within 1m before 5m": "users must be at least 10 over every 1m between 0s and 5m",
}
SAME = {
    "p95<300": "p95 < 300ms",
    "  median  ≤  0.25s ": "p50 <= 250ms",
    "P99 OF 'GET /a \"b\"' < 1us": 'p99 of "GET /a \\"b\\"" < 0.001ms',
    "errors% < 1%": "fail% < 1%",
    "rps>=1.5/s": "rps >= 1.5",
    "fail unless p95<1s": "p95 < 1s",
    "fail if p95>1s": "p95 > 1s",
    "fail if p95<1s": "fail if p95 < 1s",
    "abort unless rps<5 after 10": "abort unless rps < 5 after 10s",
    "response p95 < 1m between 90s and 1h1m": "response p95 < 60s between 1m30s and 1h1m",
    "max of slow.page<2s": 'max of "slow.page" < 2s',
}
WRONG = {
    "": "a metric was expected",
    "p95": "a comparison was expected",
    "p95 <": "a number was expected",
    "p95 << 3": "a number was expected",
    "p95 < 3 parsecs": "nothing more was expected (at 'parsecs')",
    "p95 < 3parsecs": "'parsecs' is no unit of p95",
    "p59x < 3": "no metric 'p59x'",
    "fial% < 3": "no metric 'fial%'; near ones: fail%",
    "p0 < 3": "no metric 'p0'",
    "fail% > 101": "no value can be so large",
    "p95 of < 3": "an endpoint was expected",
    "users of /a > 3": "users is of the whole run",
    "response rps > 3": "only latencies have a response time",
    "p95 < 3 for 0s": "a window is whole seconds",
    "p95 < 3 for 11m": "a window is whole seconds",
    "p95 < 3 for 1.5s": "a window is whole seconds",
    "p95 < 3 for 5s within 9s": "one window is enough",
    "p95 < 3 after 5s before 9s": "one part of the run is enough",
    "p95 < 3 between 5s and 4s": "it ends before it begins",
    "p95 < 3 between 5s": "'and' was expected",
    "p95 < 3 within 10s before 5s": "shorter than the window",
    "verdict == perfect": "a verdict was expected",
    "verdict > valid": "a verdict is == or != to a word",
    "abort: verdict == valid": "a verdict is of the whole run",
    "abort: requests >= 100": "begin at 0",
    "counter >= 3": "a name was expected",
    "trend p95 < 3": "a name was expected",
    "trend rps of x < 3": "a trend has no rps",
    "trend verdict of x < 3": "a trend has no verdict",
    "transaction users of x < 3": "a transaction has no users",
    "transaction checks% of x < 3": "a transaction has no checks%",
    "gauge of x < 3ms": "'ms' is no unit of gauge",
    "checks% > 99 for 5s": "over the whole run",
    "transaction p95 of x < 3 after 5s": "over the whole run",
    "abort: counter of x > 3": "judged at the end",
    "requests > 3 for 5s": "of single seconds say little",
    "p95 > 3 and fail% > 1": "'and' joins what must hold",
    "abort if p95>3 and fail%>1": "'and' joins what must hold",
    "p95 < 0.0001": "three decimal places are the most",
    "x" * 301: "more than 300 characters",
}


@pytest.mark.parametrize(("text", "told"), MEANINGS.items())
def test_what_a_threshold_says(text: str, told: str) -> None:
    """In words that leave no doubt which side is the bad one."""
    (one,) = thresholds_of(text)
    assert meaning(one) == told


@pytest.mark.parametrize(("text", "same"), SAME.items())
def test_one_condition_has_one_text(text: str, same: str) -> None:
    """However it was written; and that text means the same."""
    assert canonical([text]) == (same,)
    assert threshold_of(same) == thresholds_of(text)[0]


@pytest.mark.parametrize(("text", "why"), WRONG.items())
def test_what_is_no_threshold_is_told_in_one_line(text: str, why: str) -> None:
    """What, where, what to do."""
    with pytest.raises(BadThreshold) as raised:
        thresholds_of(text)
    assert why in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_and_joins_what_must_hold() -> None:
    """Each is a threshold of its own; the word in front counts for all."""
    assert canonical(["abort: p95<300ms and fail%<1 within 10s", "p95<1s between 1m and 2m and rps>5"]) == (
        "abort: p95 < 300ms",
        "abort: fail% < 1% within 10s",
        "p95 < 1s between 1m and 2m",
        "rps > 5",
    )


def test_too_many_are_refused() -> None:
    """Each keeps seconds in the state."""
    with pytest.raises(BadThreshold, match="more than 32 thresholds"):
        canonical(f"p95 < {n}ms" for n in range(1, 40))


_WORDS = st.sampled_from(
    ["p95", "p99.9", "fail%", "rps", "verdict", "users", "of", '"GET /a"', "<", ">=", "==", "300ms", "1s", "1%",
     "valid", "for", "within", "between", "and", "after", "1m", "10s", "abort:", "fail if", "require",
     "response", "'", '"', ":"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(_WORDS, max_size=12).map(" ".join), st.lists(_WORDS).map("".join)))
def test_any_text_is_a_threshold_or_one_clear_error(text: str) -> None:
    """Nothing else is ever raised; the place lies in the text, and the message is one harmless line."""
    found, wrong = _read(text)
    assert bool(found) != bool(wrong)
    assert len(wrong.splitlines()) <= 1
    assert all(c.isprintable() for c in wrong)
    assert all(thresholds_of(str(one)) == (one,) for one in found)


def _read(text: str) -> tuple[tuple[Threshold, ...], str]:
    try:
        return thresholds_of(text), ""
    except BadThreshold as error:
        return (), str(error) if 0 <= error.at <= max(len(text), 300) else ""


_METRIC = st.one_of(
    st.sampled_from([m for m in METRICS.values() if m.kind not in {"verdict", "count"}]),
    st.integers(1, 99).map(lambda n: Metric(f"p{n}", "latency", -1, "ms", n / 100)),
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("p95<1 in warmup", "'stage' was expected"),
        ("p95<1 in stage", "the name of a stage was expected"),
        ("p95<1 in stage a in stage b", "one stage is enough"),
        ("p95>1 for 3s in stage a", "a stage is judged as a whole"),
        ("p95<1 in stage a after 3s", "a stage is judged as a whole"),
        ("rps>1 in stage a", "cannot be cut by stage"),
        ('checks% of "x" > 9 in stage a', "cannot be cut by stage"),
    ],
)
def test_what_a_stage_cannot_be_asked_is_said(text: str, why: str) -> None:
    """One line, with the place."""
    with pytest.raises(BadThreshold, match=why):
        thresholds_of(text)


@settings(deadline=None)
@given(
    metric=_METRIC,
    op=st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    limit=st.integers(0, 100_000),
    of=st.text(min_size=1, max_size=9),
    forbids=st.booleans(),
    aborts=st.booleans(),
    window=st.sampled_from([("", 0), ("for", 9), ("within", 600)]),
    place=st.sampled_from([(0, None), (5_000, None), (0, 900_000), (1_500, 900_000)]),
    stage=st.one_of(st.just(""), st.text(min_size=1, max_size=9)),
)
def test_every_threshold_reads_back(
    metric: Metric,
    op: str,
    limit: int,
    of: str,
    *,
    forbids: bool,
    aborts: bool,
    window: tuple[str, int],
    place: tuple[int, int | None],
    stage: str,
) -> None:
    """Its text stands in the log: it has to mean the same to whoever reads it."""
    if metric.source:  # of what users measure: over the whole run
        window, place, aborts = ("", 0), (0, None), False
    if metric.source or metric.kind not in {"latency", "percent"}:
        stage = ""
    if stage:  # as a whole
        window, place = ("", 0), (0, None)
    one = Threshold(metric, op, limit, of if metric.can_be_of else "", forbids, aborts, *window, *place, stage)
    assert thresholds_of(str(one)) == (one,)
    assert meaning(one)


@pytest.mark.parametrize(
    ("text", "forbids"),
    [("p95<1", False), ("p95>1", True), ("rps<1", True), ("rps>1", False), ("fail%>=1", True), ("users>1", False)],
)
def test_a_comparison_that_points_to_the_bad_side_forbids(text: str, forbids: bool) -> None:  # noqa: FBT001 - of the table
    """Without a word in front."""
    (one,) = thresholds_of(text)
    assert one.forbids is forbids is default_forbids(one.metric, one.op)
