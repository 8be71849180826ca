"""What the HTML report shows, as plain values: bounded, cleaned, without secrets.

Everything comes from the state and from the frame made of it, so a report of a run is the same whether its state was
followed live or folded from the archive. Moments are milliseconds of plan time, as the story counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tidal.model.explain import RUN, explain
from tidal.model.frame import frame
from tidal.model.limit_lines import limit_lines
from tidal.model.plan import Mix
from tidal.model.rows import LedgerRow
from tidal.model.spec import RunOptions
from tidal.model.stats import Tally
from tidal.model.struct import Discreet, asdict
from tidal.model.text import clean, without_password
from tidal.model.thresholds_read import threshold_of
from tidal.outputs.html_shapes import PERCENTILES, SPECTRUM, heatmap, percentiles, spectrum
from tidal.outputs.layout import day_and_clock, duration
from tidal.outputs.text import summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidal.model.rows import EndpointRow, Frame
    from tidal.model.state import LogHalf, State

FORMAT = 1
ENDPOINTS_MAX = 500
SPECTRA_MAX = 60
FAILURES_MAX = 500
CLASSES_MAX = 200
EXCEPTIONS_MAX = 100
MEASURED_MAX = 500
"""Rows of transactions, metrics, checks and tags each."""
WORKERS_MAX = 500
FINDINGS_MAX = 100
LINES_MAX = 500
LINE_CHARS = 2_000
PLAIN_LINES_MAX, PLAIN_LINE_CHARS = 100, 500
"""Of lines of logging where no script may run: they stand in the page a second time."""
SOURCE_FILES_MAX = 20
SOURCE_BYTES_MAX = 128 * 1024
"""Of all shipped files together; a report is for reading."""
MIXED_USERS_MAX = 100_000
"""Beyond, the classes' weights say as much as a count."""


class Report(Discreet, frozen=True):
    """A report before it is drawn.

    Attributes:
        title: of the page.
        data: what its script draws; plain values.
        plain: the same in short, for where no script may run.
    """

    HIDDEN: ClassVar = frozenset({"data", "plain"})

    title: str
    data: dict[str, Any]
    plain: str


def report_of(
    state: State,
    at_ms: int,
    files: Mapping[str, bytes] | None = None,
    *,
    shown: Frame | None = None,
) -> Report:
    """The report of a run as it stands at a moment of Redis time.

    `files`: what it shipped, by path; `shown`: another picture than the state's own, of a run of which a part was cut.
    """
    shown = shown or frame(state, at_ms)
    run = shown.run
    origin_ms = run.began_ms or run.opened_ms
    data = {
        "format": FORMAT,
        "run": {**asdict(run), "host": without_password(run.host)},
        "at_ms": shown.at_ms,
        "origin_ms": origin_ms,
        "verdict": asdict(shown.verdict) if shown.verdict.word else None,
        "totals": _totals(shown),
        "thresholds": [asdict(row) for row in shown.thresholds],
        "limits": [asdict(line) for line in limit_lines(shown)],
        "limit": _limit(shown),
        "endpoints": _endpoints(state, shown),
        "stages": [{**asdict(row), "endpoints": len(row.endpoints)} for row in shown.stages[:CLASSES_MAX]],
        "by_class": [asdict(row) for row in shown.classes[:CLASSES_MAX]],
        "pacing": [asdict(row) for row in shown.pacing[:CLASSES_MAX]],
        "chart": {**asdict(shown.chart), "start_ms": shown.chart.start_ms - origin_ms},
        "heat": _heat(state, shown, origin_ms),
        "failures": [asdict(row) for row in shown.failures[:FAILURES_MAX]],
        "exceptions": [asdict(row) for row in shown.exceptions[:EXCEPTIONS_MAX]],
        "transactions": [asdict(row) for row in shown.transactions[:MEASURED_MAX]],
        "metrics": [asdict(row) for row in shown.metrics[:MEASURED_MAX]],
        "checks": [asdict(row) for row in shown.checks[:MEASURED_MAX]],
        "tagged": [asdict(row) for row in shown.tagged[:MEASURED_MAX]],
        "samples": [asdict(row) for row in shown.samples],
        "workers": [asdict(row) for row in shown.workers[:WORKERS_MAX]],
        "classes": _classes(state, shown),
        "completeness": asdict(shown.completeness),
        "ledger": asdict(shown.ledger),
        "explained": _explained(state, shown),
        "story": [{**asdict(row), "offset_ms": row.at_ms - origin_ms} for row in shown.story],
        "story_dropped": state.log.story_dropped,
        "logs": _logs(shown, origin_ms),
        "configuration": _configuration(state.log),
        "source": _source(state.log, files or {}),
    }
    title = f"{run.file.rpartition('/')[2] or 'tidal'} · {run.run}"
    return Report(title, data, without_password(summary(shown) + _logged(shown, origin_ms)))


def _logged(shown: Frame, origin_ms: int) -> str:
    """The newest lines of logging, one a line, below the tables that stand where no script may run."""
    rows = shown.logs[-PLAIN_LINES_MAX:]
    if not rows:
        return ""
    cut = f", the newest {len(rows):,} of {len(shown.logs):,}" if len(rows) < len(shown.logs) else ""
    lines = (f"{duration(row.at_ms - origin_ms):>8}  {row.who} {row.level}  {row.text}" for row in rows)
    return "\n".join([f"\nLog{cut}", *(clean(line, PLAIN_LINE_CHARS) for line in lines)]) + "\n"


def _explained(state: State, shown: Frame) -> dict[str, Any]:
    """What changed when, without what the story says anyway: how the run went from opening to end."""
    found = explain(state, shown.story, has_books=shown.ledger != LedgerRow())  # a cut has none
    told = [row for row in found.findings if row.kind != RUN][:FINDINGS_MAX]
    findings = [
        {
            **asdict(row),
            "text": without_password(row.text),
            "evidence": [without_password(line) for line in row.evidence],
        }
        for row in told
    ]
    return {"summary": [without_password(text) for text in found.summary], "findings": findings}


def _logs(shown: Frame, origin_ms: int) -> list[dict[str, Any]]:
    """The newest lines of the processes' logging, the oldest first."""
    return [
        {
            **asdict(row),
            "offset_ms": row.at_ms - origin_ms,
            "logger": without_password(row.logger),
            "text": without_password(row.text)[:LINE_CHARS],
        }
        for row in shown.logs[-LINES_MAX:]
    ]


def _limit(shown: Frame) -> dict[str, Any] | None:
    """The search for a limit, with the unit of each of its thresholds; None where nothing was searched for."""
    if shown.limit is None:
        return None
    found = [threshold_of(text) for text in shown.limit.until]
    return {**asdict(shown.limit), "units": [one.metric.unit if one is not None else "" for one in found]}


def _totals(shown: Frame) -> dict[str, int]:
    """How many rows there are of what may be cut, and what the figures leave out."""
    return {
        "endpoints": len(shown.endpoints),
        "failures": len(shown.failures),
        "exceptions": len(shown.exceptions),
        "transactions": len(shown.transactions),
        "metrics": len(shown.metrics),
        "checks": len(shown.checks),
        "tagged": len(shown.tagged),
        "samples": len(shown.samples) + shown.samples_dropped,
        "workers": len(shown.workers),
        "logs": len(shown.logs) + shown.logs_dropped,
        "logs_left_out": shown.logs_left_out,
        "bad_entries": shown.bad_entries,
        "skipped_entries": shown.skipped_entries,
    }


def _endpoints(state: State, shown: Frame) -> dict[str, Any]:
    """The total and the endpoints with the most requests, in the order of their names."""
    total = Tally()
    known = []
    for row, (_, record) in zip(shown.endpoints, sorted(state.reports.endpoints.items()), strict=True):
        total.merge(record.tally)
        known.append((row, record.tally))
    known.sort(key=lambda item: -item[0].requests)
    kept = [(shown.total, total), *known[:ENDPOINTS_MAX]]
    return {
        "percentiles": PERCENTILES,
        "quantiles": [round(q, 6) for q in SPECTRUM],
        "rows": [_endpoint(row, tally) for row, tally in kept],
        "spectra": [spectrum(tally) for _, tally in kept[: SPECTRA_MAX + 1]],
    }


def _endpoint(row: EndpointRow, tally: Tally) -> dict[str, Any]:
    left_out = {"median_us", "p95_us", "p99_us"}  # among the percentiles
    told = {name: value for name, value in asdict(row).items() if name not in left_out}
    return {**told, "percentiles_us": percentiles(tally)}


def _heat(state: State, shown: Frame, origin_ms: int) -> dict[str, Any] | None:
    chart = shown.chart
    until_ms = chart.start_ms + chart.step_ms * len(chart.rps_milli)
    heat = heatmap(state.reports.series, until_ms // 1000)
    if heat is None:
        return None
    return {
        "start_ms": heat.start_s * 1000 - origin_ms,
        "step_ms": heat.step_s * 1000,
        "edges_us": heat.edges_us,
        "columns": heat.columns,
    }


def _classes(state: State, shown: Frame) -> list[dict[str, Any]]:
    """The user classes: what their author wrote, how many ran at the most, how many run now."""
    log = state.log
    peak = _most_by_class(log, max(shown.chart.users_planned, default=0))
    now: dict[str, int] = {}
    for worker in shown.workers:
        for name, users in worker.users_by_class:
            now[name] = now.get(name, 0) + users
    return [
        {
            "name": clean(c.name),
            "weight": c.weight,
            "fixed_count": c.fixed_count,
            "host": without_password(clean(c.host)),
            "tasks": [[clean(name), share] for name, share in c.tasks[:100]],
            "most": peak.get(c.name),
            "now": now.get(clean(c.name), 0),
        }
        for c in log.classes
    ]


def _most_by_class(log: LogHalf, users: int) -> dict[str, int]:
    """How many users of each class the plan had at its highest, where one number says it."""
    if users > MIXED_USERS_MAX or (log.plan is not None and any(t.name for t in log.plan.tracks)):
        return {}
    return Mix(log.classes).counts(users)


def _configuration(log: LogHalf) -> dict[str, Any]:
    options, usual = asdict(log.options), asdict(RunOptions())
    arguments = options.pop("arguments")
    return {
        "options": [[_label(k), _told(k, v), v != usual[k]] for k, v in options.items()],
        "arguments": [[clean(name), without_password(clean(value))] for name, value in arguments],
        "versions": [[clean(name), clean(value)] for name, value in log.versions],
        "files": [[clean(f.path), f.size, clean(f.sha256)] for f in log.files[:200]],
        "opened": day_and_clock(log.opened_ms),
    }


def _label(name: str) -> str:
    return name.removesuffix("_ms").replace("_", " ")


def _told(name: str, value: Any) -> str:
    """An option's value as a person would write it."""
    if value is None:
        return "until stopped"
    if name.endswith("_ms"):
        return f"{value / 1000:g} s" if value < 120_000 else duration(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(without_password(clean(_flat(item))) for item in value)
    return without_password(clean(f"{value:g}" if isinstance(value, float) else str(value)))


def _flat(item: Any) -> str:
    return ": ".join(map(str, item)) if isinstance(item, tuple | list) else str(item)


def _source(log: LogHalf, files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """The shipped files that are text, the locustfile first, as far as there is room."""
    shown, room = [], SOURCE_BYTES_MAX
    for path in sorted(files, key=lambda path: (path != log.file, path))[:SOURCE_FILES_MAX]:
        try:
            text = files[path][:room].decode(errors="strict" if len(files[path]) <= room else "ignore")
        except UnicodeDecodeError:
            continue  # not text
        room -= len(files[path][:room])
        lines = [clean(line.expandtabs(4), 500) for line in text.split("\n")]
        shown.append({"path": clean(path), "text": "\n".join(lines), "cut": len(files[path]) - len(text.encode())})
        if room <= 0:
            break
    return shown
