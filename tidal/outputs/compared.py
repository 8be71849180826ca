"""Two runs against each other, as text, JSON and one HTML file without a script."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from tidal.model.compare import FAILURES, FASTER, RATE, SLOWER, UNKNOWN
from tidal.model.text import clean
from tidal.model.wire import to_wire
from tidal.model.words import plural
from tidal.outputs.layout import Column, day_and_clock, duration, shorten, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tidal.model.compare import Comparison, Row
    from tidal.model.rows import Frame

SCHEMA = 1
MARKS = {SLOWER: "✖ slower", FASTER: "+ faster", UNKNOWN: "too little"}
WORSE_FAILURES, BETTER_FAILURES = "✖ fails more", "+ fails less"
ROWS_MAX = 2_000
STYLE = """
:root{color-scheme:light dark;--line:#8884;--bad:#c0392b;--good:#1e8449;--soft:#8882}
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0 2rem}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}
td:first-child{white-space:normal;overflow-wrap:anywhere}
.bad{color:var(--bad);font-weight:600}.good{color:var(--good);font-weight:600}.none{opacity:.6}
.head{background:var(--soft);padding:.8rem 1rem;border-radius:.4rem}svg{vertical-align:middle}
@media print{body{margin:0;max-width:none}}
"""


class Compared(NamedTuple):
    """A comparison with the last pictures of both runs."""

    a: Frame
    b: Frame
    found: Comparison


def comparison_text(compared: Compared, most: int | None = None, *, every: bool = False) -> str:
    """Tables by phase; `every`: also the figures of which there is nothing to tell. Ends with a newline."""
    lines = [*_heads(compared), ""]
    for phase in compared.found.phases:
        rows = [row for row in compared.found.rows if row.phase == phase and (every or _is_told(row))]
        lines += [f"{phase}", _phase_table(rows, most) if rows else f"  {_nothing(compared.found, phase)}", ""]
    return "\n".join([*lines, *_summary(compared.found)]) + "\n"


def _nothing(found: Comparison, phase: str) -> str:
    """Why a phase has nothing to tell."""
    is_tested = any(row.phase == phase and row.outcome != UNKNOWN and row.metric != RATE for row in found.rows)
    return "nothing differs beyond noise" if is_tested else "too short, or too few requests, to be compared"


def _is_told(row: Row) -> bool:
    """The total's figures always, of endpoints what came out."""
    return not (row.method or row.name) or row.outcome in {SLOWER, FASTER}


def _heads(compared: Compared) -> Iterator[str]:
    for word, frame in (("a", compared.a), ("b", compared.b)):
        run = frame.run
        when = day_and_clock(run.began_ms or run.opened_ms)
        verdict = f", verdict {frame.verdict.word}" if frame.verdict.word else ""
        yield f"{word}  {shorten(run.run)}  {shorten(run.file)}  {when}  {duration(run.elapsed_ms)}{verdict}"


def _phase_table(rows: Sequence[Row], most: int | None) -> str:
    titles = (("endpoint", 0), ("", 0), ("a", 0), ("b", 0), ("change", 0), ("95 % between", 2), ("", 0))
    columns = [Column(title, number=2 <= i <= 5, rank=rank) for i, (title, rank) in enumerate(titles)]
    return table(columns, [_cells(row) for row in rows[:ROWS_MAX]], most=most)


def _cells(row: Row) -> list[str]:
    name = f"{row.method} {row.name}".strip() or "total"
    if row.outcome == UNKNOWN:
        return [shorten(name), row.metric, "", "", "", "", MARKS[UNKNOWN]]
    between = "" if row.metric == RATE else f"{_change(row, row.low)} … {_change(row, row.high)}"
    return [
        shorten(name),
        row.metric,
        _value(row, row.a),
        _value(row, row.b),
        _change(row, row.ratio),
        between,
        _mark(row),
    ]


def _mark(row: Row) -> str:
    if row.metric == FAILURES and row.outcome in {SLOWER, FASTER}:
        return WORSE_FAILURES if row.outcome == SLOWER else BETTER_FAILURES
    return MARKS.get(row.outcome, "")


def _value(row: Row, value: float) -> str:
    if row.metric == FAILURES:
        return f"{value:.2f} %"
    return f"{value:.1f}" if row.metric == RATE else f"{value:.1f} ms" if value < 1_000 else f"{value / 1000:.2f} s"


def _change(row: Row, ratio: float) -> str:
    return f"{ratio:+.2f}" if row.metric == FAILURES else f"{100 * (ratio - 1):+.1f} %"


def _summary(found: Comparison) -> Iterator[str]:
    for only in found.only:
        yield f"not compared, only in {clean(only)}"
    for remark in found.remarks:
        yield clean(remark)
    worse = found.regressions
    better = sum(row.outcome == FASTER for row in found.rows)
    rules = f"{plural(found.tested, 'figure')} tested together at 5 % (Holm), tolerance {100 * found.tolerance:g} %"
    if not found.tested:
        yield "nothing could be compared: no phase of both runs has requests enough"
    elif worse:
        yield f"{plural(len(worse), 'regression')}, {plural(better, 'improvement')}; {rules}"
    else:
        yield f"no regression, {plural(better, 'improvement')}; {rules}"


def comparisons_json(compared: Sequence[Compared]) -> str:
    """One line: `schema`, `a`, and for each other run `b`, `rows`, `phases`, `only`, `tested`, `regressions`."""
    value = {
        "schema": SCHEMA,
        "a": compared[0].a.run.run if compared else "",
        "comparisons": [
            {"b": one.b.run.run, **to_wire(one.found), "regressions": len(one.found.regressions)} for one in compared
        ],
    }
    return json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n"


# ------------------------------------------------------------------ HTML


def comparisons_html(compared: Sequence[Compared]) -> str:
    """One page without scripts, which fetches nothing; all text escaped."""
    policy = f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
    names = " · ".join(one.b.run.run for one in compared)
    title = escape(f"{compared[0].a.run.run if compared else ''} against {names}")
    body = "\n".join(_html_of(one) for one in compared)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )


def _html_of(compared: Compared) -> str:
    heads = "<br>".join(escape(line) for line in _heads(compared))
    parts = [f'<p class="head">{heads}<br><b>{escape("; ".join(_summary(compared.found)))}</b></p>']
    for phase in compared.found.phases:
        rows = "".join(_html_row(row) for row in compared.found.rows if row.phase == phase)
        titles = ("endpoint", "", "a", "b", "change", "95 % confidence", "", "")
        head = "".join(f"<th>{title}</th>" for title in titles)
        parts.append(f"<h2>{escape(phase)}</h2>\n<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    return "\n".join(parts)


def _html_row(row: Row) -> str:
    kind = {SLOWER: "bad", FASTER: "good", UNKNOWN: "none"}.get(row.outcome, "")
    *cells, mark = _cells(row)
    plain = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr>{plain}<td>{_interval(row)}</td><td class="{kind}">{escape(mark)}</td></tr>\n'


def _interval(row: Row) -> str:
    """The interval about no change, from a half to the double."""
    if row.metric in {RATE, FAILURES} or row.outcome == UNKNOWN:
        return ""
    low, at, high = (60 + max(-1.0, min(1.0, ratio - 1)) * 58 for ratio in (row.low, row.ratio, row.high))
    color = {SLOWER: "#c0392b", FASTER: "#1e8449"}.get(row.outcome, "#888")
    return (
        '<svg width="120" height="14" role="img"><line x1="60" y1="0" x2="60" y2="14" stroke="#8888"/>'
        f'<line x1="{low:.1f}" y1="7" x2="{high:.1f}" y2="7" stroke="{color}" stroke-width="2"/>'
        f'<circle cx="{at:.1f}" cy="7" r="3" fill="{color}"/></svg>'
    )
