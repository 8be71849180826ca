"""docs/postmortem.md, made of its template and of the incident that ships with the package.

`tests/data/postmortem.md` is the page with names in «guillemets» where a recording has figures: a new recording changes
those and no prose. What the prose takes for granted (one worker is lost, there are two spikes, who is to blame) is held
by `wrong_with`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tidal.model.cuts import Cut
from tidal.model.struct import replace
from tidal.model.words import moment
from tidal.outputs.explained import finding_lines, summary_lines
from tidal.outputs.layout import latency, share
from tidal.report import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.explain import Explanation, Finding
    from tidal.model.rows import EndpointRow, Frame

TEMPLATE = Path(__file__).parent / "data" / "postmortem.md"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "postmortem.md"
QUIET_FROM_MS = 10_000
HAPPENS = {"load": 1, "loss": 1, "spike": 2, "errors": 2}
"""Findings of the incident by kind, and none besides."""
TOLD = frozenset({"run", "operator"})
SPIKES_S = ((45, 53), (96, 103))


def wrong_with(archive: Path) -> list[str]:
    """What of a recording is not the incident that the page tells of."""
    recorded = read(archive)
    frame, explained = recorded.frame(), recorded.explanation()
    return [*_wrong_findings(explained), *_wrong_verdict(frame)]


def _wrong_findings(explained: Explanation) -> Iterator[str]:
    kinds = [finding.kind for finding in explained.findings if finding.kind not in TOLD]
    for kind in sorted({*kinds, *HAPPENS}):
        if kinds.count(kind) != HAPPENS.get(kind, 0):
            yield f"{kinds.count(kind)} finding(s) of {kind}, not {HAPPENS.get(kind, 0)}"
    for spike, (first_s, last_s) in zip(_of(explained, "spike"), SPIKES_S, strict=False):
        if not first_s * 1000 <= spike.at_ms <= last_s * 1000:
            yield f"a spike at {moment(spike.at_ms)}, not between {moment(first_s * 1000)} and {moment(last_s * 1000)}"
        if spike.whom != "target":
            yield f"the spike at {moment(spike.at_ms)} is put down to {spike.whom or 'nobody'}, not to the target"


def _wrong_verdict(frame: Frame) -> Iterator[str]:
    if frame.verdict.word != "suspect":
        yield f"the verdict is {frame.verdict.word}, not suspect"
    yield from (f"a reason more: {reason}" for reason in frame.verdict.reasons[1:])
    if not any("user-seconds" in reason and "never reported" in reason for reason in frame.verdict.reasons[:1]):
        yield f"the verdict does not name the loss and what it cost: {frame.verdict.reasons[:1]}"


def page(archive: Path) -> str:
    """The page of a recording."""
    told = facts(archive)
    return re.sub(r"«(\w+)»", lambda name: told[name[1]], TEMPLATE.read_text(encoding="utf8"))


def facts(archive: Path) -> dict[str, str]:
    """What the page says of a recording, by name."""
    recorded = read(archive)
    frame, explained = recorded.frame(), recorded.explanation()
    (loss,), (ill, stood), (failing, ceased) = (_of(explained, kind) for kind in ("loss", "spike", "errors"))
    deployed, rolled_back = (row.offset_ms for row in frame.story if row.kind == "nt")
    doubled_ms = next(row.offset_ms for row in frame.story if row.kind == "ts" and row.offset_ms > rolled_back)
    moments = {
        "lost": loss.at_ms, "ill": ill.at_ms, "failing": failing.at_ms, "ceased": ceased.at_ms, "stood": stood.at_ms,
        "deployed": deployed, "rolled_back": rolled_back, "doubled": doubled_ms,
    }  # fmt: skip
    calm = _checkout(archive, QUIET_FROM_MS, deployed)
    sick = _checkout(archive, failing.at_ms, ceased.at_ms)
    cost = re.search(r", (\S+ user-seconds \(.*?\)) not generated, its last (\S+ s) ", frame.verdict.reasons[0])
    assert cost is not None
    return {
        **{name: _short(at_ms) for name, at_ms in moments.items()},
        **{f"{name}_span": _span(at_ms) for name, at_ms in moments.items()},
        "after_loss": f"{(ill.at_ms - loss.at_ms) // 1000} s",
        "around_loss": f"{loss.at_ms // 1000 - 4}s..{loss.at_ms // 1000 + 3}s",
        "around_stand": f"--from {_span(stood.at_ms - 4_000)} --to {_span(stood.at_ms + 6_000)}",
        "worker": loss.text.partition(" ")[0],
        "missing": cost[1],
        "untold": cost[2],
        "calm_p50": latency(calm.median_us),
        "sick_p50": latency(sick.median_us),
        "sick_share": share(sick.failures, sick.requests),
        "late": ill.evidence[0].partition("timers were ")[2].partition(" late")[0],
        "stood_late": stood.evidence[0].partition("timers were ")[2].partition(" late")[0],
        "stood_p95": re.search(r"spiked to (\S+ \S+) ", stood.text)[1],  # type: ignore[index]
        "summary": "\n".join(summary_lines(explained)[1:]),
        "evidence": "\n".join(line for f in _evident(explained, deployed) for line in finding_lines(f)),
    }


def _evident(explained: Explanation, deployed_ms: int) -> list[Finding]:
    """The three findings of the deploy, each with the first line of its evidence."""
    found = [f for f in explained.findings if f.kind in {"operator", "spike", "errors"} and f.at_ms >= deployed_ms]
    return [replace(finding, evidence=finding.evidence[:1]) for finding in found[:3]]


def _of(explained: Explanation, kind: str) -> list[Finding]:
    return [finding for finding in explained.findings if finding.kind == kind]


def _checkout(archive: Path, from_ms: int, to_ms: int) -> EndpointRow:
    """The endpoint that fell ill, between two moments."""
    cut = Cut(between=(from_ms // 1000 * 1000, to_ms // 1000 * 1000))
    return next(row for row in read(archive, lambda _: cut).frame().endpoints if row.name == "/checkout")


def _short(at_ms: int) -> str:
    """0:48, as people write it."""
    return moment(at_ms).removeprefix("0")


def _span(at_ms: int) -> str:
    """1m35s, as commands read it."""
    minutes, seconds = divmod(at_ms // 1000, 60)
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
