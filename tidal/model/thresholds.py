"""What a run has to keep to: one threshold is one condition, said the same for a live run and for one that is over.

    p95 < 300ms                          what must hold, over the whole run
    p99 of "GET /cart" > 1s for 10s      what must not last for ten seconds on end
    abort: fail% > 1 within 30s          what must not be true of any thirty seconds; it stops the run
    rps >= 500 between 1m and 4m         what must hold over a part of the run
    p95 < 300ms in stage "steady"        what must hold of the requests of one stage of the plan

A comparison that points to the bad side of its metric says what must not happen, any other what must hold; `require`,
`fail if` and their like in front say it against the grain (`docs/thresholds.md`). Limits are integers in thousandths of
the metric's unit. `thresholds_read.py` reads the text, `judging.py` judges.
"""

from __future__ import annotations

from tidal.model.struct import Struct

LATENCY, RATE, PERCENT, COUNT, USERS, VERDICT = "latency", "rate", "percent", "count", "users", "verdict"
MEASURED = "measured"
"""A number of the users' own, in no unit or in per cent."""
LOWER, NEITHER, HIGHER = -1, 0, 1
"""Which side of a metric is the good one."""
WHOLE, FOR, WITHIN = "", "for", "within"
NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
IN_WORDS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "==": "", "!=": "not"}
THRESHOLDS_MAX = 32
"""Of one run: each keeps a window of seconds in the state."""
TEXT_MAX = 300
WINDOW_S_MAX = 600


class Metric(Struct, frozen=True):
    """Something that can be measured of a run, or of one endpoint."""

    name: str
    kind: str
    better: int
    unit: str = ""
    quantile: float = 0.0  # of latency: the share of samples that are no larger
    is_response: bool = False  # from the intended start on, not from the sending
    source: str = ""  # of what users measure beside requests: check, counter, gauge, rate, trend, transaction

    @property
    def can_be_of(self) -> bool:
        """Whether single endpoints, or measures of the users' own, have it."""
        return self.kind in {LATENCY, RATE, PERCENT, COUNT, MEASURED}

    @property
    def words(self) -> str:
        """As the grammar reads it."""
        if self.is_response:
            return f"response {self.name}"
        return f"{self.source} {self.name}" if self.source in {"trend", "transaction"} else self.name


METRICS = {
    metric.name: metric
    for metric in (
        Metric("avg", LATENCY, LOWER, "ms"),
        Metric("min", LATENCY, LOWER, "ms"),
        Metric("max", LATENCY, LOWER, "ms"),
        Metric("fail%", PERCENT, LOWER, "%"),
        Metric("failures", COUNT, LOWER),
        Metric("rps", RATE, HIGHER, "/s"),
        Metric("requests", COUNT, HIGHER),
        Metric("users", USERS, NEITHER),
        Metric("verdict", VERDICT, NEITHER),
        Metric("checks%", MEASURED, HIGHER, "%", source="check"),
        Metric("counter", MEASURED, NEITHER, source="counter"),
        Metric("gauge", MEASURED, NEITHER, source="gauge"),
        Metric("rate%", MEASURED, NEITHER, "%", source="rate"),
    )
}
"""By name; percentiles (`p95`) are made when they are asked for."""
ALIASES = {"average": "avg", "mean": "avg", "error%": "fail%", "errors%": "fail%", "errors": "failures"}


class Threshold(Struct, frozen=True):
    """One condition on a run.

    Attributes:
        of: an endpoint, as `GET /cart` or as its name alone; "" is all requests.
        limit: in thousandths of the metric's unit; of a verdict the index of its word.
        forbids: it says what must not happen; else what must hold.
        window_s: how long what is bad must last (`for`), or how long the windows are (`within`).
        from_ms: plan time from which it is judged.
        to_ms: plan time up to which it is judged; None: to the end.
        stage: of the plan, whose requests alone are judged; "" is all of them.
    """

    metric: Metric
    op: str
    limit: int
    of: str = ""
    forbids: bool = False
    aborts: bool = False
    window: str = WHOLE
    window_s: int = 0
    from_ms: int = 0
    to_ms: int | None = None
    stage: str = ""

    @property
    def bad_op(self) -> str:
        """The comparison that is true of a bad value."""
        return self.op if self.forbids else NEGATED[self.op]

    @property
    def has_place(self) -> bool:
        """Whether it judges a part of the run only."""
        return bool(self.from_ms) or self.to_ms is not None

    def __str__(self) -> str:
        """The same condition in the grammar, always with the same words."""
        metric = self.metric.words
        of = f" of {quoted(self.of)}" if self.of else ""
        return f"{_prefix(self)}{metric}{of} {self.op} {self.limit_text}{self._scope}"

    @property
    def _scope(self) -> str:
        if self.stage:
            return f" in stage {quoted(self.stage)}"
        window = f" {self.window} {span(self.window_s * 1000)}" if self.window else ""
        if self.to_ms is None:
            return window + (f" after {span(self.from_ms)}" if self.from_ms else "")
        if not self.from_ms:
            return f"{window} before {span(self.to_ms)}"
        return f"{window} between {span(self.from_ms)} and {span(self.to_ms)}"

    @property
    def limit_text(self) -> str:
        """The limit as it is written."""
        return value_text(self.metric, self.limit)


def default_forbids(metric: Metric, op: str) -> bool:
    """Whether a comparison without a word in front says what must not happen."""
    points_up = {"<": LOWER, "<=": LOWER, ">": HIGHER, ">=": HIGHER}.get(op, NEITHER)
    return points_up == -metric.better != NEITHER


def _prefix(threshold: Threshold) -> str:
    if threshold.forbids == default_forbids(threshold.metric, threshold.op):
        return "abort: " if threshold.aborts else ""
    if threshold.aborts:
        return "abort if " if threshold.forbids else "abort unless "
    return "fail if " if threshold.forbids else "require "


# ------------------------------------------------------------------ in words


VERDICT_WORDS = ("valid", "suspect", "invalid")


def quoted(text: str) -> str:
    """A name as the grammar reads it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def span(ms: int) -> str:
    """A span of time as the grammar reads it: 1m30s, 500ms."""
    if ms % 1000:
        return f"{decimal(ms)}s"
    hours, minutes, seconds = ms // 3_600_000, ms // 60_000 % 60, ms // 1000 % 60
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def decimal(thousandths: int) -> str:
    """Thousandths as a decimal number without zeros that say nothing."""
    whole, rest = divmod(abs(thousandths), 1000)
    sign = "-" if thousandths < 0 else ""
    return f"{sign}{whole}" + (f".{rest:03}".rstrip("0") if rest else "")


def value_text(metric: Metric, thousandths: int) -> str:
    """A value with its unit, as the grammar reads it: 1s, 250ms, 1%, 500."""
    if metric.kind == VERDICT:
        return VERDICT_WORDS[min(max(thousandths, 0), len(VERDICT_WORDS) - 1)]
    if metric.kind == LATENCY and thousandths and thousandths % 1_000_000 == 0:
        return f"{thousandths // 1_000_000}s"
    return decimal(thousandths) + {"ms": "ms", "%": "%"}.get(metric.unit, "")


def wanted(threshold: Threshold) -> str:
    """What is to hold, in short, whichever way it was said: p95 < 300ms, fail% <= 1%."""
    return f"{threshold.metric.words} {NEGATED[threshold.bad_op]} {threshold.limit_text}"


def what_is_measured(threshold: Threshold) -> str:
    """The metric and what it is of, in words."""
    metric = threshold.metric
    name = metric.words
    if metric.source:
        return f"{name} of {threshold.of or 'all of them'}"
    if not metric.can_be_of:
        return "the verdict" if metric.kind == VERDICT else name
    return f"{name} of {threshold.of or 'all requests'}"


def meaning(threshold: Threshold) -> str:
    """What it says, in words that leave no doubt which side is the bad one."""
    what, value = what_is_measured(threshold), _value_in_words(threshold)
    compared = f"{IN_WORDS[threshold.op]} {value}".strip()
    if threshold.window == FOR:
        is_bad = "is" if threshold.forbids else "is not"
        lasting = f"{is_bad} {compared} in each of {threshold.window_s} seconds on end"
        return f"fails as soon as {what} {lasting}{_where(threshold)}{_then(threshold)}"
    if threshold.window == WITHIN:
        over = f"over {'any' if threshold.forbids else 'every'} {span(threshold.window_s * 1000)}"
    else:
        over = (
            "" if threshold.has_place or threshold.stage or threshold.metric.kind == VERDICT else "over the whole run"
        )
    must = "must not be" if threshold.forbids else "must be"
    return " ".join(f"{what} {must} {compared} {over}".split()) + _where(threshold) + _then(threshold)


def _value_in_words(threshold: Threshold) -> str:
    text = value_text(threshold.metric, threshold.limit)
    return f"{text}{threshold.metric.unit}" if threshold.metric.unit == "/s" else text


def _where(threshold: Threshold) -> str:
    if threshold.stage:
        return f" in stage {threshold.stage}"
    if threshold.to_ms is None:
        return f" after {span(threshold.from_ms)}" if threshold.from_ms else ""
    return f" between {span(threshold.from_ms)} and {span(threshold.to_ms)}"


def _then(threshold: Threshold) -> str:
    return (
        ", else the run is stopped"
        if threshold.aborts and threshold.window != FOR
        else (", and the run is stopped then" if threshold.aborts else "")
    )
