"""A run's post-mortem as text and as JSON."""

from __future__ import annotations

import json
from textwrap import wrap
from typing import TYPE_CHECKING

from tidal.model.text import clean
from tidal.model.wire import to_wire
from tidal.model.words import moment
from tidal.outputs.layout import day_and_clock, duration, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.explain import Explanation, Finding
    from tidal.model.rows import Frame

MARKS = {"good": "+", "warning": "!", "error": "✖"}
COLUMNS = 110
SCHEMA = 1


def explanation_text(frame: Frame, explained: Explanation, *, brief: bool = False) -> str:
    """The summary and the timeline; ends with a newline."""
    run = frame.run
    head = f"{shorten(run.run)}  {shorten(run.file)}  {day_and_clock(run.began_ms or run.opened_ms)}"
    lines = [f"{head}  {duration(run.elapsed_ms)}", "", *summary_lines(explained)]
    if not brief:
        rolled_up = ", for the seconds of a long run are rolled up" if explained.step_s > 1 else ""
        lines += ["", f"Timeline (changes are known to {explained.step_s} s{rolled_up})", ""]
        lines += [line for finding in explained.findings for line in finding_lines(finding)]
    return "\n".join(lines) + "\n"


def summary_lines(explained: Explanation) -> list[str]:
    """What somebody wants to hear who has ten seconds."""
    told = (clean(sentence, 500) for sentence in explained.summary)
    return [line for text in told for line in wrap(text, COLUMNS, initial_indent="· ", subsequent_indent="  ")]


def finding_lines(finding: Finding) -> Iterator[str]:
    """One finding of the timeline with its evidence."""
    head = f"{moment(finding.at_ms):>7}  {MARKS.get(finding.level, ' ')} {finding.kind:<10}  "
    rest = " " * len(head)
    yield from wrap(clean(finding.text, 500), COLUMNS, initial_indent=head, subsequent_indent=rest)
    for line in finding.evidence:
        yield from wrap(clean(line, 300), COLUMNS, initial_indent=f"{rest}· ", subsequent_indent=f"{rest}  ")


def explanation_json(frame: Frame, explained: Explanation) -> str:
    """One line: `schema`, `run`, `summary`, `step_s`, `findings`."""
    value = {"schema": SCHEMA, "run": frame.run.run, **to_wire(explained)}
    return json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n"
