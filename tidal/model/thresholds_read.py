"""Text to thresholds: `thresholds_of("p95<300ms and fail%<1")`. Any text gives thresholds or one BadThreshold.

text      = [prefix] clause { "and" clause }
prefix    = "require" | "fail if" | "fail unless" | "abort if" | "abort unless" | "abort:"
clause    = metric ["of" name] op value { scope }
metric    = ["trend" | "transaction"] latency | "transaction fail%" | "checks%" | "counter" | "gauge" | "rate%"
          | ["response"] latency | "rps" | "requests" | "fail%" | "failures" | "users" | "verdict"
latency   = "p50" … "p99.9" | "median" | "avg" | "min" | "max"
op        = "<" | "<=" | ">" | ">=" | "==" | "!="
scope     = "in stage" name | "for" span | "within" span | "between" span "and" span | "after" span | "before" span
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from tidal.model.pattern import lazily
from tidal.model.struct import Struct, replace
from tidal.model.text import clean
from tidal.model.thresholds import (
    ALIASES,
    COUNT,
    FOR,
    HIGHER,
    LATENCY,
    LOWER,
    MEASURED,
    METRICS,
    NEITHER,
    PERCENT,
    TEXT_MAX,
    THRESHOLDS_MAX,
    VERDICT,
    VERDICT_WORDS,
    WINDOW_S_MAX,
    WITHIN,
    Metric,
    Threshold,
    default_forbids,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIXES = {
    "fail if": (True, False),
    "fail unless": (False, False),
    "abort if": (True, True),
    "abort unless": (False, True),
    "require": (False, False),
    "abort": (None, True),
}
"""Word in front → whether it forbids (None: by the comparison), whether it stops the run."""
VALUE_MAX = 10**15
SPAN_MS_MAX = 366 * 24 * 3_600_000
LATENCY_UNITS = {"": 1_000, "us": 1, "µs": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "min": 60_000_000}
"""Into µs; a number alone is milliseconds."""
_SPACE = lazily(r"\s*")
_PREFIX = lazily(r"(fail\s+if|fail\s+unless|abort\s+if|abort\s+unless|require)\b\s*:?|(abort)\s*:", re.IGNORECASE)
_WORD = lazily(r"[A-Za-z_][\w.]*%?")
_OPERATOR = lazily(r"<=|>=|==|!=|<|>|≤|≥")
_NUMBER = lazily(r"(\d{1,18})(?:\.(\d{1,9}))?([A-Za-zµ%/]*)")
_SPAN = lazily(r"(?:(\d{1,6})h)?(?:(\d{1,8})m(?!s))?(?:(\d{1,10}(?:\.\d{1,3})?)s?)?", re.ASCII)
_STRING = lazily(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'')
_BARE = lazily(r"[^\s\"'<>=!≤≥]+")
_PERCENTILE = lazily(r"p(\d{1,2}(?:\.\d{1,4})?)", re.ASCII)
_EQUALS = {"≤": "<=", "≥": ">="}


class BadThreshold(ValueError):
    """A text that is no threshold: what is wrong, and where."""

    def __init__(self, text: str, at: int, why: str) -> None:
        rest = clean(text[at : at + 20], 20)
        where = f"at {rest!r}" if rest.strip() else "at its end"
        super().__init__(f"threshold {clean(text, 100)!r}: {why} ({where})")
        self.at = at


def thresholds_of(text: str) -> tuple[Threshold, ...]:
    """The thresholds of a text: one, or several with `and` between. BadThreshold says what is wrong."""
    if len(text) > TEXT_MAX:
        raise BadThreshold(text, TEXT_MAX, f"more than {TEXT_MAX} characters")
    return _Reader(text).read()


@lru_cache(256)
def threshold_of(text: str) -> Threshold | None:
    """The one threshold of a text that stands in a log; None when this version of tidal does not understand it."""
    try:
        (found,) = thresholds_of(text)
    except ValueError:
        return None
    return found


def canonical(texts: Iterable[str]) -> tuple[str, ...]:
    """One text a threshold, each once, as they stand in the log; BadThreshold for one that is none."""
    found = dict.fromkeys(str(one) for text in texts for one in thresholds_of(text))
    for text in list(found)[THRESHOLDS_MAX:]:
        raise BadThreshold(text, 0, f"more than {THRESHOLDS_MAX} thresholds")
    return tuple(found)


class _Reader(Struct):
    """A text with a place in it."""

    text: str
    at: int = 0

    def fail(self, why: str, at: int | None = None) -> BadThreshold:
        """The error for this place."""
        return BadThreshold(self.text, self.at if at is None else at, why)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What comes next, when it is like this."""
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]  # nothing is a match, too
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match and match.end() > self.at else self.at
        return match

    def word(self, *wanted: str) -> str:
        """The next word when it is one of these; else "", and nothing is taken."""
        before = self.at
        match = self.take(_WORD)
        found = match[0].lower() if match else ""
        if found in wanted:
            return found
        self.at = before
        return ""

    def read(self) -> tuple[Threshold, ...]:
        """The whole text."""
        forbids, aborts = self._prefix()
        clauses = [self._clause(forbids=forbids, aborts=aborts)]
        while self.word("and"):
            at = self.at - 3
            clauses.append(self._clause(forbids=forbids, aborts=aborts))
            if any(clause.forbids for clause in clauses):
                raise self.fail("'and' joins what must hold: give what must not happen as thresholds of their own", at)
        if self.take(_BARE) or self.at < len(self.text.rstrip()):
            raise self.fail("nothing more was expected", self._last_at())
        return tuple(clauses)

    def _last_at(self) -> int:
        """Where the word begins that was just taken."""
        return max(self.text.rfind(" ", 0, self.at), self.text.rfind("\t", 0, self.at)) + 1

    def _prefix(self) -> tuple[bool | None, bool]:
        match = self.take(_PREFIX)
        if match is None or not match[0]:
            return None, False
        return PREFIXES[" ".join((match[1] or match[2]).lower().split())]

    # ------------------------------------------------------------------ a clause

    def _clause(self, *, forbids: bool | None, aborts: bool) -> Threshold:
        metric = self._metric()
        of = self._of(metric)
        op = self._operator(metric)
        limit = self._limit(metric)
        is_forbidden = default_forbids(metric, op) if forbids is None else forbids
        bare = Threshold(metric, op, limit, of, is_forbidden, aborts)
        while (word := self.word("in", "for", "within", "between", "after", "before")) and bare is not None:
            bare = self._scoped(bare, word)
        return self._checked(bare)

    def _metric(self) -> Metric:
        at = self.at
        source = self.word("trend", "transaction")
        is_response = not source and bool(self.word("response"))
        match = self.take(_WORD)
        if match is None:
            raise self.fail(f"a metric was expected: {', '.join(['p95', *METRICS])}")
        name = ALIASES.get(match[0].lower(), match[0].lower())
        metric = METRICS.get(name) or _percentile(name)
        if metric is None:
            raise self.fail(_no_metric(match[0]), match.start())
        if is_response and metric.kind != LATENCY:
            raise self.fail(f"only latencies have a response time, not {metric.name}", at)
        return self._of_source(metric, source, at) if source else replace(metric, is_response=is_response)

    def _of_source(self, metric: Metric, source: str, at: int) -> Metric:
        """A figure of a trend, which has no unit here, or of a transaction."""
        if metric.kind != LATENCY and (source, metric.name) != ("transaction", "fail%"):
            raise self.fail(f"a {source} has no {metric.words}", at)
        if source == "trend":
            return replace(metric, kind=MEASURED, better=NEITHER, unit="", source=source)
        return replace(metric, source=source)

    def _of(self, metric: Metric) -> str:
        at = self.at
        if not self.word("of"):
            if metric.source and metric.source != "check":
                raise self.fail(f'a name was expected: {metric.words} of "…"')
            return ""
        if not metric.can_be_of:
            raise self.fail(f"{metric.name} is of the whole run, not of an endpoint", at)
        name = self._name()
        if not name:
            raise self.fail('an endpoint was expected, as "GET /cart" or as its name alone')
        return name

    def _name(self) -> str:
        string = self.take(_STRING)
        if string is not None:
            return re.sub(r"\\(.)", r"\1", string[1] if string[1] is not None else string[2])
        bare = self.take(_BARE)
        return bare[0] if bare else ""

    def _operator(self, metric: Metric) -> str:
        match = self.take(_OPERATOR)
        if match is None:
            raise self.fail("a comparison was expected: <, <=, >, >=, == or !=")
        op = _EQUALS.get(match[0], match[0])
        if metric.kind == VERDICT and op not in {"==", "!="}:
            raise self.fail("a verdict is == or != to a word", match.start())
        return op

    def _limit(self, metric: Metric) -> int:
        if metric.kind == VERDICT:
            word = self.word(*VERDICT_WORDS)
            if not word:
                raise self.fail(f"a verdict was expected: {', '.join(VERDICT_WORDS)}")
            return VERDICT_WORDS.index(word)
        match = self.take(_NUMBER)
        if match is None:
            raise self.fail("a number was expected")
        factor = _factor(metric, match[3])
        if factor is None:
            raise self.fail(f"{match[3]!r} is no unit of {metric.name}", match.start(3))
        return self._thousandths(metric, match, factor)

    def _thousandths(self, metric: Metric, match: re.Match[str], factor: int) -> int:
        value = Fraction(f"{match[1]}.{match[2] or 0}") * factor
        if value.denominator != 1:
            raise self.fail("three decimal places are the most", match.start())
        if value >= VALUE_MAX or (metric.kind == PERCENT and value > 100_000):
            raise self.fail("no value can be so large", match.start())
        return int(value)

    # ------------------------------------------------------------------ when

    def _scoped(self, bare: Threshold, word: str) -> Threshold:
        at = self.at - len(word)
        if word == "in":
            return self._staged(bare, at)
        if word in {FOR, WITHIN}:
            if bare.window:
                raise self.fail(f"one window is enough: it has '{bare.window}' already", at)
            return replace(bare, window=word, window_s=self._window_s())
        if bare.has_place:
            raise self.fail("one part of the run is enough: between … and …, after … or before …", at)
        return replace(bare, **self._place(word))  # type: ignore[arg-type]  # from_ms and to_ms

    def _staged(self, bare: Threshold, at: int) -> Threshold:
        if not self.word("stage"):
            raise self.fail("'stage' was expected: in stage warmup")
        if bare.stage:
            raise self.fail("one stage is enough", at)
        name = self._name()
        if not name:
            raise self.fail("the name of a stage was expected")
        return replace(bare, stage=name)

    def _window_s(self) -> int:
        at = self.at
        ms = self._span_ms()
        if ms % 1000 or not 1_000 <= ms <= WINDOW_S_MAX * 1000:
            raise self.fail(f"a window is whole seconds, 1s to {WINDOW_S_MAX // 60}m", at)
        return ms // 1000

    def _place(self, word: str) -> dict[str, int]:
        at = self.at
        first_ms = self._span_ms()
        if word == "after":
            return {"from_ms": first_ms}
        if word == "before":
            if not first_ms:
                raise self.fail("nothing is before the start", at)
            return {"to_ms": first_ms}
        if not self.word("and"):
            raise self.fail("'and' was expected: between 1m and 4m")
        at, to_ms = self.at, self._span_ms()
        if to_ms <= first_ms:
            raise self.fail("it ends before it begins", at)
        return {"from_ms": first_ms, "to_ms": to_ms}

    def _span_ms(self) -> int:
        match = self.take(_SPAN)
        if match is None or not match[0] or self.text[match.end() : match.end() + 1].isalnum():
            raise self.fail("a span of time was expected, such as 10s, 1m30s or 1h", match.start() if match else None)
        hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
        ms = int((hours * 3600 + minutes * 60 + seconds) * 1000)
        if ms > SPAN_MS_MAX:
            raise self.fail("longer than a year", match.start())
        return ms

    def _checked(self, found: Threshold) -> Threshold:
        metric = found.metric
        if found.stage and (found.window or found.has_place):
            raise self.fail("a stage is judged as a whole: without for, within, between, after, before")
        if found.stage and (metric.source or metric.kind not in {LATENCY, PERCENT, COUNT}):
            raise self.fail(f"{metric.words} cannot be cut by stage: latencies, requests, failures and fail% can")
        if metric.source and (found.window or found.has_place):
            raise self.fail(f"{metric.words} is judged over the whole run: without for, within, between, after, before")
        if metric.source == "counter" and found.aborts:
            raise self.fail("a counter begins at 0 and is judged at the end")
        if metric.kind == VERDICT and (found.window or found.has_place or found.aborts):
            raise self.fail("a verdict is of the whole run, at its end")
        if found.window and metric.kind == COUNT and found.window == FOR:
            raise self.fail(f"{metric.name} of single seconds say little: use 'within', or rps")
        if found.aborts and not found.window and metric.kind == COUNT and metric.better == HIGHER:
            raise self.fail(f"{metric.name} begin at 0: this would stop the run at its start; give it a window")
        length_ms = None if found.to_ms is None else found.to_ms - found.from_ms
        if length_ms is not None and length_ms < max(1, found.window_s) * 1000:
            raise self.fail("the part of the run is shorter than the window, or than a second")
        return found


def _percentile(name: str) -> Metric | None:
    match = _PERCENTILE.fullmatch("p50" if name == "median" else name)
    quantile = float(match[1]) / 100 if match else 0.0
    return Metric(f"p{match[1]}", LATENCY, LOWER, "ms", quantile) if match and quantile > 0 else None


def _no_metric(word: str) -> str:
    near = get_close_matches(word.lower(), [*METRICS, *ALIASES, "median", "p50", "p95", "p99"], 2, 0.5)
    hint = f"; near ones: {', '.join(near)}" if near else f"; there are p95, {', '.join(METRICS)}"
    return f"no metric {clean(word, 40)!r}{hint}"


def _factor(metric: Metric, unit: str) -> int | None:
    """Into thousandths of the metric's unit."""
    if metric.kind == LATENCY:
        return LATENCY_UNITS.get(unit.lower())
    allowed = {"", metric.unit} if metric.unit else {""}
    return 1_000 if unit.lower() in allowed else None
