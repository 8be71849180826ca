"""The ledger as a table: planned and ran, what became of iterations, and why the verdict is what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.delays import SUSPECT_US
from tidal.tui import text
from tidal.tui.look import VERDICTS, mark_of
from tidal.tui.widgets.columns import Cell, Column, GridRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.rows import Frame, LedgerRow
    from tidal.tui.look import Look

COLUMNS = (
    Column("what", "What", 18, right=False, most=30),
    Column("amount", "Amount", 14),
    Column("more", "", 20, right=False, most=2_000),
)
Line = tuple[str, str, str, str]
"""What, amount, more, tone."""


def rows(frame: Frame, look: Look) -> list[GridRow]:
    """The rows, verdict first; those of which there is nothing to tell are left out."""
    if not (
        frame.ledger.planned_user_ms or frame.ledger.ran_user_ms or frame.verdict.word or frame.ledger.arrivals_planned
    ):
        return []
    books = frame.ledger
    lines = [
        *_verdict(frame),
        *_user_time(books),
        *_arrivals(frame),
        *_iterations(books),
        *_delay(frame),
        *_rest(books),
    ]
    return [
        GridRow(
            f"{number}",
            (
                Cell(look.outside(what), "", number),
                Cell(look.outside(look.own(amount)), tone, number),
                Cell(look.outside(look.own(more)), "dim" if tone == "" else tone, number),
            ),
        )
        for number, (what, amount, more, tone) in enumerate(lines)
    ]


def _verdict(frame: Frame) -> Iterator[Line]:
    verdict = frame.verdict
    if not verdict.word:
        return
    glyph, word, tone = mark_of(VERDICTS, verdict.word)
    yield "verdict", f"{glyph} {word.lower()}", "so far" if frame.run.exit_code is None else "", tone
    yield from (("because", "", reason, tone) for reason in verdict.reasons)
    yield from (("worth knowing", "", remark, "info") for remark in verdict.remarks)


def _user_time(ledger: LedgerRow) -> Iterator[Line]:
    whole = ledger.planned_user_ms
    for what, ms, more in (
        ("planned", whole, "user-seconds, up to where every worker has reported"),
        ("ran", ledger.ran_user_ms, ""),
        ("missing", ledger.missing_user_ms, "planned, but nobody ran it; each second by itself"),
        ("surplus", ledger.surplus_user_ms, "ran, but nobody planned it"),
        ("while stopping", ledger.after_user_ms, "tasks that might finish after the end"),
    ):
        is_off = what in ("missing", "surplus") and ms * 1000 > whole
        share = f"{text.percent(ms, whole)} of the plan" if is_off and whole else more
        yield what, f"{ms / 1000:,.1f}", share, "warn" if is_off else ""


def _arrivals(frame: Frame) -> Iterator[Line]:
    """Arrivals: planned + surplus = started + dropped + unknown; and how late they began."""
    ledger, late = frame.ledger, frame.lateness
    if not (ledger.arrivals_planned or ledger.arrivals_started):
        return
    yield "arrivals planned", f"{ledger.arrivals_planned:,}", "", ""
    for what, count, more, tone in (
        ("started", ledger.arrivals_started, "", ""),
        ("dropped", ledger.arrivals_dropped, "as many iterations were in flight as may be", "bad"),
        ("unknown", ledger.arrivals_unknown, "lost with what died, or not reported yet", "warn"),
        ("surplus", ledger.arrivals_surplus, "begun beyond the plan", "warn"),
    ):
        if count or what == "started":
            yield f"  {what}", f"{count:,}", more, tone
    if late.started:
        told = f"of {late.started:,}; p50 {text.latency(late.p50_us)}, p99 {text.latency(late.p99_us)}"
        yield "  late by 5 ms", f"{late.late:,}", told, "warn" if late.late * 100 > late.started else ""


def _iterations(ledger: LedgerRow) -> Iterator[Line]:
    if not ledger.iterations_started:
        return
    yield "iterations begun", f"{ledger.iterations_started:,}", "", ""
    for what, count, tone in (
        ("finished", ledger.iterations_finished, ""),
        ("failed", ledger.iterations_failed, "bad"),
        ("cancelled", ledger.iterations_cancelled, "warn"),
        ("in flight", ledger.iterations_in_flight, ""),
        ("unknown", ledger.iterations_unknown, "warn"),
    ):
        if count:
            yield f"  {what}", f"{count:,}", "", tone


def _delay(frame: Frame) -> Iterator[Line]:
    """The client's own share of the latencies: how long answers waited in the kernel for their generator."""
    delay = frame.delay
    if delay.answers:
        most = f"half up to {text.latency(delay.p50_us)}, 99 % up to {text.latency(delay.p99_us)}"
        told = f"of {delay.answers:,} answers; {most}"
        tone = "warn" if delay.p95_us >= SUSPECT_US else ""
        yield "read late: p95", text.latency(delay.p95_us), told, tone
        rest = f"p50 {text.latency(delay.undelayed_p50_us)}, p99 {text.latency(delay.undelayed_p99_us)}"
        yield "  p95 without that", text.latency(delay.undelayed_p95_us), rest, ""


def _rest(ledger: LedgerRow) -> Iterator[Line]:
    if ledger.users_ended:
        more = f"{ledger.users_restarted:,} restarted, {ledger.users_let_go:,} let go"
        yield "users that ended", f"{ledger.users_ended:,}", more, "warn"
    if ledger.reports_repeated or ledger.reports_refused:
        refused = f"{ledger.reports_refused:,} refused" if ledger.reports_refused else ""
        yield "reports repeated", f"{ledger.reports_repeated:,}", refused, "bad" if refused else ""
    for gap in ledger.gaps:
        off = ((gap.missing_user_ms, "missing"), (gap.surplus_user_ms, "too many"))
        told = " and ".join(f"{ms / 1000:,.1f} {what}" for ms, what in off if ms)
        yield "gap", f"{(gap.to_ms - gap.from_ms) / 1000:g} s", f"from {text.duration(gap.from_ms)}: {told}", "warn"
    for loss in ledger.losses:
        more = f"of {loss.who} up to {text.duration(loss.to_ms)}: {loss.why}"
        yield "never reported", f"{max(0, loss.to_ms - loss.from_ms) / 1000:.1f} s", more, "bad"
