"""A run in a few lines of Markdown, for a ticket or a pull request.

Text from outside stands in code spans: there nothing is markup, no name is mentioned and no address becomes a link.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tidal.model.text import without_password
from tidal.model.words import plural
from tidal.outputs.judged import ledger_lines, verdict_word
from tidal.outputs.layout import NOTHING, clock, day_and_clock, duration, latency, rate, share, shorten
from tidal.outputs.measured import check_cells, metric_cells
from tidal.outputs.thresholds import BAD, shown_value, when

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tidal.model.rows import EndpointRow, Frame

ROWS_MAX = 50
FAILURES_MAX = 10
STORY_MAX = 10
LINES_MAX = 10
REASONS_MAX = 10
TEXT_MAX = 100
HEADINGS = ("endpoint", "requests", "failed", "p50", "p95", "p99", "max", "req/s")
RESPONSE_HEADINGS = ("endpoint", "requests", "p50", "p95", "p99", "max")


def markdown(frame: Frame) -> str:
    """The summary; ends with a newline."""
    parts = [
        _head(frame),
        _verdict(frame),
        _thresholds(frame),
        _requests(frame),
        _responses(frame),
        _pacing(frame),
        _transactions(frame),
        _checks(frame),
        _metrics(frame),
        _stages(frame),
        _failures(frame),
        _trouble(frame),
        _logged(frame),
        _coverage(frame),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def code(text: str, most: int = TEXT_MAX) -> str:
    """Text in a code span that it cannot end, nor the cell of the table that the span is in."""
    text = shorten(without_password(text), most).strip() or "-"
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def _head(frame: Frame) -> str:
    run = frame.run
    word = run.outcome or run.phase
    verb = "after" if run.outcome else "at"
    code_told = f", exit code {run.exit_code}" if run.exit_code is not None else ""
    lines = [
        f"### Load test {code(run.file)}: {code(word, 20)} {verb} {duration(run.elapsed_ms)}{code_told}",
        f"Run {code(run.run)}, began {day_and_clock(run.began_ms or run.opened_ms)}"
        + (f", against {code(run.host)}" if run.host else ""),
    ]
    return "\n\n".join([*lines, *([code(run.reason)] if run.reason else [])])


def _verdict(frame: Frame) -> str:
    """Whether the figures may be believed, before them."""
    if not frame.verdict.word:
        return ""
    lines = [f"Verdict: **{verdict_word(frame)}**{' because' if frame.verdict.reasons else ''}"]
    reasons = [f"- {code(reason, 200)}" for reason in frame.verdict.reasons[:REASONS_MAX]]
    said = "\n".join([*lines, *([""] if reasons else []), *reasons]) + _more(len(frame.verdict.reasons), REASONS_MAX)
    remarks = frame.verdict.remarks[:REASONS_MAX]
    return "\n\n".join([said, *(f"Worth knowing: {code(remark, 200)}" for remark in remarks)])


def _thresholds(frame: Frame) -> str:
    if not frame.thresholds:
        return ""
    rows = [
        [code(row.text), f"**{code(row.word, 20)}**" if row.word in BAD else code(row.word, 20), code(shown_value(row)),
         code(when(row)), code(row.meaning, 200)]
        for row in frame.thresholds
    ]  # fmt: skip
    return _table(("threshold", "", "value", "when", "meaning"), rows, left=5)


def _requests(frame: Frame) -> str:
    if not frame.endpoints:
        return "No request was made."
    rows = [_cells(row) for row in frame.endpoints[:ROWS_MAX]]
    total = ["**total**", *(f"**{cell}**" for cell in _cells(frame.total)[1:])]
    return _table(HEADINGS, [*rows, total]) + _more(len(frame.endpoints), ROWS_MAX)


def _cells(row: EndpointRow) -> list[str]:
    timed = (row.median_us, row.p95_us, row.p99_us, row.max_us)
    counts = [str(row.requests), share(row.failures, row.requests)]
    times = (latency(us) if row.is_timed else NOTHING for us in timed)
    return [code(f"{row.method} {row.name}".strip()), *counts, *times, rate(row.total_rps_milli)]


def _responses(frame: Frame) -> str:
    """The times from the intended start, where there are any."""
    timed = [row for row in frame.endpoints if row.response_count]
    if not timed:
        return ""
    rows = [_response_cells(row) for row in timed[:ROWS_MAX]]
    total = ["**total**", *(f"**{cell}**" for cell in _response_cells(frame.total)[1:])]
    head = "Response times, from the moment at which the iteration was to begin:\n\n"
    return head + _table(RESPONSE_HEADINGS, [*rows, total]) + _more(len(timed), ROWS_MAX)


def _response_cells(row: EndpointRow) -> list[str]:
    times = (row.response_p50_us, row.response_p95_us, row.response_p99_us, row.response_max_us)
    return [code(f"{row.method} {row.name}".strip()), str(row.response_count), *map(latency, times)]


def _pacing(frame: Frame) -> str:
    """Wanted against achieved, of users that keep a pace."""
    rows = [
        [code(row.user_class), rate(row.wanted_milli), rate(row.achieved_milli), share(row.reached_permille, 1_000)]
        for row in frame.pacing[:ROWS_MAX]
    ]
    table = _table(("users of", "wanted/s", "achieved/s", "reached"), rows) if rows else ""
    return table + _more(len(frame.pacing), ROWS_MAX)


def _transactions(frame: Frame) -> str:
    if not frame.transactions:
        return ""
    rows = []
    for row in frame.transactions[:ROWS_MAX]:
        name = " / ".join(row.path) + (f" {{{row.tags}}}" if row.tags else "")
        timed = (row.median_us, row.p95_us, row.busy_median_us, row.busy_p95_us)
        times = (latency(us) if row.times else NOTHING for us in timed)
        cells = [str(row.times), share(row.failures, row.times), str(row.requests), *times]
        rows.append([code(name), *cells])
    headings = ("transaction", "times", "failed", "requests", "p50", "p95", "p50 busy", "p95 busy")
    return _table(headings, rows) + _more(len(frame.transactions), ROWS_MAX)


def _checks(frame: Frame) -> str:
    if not frame.checks:
        return ""
    rows = [[code(name.strip()), *cells] for name, *cells in map(check_cells, frame.checks[:ROWS_MAX])]
    return _table(("check", "passed", "failed", "share"), rows) + _more(len(frame.checks), ROWS_MAX)


def _metrics(frame: Frame) -> str:
    if not frame.metrics:
        return ""
    rows = [[code(name.strip()), *cells] for name, *cells in map(metric_cells, frame.metrics[:ROWS_MAX])]
    headings = ("metric", "kind", "values", "value", "per s", "min", "p50", "p95", "p99", "max")
    return _table(headings, rows) + _more(len(frame.metrics), ROWS_MAX)


def _stages(frame: Frame) -> str:
    """The plan's stages, where it has any."""
    shown = [row for row in frame.stages if row.lasted_ms or row.total.requests]
    rows = [[code(row.name), duration(row.lasted_ms), *_cells(row.total)[1:]] for row in shown[:ROWS_MAX]]
    return _table(("stage", "lasted", *HEADINGS[1:]), rows) + _more(len(shown), ROWS_MAX) if rows else ""


def _failures(frame: Frame) -> str:
    if not frame.failures:
        return ""
    kept = frame.failures[:FAILURES_MAX]
    rows = [[code(row.error), code(f"{row.method} {row.name}".strip()), str(row.occurrences)] for row in kept]
    table = _table(("failure", "endpoint", "times"), rows, left=2)
    return table + _more(len(frame.failures), FAILURES_MAX)


def _trouble(frame: Frame) -> str:
    """The warnings and errors of the story, but how the run ended: the head says it."""
    told = [r for r in frame.story if r.level in {"warning", "error"} and r.kind not in {"so", "rc", "tt"}]
    lines = [f"- {duration(max(0, row.offset_ms))} {code(row.text, 160)}" for row in told[:STORY_MAX]]
    return "\n".join(["What went wrong:", "", *lines]) + _more(len(told), STORY_MAX) if lines else ""


def _logged(frame: Frame) -> str:
    """The newest warnings and errors of the processes' logging, the oldest first; of a traceback its first line."""
    told = [row for row in frame.logs if row.level in {"warning", "error", "critical"}]
    lines = [
        f"- {duration(max(0, row.offset_ms))} {code(f'{row.who} {row.level}', 40)} {code(_first_line(row.text), 160)}"
        for row in told[-LINES_MAX:]
    ]
    missing = frame.logs_left_out + frame.logs_dropped
    gone = [f"{plural(missing, 'line')} of logging not kept"] if missing else []
    body = "\n".join(lines) + _more(len(told), LINES_MAX) if lines else ""
    return "\n\n".join(["Log:", *filter(None, [body]), *gone]) if lines or gone else ""


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _coverage(frame: Frame) -> str:
    ledger = [f"- {code(line.strip(), 160)}" for line in ledger_lines(frame)]
    return "\n".join(["; ".join(_covered(frame)), *([""] if ledger else []), *ledger])


def _covered(frame: Frame) -> Iterator[str]:
    known, ledger = frame.completeness, frame.ledger
    if known.workers_expected:
        yield f"{known.workers_reporting}/{known.workers_expected} workers reported"
    yield f"figures complete to {clock(known.complete_to_ms)}" if known.complete_to_ms else "nothing was reported"
    if ledger.planned_user_ms:
        ran = share(ledger.ran_user_ms - ledger.surplus_user_ms, ledger.planned_user_ms)
        yield f"{ran} of the planned user time ran"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    rule = ["---" if i < left else "--:" for i in range(len(headings))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows))


def _more(there_are: int, shown: int) -> str:
    return f"\n\n… and {there_are - shown} more" if there_are > shown else ""
