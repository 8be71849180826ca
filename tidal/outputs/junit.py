"""A run's verdict and thresholds as JUnit XML, as CI servers read it: a case each, failed or not.

What could not be judged is an error, and so is a verdict that is invalid: a pass on figures that may not be believed is
no pass. Text from outside is cleaned and escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from tidal.model.text import clean
from tidal.outputs.thresholds import shown_value, when

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.judged_rows import ThresholdRow
    from tidal.model.rows import Frame

CASE, END = "    <testcase", "    </testcase>"


def junit(frame: Frame) -> str:
    """The XML; ends with a newline."""
    cases = [*_verdict(frame), *_requests(frame), *(_threshold(frame, row) for row in frame.thresholds)]
    text = "\n".join(cases)
    failures, errors = text.count("<failure "), text.count("<error ")
    seconds = f"{frame.run.elapsed_ms / 1000:.3f}"
    counts = f'tests="{len(cases)}" failures="{failures}" errors="{errors}" time="{seconds}"'
    name = _attribute(f"tidal {frame.run.file}")
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites {counts}>",
            f"  <testsuite name={name} {counts}>",
            "    <properties>",
            *(f"      <property name={_attribute(k)} value={_attribute(v)}/>" for k, v in _properties(frame)),
            "    </properties>",
            text,
            "  </testsuite>",
            "</testsuites>",
            "",
        ]
    )


def _attribute(text: str) -> str:
    return quoteattr(clean(text))


def _properties(frame: Frame) -> Iterator[tuple[str, str]]:
    run = frame.run
    yield "run", run.run
    yield "host", run.host
    yield "outcome", run.outcome or run.phase
    yield "exit code", "" if run.exit_code is None else str(run.exit_code)
    yield "requests", str(frame.total.requests)
    yield "failures", str(frame.total.failures)


def _case(name: str, body: str = "", kind: str = "", message: str = "") -> str:
    head = f'{CASE} classname="tidal" name={_attribute(name)}'
    if not kind:
        return f"{head}/>" if not body else f"{head}><system-out>{escape(body)}</system-out></testcase>"
    told = f"      <{kind} message={_attribute(message)}>{escape(body)}</{kind}>"
    return f"{head}>\n{told}\n{END}"


def _verdict(frame: Frame) -> Iterator[str]:
    """The verdict is a case of its own; a suspect one is said and does not fail."""
    verdict = frame.verdict
    if verdict.word:
        reasons = "; ".join(clean(reason) for reason in verdict.reasons)
        kind = "error" if verdict.word == "invalid" else ""
        yield _case("the figures may be believed", reasons, kind, f"the verdict is {verdict.word}")


def _requests(frame: Frame) -> Iterator[str]:
    """Without thresholds: whether anything failed."""
    if not frame.thresholds:
        failed = frame.total.failures
        message = f"{failed} of {frame.total.requests} requests failed"
        yield _case("no request failed", "", "failure" if failed else "", message)


def _threshold(frame: Frame, row: ThresholdRow) -> str:
    told = clean(row.meaning)
    if row.word == "unjudged":
        return _case(row.text, told, "error", row.why or "it could not be judged")
    if row.word in {"failed", "failing"}:
        span = when(row)
        return _case(row.text, told, "failure", f"it was {shown_value(row)}" + (f" from {span}" if span else ""))
    if row.word == "waiting" or frame.verdict.word == "invalid":
        why = "the verdict is invalid: a pass would be none" if frame.verdict.word == "invalid" else "not judged yet"
        return _case(row.text, told, "skipped", why)
    return _case(row.text, f"{told}: it is {row.value}")
