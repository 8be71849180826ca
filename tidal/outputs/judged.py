"""The verdict and the ledger in plain lines: what the text summary, Markdown and the console say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.words import moment, number, user_seconds
from tidal.outputs.layout import latency, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.rows import Frame, LedgerRow

REASON_CELLS = 200
REASONS_MAX, GAPS_MAX, LOSSES_MAX = 10, 5, 5


def verdict_word(frame: Frame) -> str:
    """The verdict, or the one so far; "" when there is nothing to judge."""
    return shorten(frame.verdict.word, 20)


def verdict_lines(frame: Frame) -> Iterator[str]:
    """The word, a line a reason, a line a remark."""
    verdict = frame.verdict
    if not verdict.word:
        return
    so_far = " so far" if frame.run.exit_code is None else ""
    yield f"Verdict{so_far}: {verdict_word(frame)}" + (", because" if verdict.reasons else "")
    yield from (f"  - {shorten(reason, REASON_CELLS)}" for reason in verdict.reasons[:REASONS_MAX])
    if len(verdict.reasons) > REASONS_MAX:
        yield f"  … and {len(verdict.reasons) - REASONS_MAX} more"
    yield from (f"Worth knowing: {shorten(remark, REASON_CELLS)}" for remark in verdict.remarks[:REASONS_MAX])


def ledger_lines(frame: Frame) -> Iterator[str]:
    """User time, iterations, users that ended, gaps and losses; what is not there is not said."""
    ledger = frame.ledger
    if not (ledger.planned_user_ms or ledger.ran_user_ms or ledger.arrivals_planned):
        return
    if ledger.planned_user_ms or ledger.ran_user_ms:
        yield _user_time(ledger)
    if ledger.arrivals_planned or ledger.arrivals_started:
        yield f"Arrivals: {_arrivals(ledger)}"
    if ledger.iterations_started:
        yield f"Iterations: {_iterations(ledger)}"
    if ledger.tickets_wanted:
        yield f"Iterations to do: {_tickets(ledger)}"
    late = frame.lateness
    if late.started:
        when = (
            f"half within {latency(late.p50_us)}, 99 % within {latency(late.p99_us)}, the last {latency(late.max_us)}"
        )
        yield f"Arrivals began late by: {when}; {number(late.late)} of {number(late.started)} by more than 5 ms"
    yield from _delays(frame)
    if ledger.users_ended:
        what = (f"{number(ledger.users_restarted)} restarted", f"{number(ledger.users_let_go)} let go")
        yield f"Users that ended by themselves: {number(ledger.users_ended)}: {', '.join(what)}"
    if ledger.rows_lost:
        yield f"Rows of unique feeds that died with who held them: {number(ledger.rows_lost)}"
    yield from _gaps(ledger)
    yield from _losses(ledger)


def _user_time(ledger: LedgerRow) -> str:
    planned, surplus, missing = (
        (ms + 50) // 100 for ms in (ledger.planned_user_ms, ledger.surplus_user_ms, ledger.missing_user_ms)
    )
    # what ran is what the other three leave, in the digits that are shown: else the sum would seem not to balance
    sides = f"planned {_tenths(planned)} + surplus {_tenths(surplus)}"
    done = f"ran {_tenths(planned + surplus - missing)} + missing {_tenths(missing)}"
    after = f"; {user_seconds(ledger.after_user_ms)} more while stopping" if ledger.after_user_ms >= 1_000 else ""
    return f"User-seconds: {sides} = {done}{after}"


def _arrivals(ledger: LedgerRow) -> str:
    """Planned (and surplus) = started + dropped + unknown; what is 0 is not said."""
    wanted = [(ledger.arrivals_planned, "planned"), (ledger.arrivals_surplus, "surplus")]
    done = [
        (ledger.arrivals_started, "started"),
        (ledger.arrivals_dropped, "dropped"),
        (ledger.arrivals_unknown, "unknown"),
    ]
    told = [
        " + ".join(f"{number(n)} {name}" for i, (n, name) in enumerate(side) if n or not i) for side in (wanted, done)
    ]
    return " = ".join(told)


def _delays(frame: Frame) -> Iterator[str]:
    delay = frame.delay
    if delay.answers:
        yield (
            f"Answers lay in the kernel before they were read: half up to {latency(delay.p50_us)}, 99 % up to"
            f" {latency(delay.p99_us)}; without that p50 {latency(delay.undelayed_p50_us)},"
            f" p99 {latency(delay.undelayed_p99_us)}"
        )


def _tenths(tenths: int) -> str:
    return f"{tenths / 10:,.1f}"


def _iterations(ledger: LedgerRow) -> str:
    ends = {
        "finished": ledger.iterations_finished,
        "failed": ledger.iterations_failed,
        "cancelled": ledger.iterations_cancelled,
        "in flight": ledger.iterations_in_flight,
        "unknown": ledger.iterations_unknown,
    }
    parts = [f"{number(count)} {name}" for name, count in ends.items() if count or name == "finished"]
    return f"{number(ledger.iterations_started)} started = {' + '.join(parts)}"


def _tickets(ledger: LedgerRow) -> str:
    """Wanted + redone = completed + unknown + not done."""
    sides = (
        ((ledger.tickets_wanted, "wanted"), (ledger.tickets_redone, "redone")),
        ((ledger.tickets_done, "completed"), (ledger.tickets_unknown, "unknown"), (ledger.tickets_open, "not done")),
    )
    told = (
        [f"{number(count)} {name}" for place, (count, name) in enumerate(side) if count or not place] for side in sides
    )
    return " = ".join(" + ".join(parts) for parts in told)


def _gaps(ledger: LedgerRow) -> Iterator[str]:
    worst = sorted(ledger.gaps, key=lambda gap: (-gap.missing_user_ms - gap.surplus_user_ms, gap.from_ms))[:GAPS_MAX]
    for gap in sorted(worst, key=lambda gap: gap.from_ms):
        off = ((gap.missing_user_ms, "missing"), (gap.surplus_user_ms, "too many"))
        told = " and ".join(f"{user_seconds(ms)} {what}" for ms, what in off if ms)
        yield f"  {moment(gap.from_ms)} to {moment(gap.to_ms)}: {told}"
    if len(ledger.gaps) > GAPS_MAX:
        yield f"  … and in {len(ledger.gaps) - GAPS_MAX} more places"


def _losses(ledger: LedgerRow) -> Iterator[str]:
    for loss in ledger.losses[:LOSSES_MAX]:
        lasted_s = max(0, loss.to_ms - loss.from_ms) / 1000
        when = f"{lasted_s:.1f} s up to {moment(loss.to_ms)}"
        yield f"  never reported: {when} of {shorten(loss.who, 60)} ({shorten(loss.why, 60)})"
    if len(ledger.losses) > LOSSES_MAX:
        yield f"  … and {len(ledger.losses) - LOSSES_MAX} more"
