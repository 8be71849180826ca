"""Realistic frames without chance or clock: a shop under load, at fixed Redis times, shown in UTC."""

from __future__ import annotations

from datetime import UTC
from math import sin
from typing import Any

from tidal.model.judged_rows import VerdictRow
from tidal.model.rows import (
    Chart,
    Completeness,
    EndpointRow,
    ExceptionRow,
    FailureRow,
    Frame,
    GapRow,
    LedgerRow,
    LogRow,
    LossRow,
    RunHeader,
    StoryRow,
    WorkerRow,
)
from tidal.model.struct import replace
from tidal.tui.look import Look

OPENED_MS = 1_750_000_000_000  # 2025-06-15 15:06:40 UTC
BEGAN_MS = OPENED_MS + 4_000
LOOK = Look(zone=UTC)
ASCII = Look(ascii_only=True, dots="ascii", zone=UTC)

ENDPOINTS = (
    # method, name, share, median ms
    ("GET", "/", 24, 11.4),
    ("GET", "/product/[id]", 31, 17.9),
    ("GET", "/search?q=[words]", 14, 46.2),
    ("GET", "/cart", 9, 14.8),
    ("POST", "/cart/add", 8, 22.7),
    ("POST", "/checkout", 4, 118.5),
    ("POST", "/checkout/payment/confirm", 3, 241.0),
    ("GET", "/api/recommendations", 5, 33.1),
    ("PUT", "/account/address", 1, 27.4),
    ("WS", "/live/stock", 1, 3.2),
)


def endpoint(method: str, name: str, share: int, median_ms: float, seconds: int) -> EndpointRow:
    """A row that has run for so many seconds."""
    median_us, rps_milli = round(median_ms * 1000), share * 12_345
    requests = rps_milli * seconds // 1000
    failures = requests // 190 if "checkout" in name else 0
    return EndpointRow(
        method,
        name,
        requests,
        failures,
        cancelled=share % 3,
        median_us=median_us,
        p95_us=round(median_us * 3.1),
        p99_us=round(median_us * 6.7),
        average_us=round(median_us * 1.32),
        min_us=round(median_us * 0.41),
        max_us=round(median_us * 14.9),
        average_bytes=420 * share,
        rps_milli=rps_milli,
        failures_milli=rps_milli // 190 if failures else 0,
        total_rps_milli=rps_milli * 96 // 100,
    )


def total_of(rows: tuple[EndpointRow, ...]) -> EndpointRow:
    """The sum, with percentiles that could be its own."""

    def of(name: str) -> int:
        return sum(getattr(row, name) for row in rows)

    return EndpointRow(
        "",
        "",
        of("requests"),
        of("failures"),
        of("cancelled"),
        17_900,
        148_000,
        612_400,
        38_200,
        1_312,
        3_590_900,
        9_211,
        of("rps_milli"),
        of("failures_milli"),
        of("total_rps_milli"),
    )


def worker(number: int, **changes: Any) -> WorkerRow:
    """A healthy worker."""
    row = WorkerRow(
        name=f"w{number}",
        worker=f"worker-{number:04x}",
        host=f"load-{number}.fra.example",
        pid=4_200 + number,
        state="running",
        alive=True,
        running=True,
        reporting=True,
        users=250,
        users_by_class=(("Shopper", 225), ("Admin", 25)),
        generators=4,
        generators_alive=4,
        cpu_permille=1_840 + 37 * number,
        memory_bytes=318_000_000 + 4_100_000 * number,
        lag_ms=3 + number,
        heartbeat_age_ms=120 + 90 * number,
        report_age_ms=640 + 110 * number,
        incarnation=f"inc{number}",
        share_permille=500,
        behind_ms=1 + number,
        skew_ms=17 - 24 * number,
        epoch=BEGAN_MS - 4_000,
        plan=3,
    )
    return replace(row, **changes)


def chart(seconds: int) -> Chart:
    """A ramp of a minute, then a plateau with waves, and a dent of five seconds after two minutes."""
    ramp = [min(1.0, (t + 1) / 60) for t in range(seconds)]
    dent = [0.62 if 120 <= t < 125 else 1.0 for t in range(seconds)]
    wave = [1 + 0.06 * sin(t / 4) + 0.03 * sin(t * 1.7) for t in range(seconds)]
    slow = [1 + 0.5 * max(sin(t / 23), 0) + (1.4 if 120 <= t < 132 else 0) for t in range(seconds)]
    return Chart(
        BEGAN_MS,
        1_000,
        rps_milli=tuple(round(1_234_500 * r * d * w) for r, d, w in zip(ramp, dent, wave, strict=True)),
        failures_milli=tuple(
            round(9_000 * r * s * s) if t > 40 else 0 for t, (r, s) in enumerate(zip(ramp, slow, strict=True))
        ),
        users_planned=tuple(round(500 * r) for r in ramp),
        users_running_milli=tuple(round(500_000 * r * d) for r, d in zip(ramp, dent, strict=True)),
        p50_us=tuple(round(17_900 * w) for w in wave),
        p95_us=tuple(round(70_000 * w * s) for w, s in zip(wave, slow, strict=True)),
        p99_us=tuple(round(150_000 * w * s) for w, s in zip(wave, slow, strict=True)),
    )


STORY = (
    (-4_000, "ro", "info", "ana@laptop opened the run: shop.py, 500 users at 8.33/s for 10:00"),
    (-3_600, "mt", "info", "master on laptop (pid 4101) took the run, epoch 1750000000100"),
    (-2_900, "ws", "info", "worker w1 came: load-1.fra.example, 4 processes"),
    (-2_100, "ws", "info", "worker w2 came: load-2.fra.example, 4 processes"),
    (0, "rs", "good", "the run began"),
    (0, "ps", "info", "plan 1: 0 to 500 users in 60 s, on 2 workers"),
    (120_400, "wl", "error", "worker w2 was lost: no heartbeat for 2.0 s"),
    (120_600, "ps", "warning", "plan 2: the 250 users of w2 go to w1"),
    (124_900, "ws", "info", "worker w2 came: load-2.fra.example, 4 processes"),
    (125_100, "ps", "info", "plan 3: 500 users on 2 workers"),
    (150_000, "nt", "info", "note by ana@laptop: cache on, 1.4.2 deployed"),
    (198_000, "nt", "warning", "w1 lags: 140 ms behind its own clock"),
)

PAYMENT = """payment of 12.90 failed
Traceback (most recent call last):
  File "/home/ana/shop.py", line 61, in pay
    answer.raise_for_status()
HTTPError: 503 Server Error"""
LOGS = (
    (1_200, "w1", "w1", "info", "tidal worker", "Redis answers"),
    (2_400, "w1", "w1/0", "warning", "shop.session", "no cookie in the first answer: logging in again"),
    (2_400, "w2", "w2/3", "warning", "shop.session", "no cookie in the first answer: logging in again"),
    (41_050, "w1", "w1/2", "error", "shop.pay", PAYMENT),
    (118_900, "", "master", "warning", "tidal master", "Redis did not answer for 1.2 s; the load goes on"),
    (125_300, "w2", "w2/0", "warning", "tidal", "37 lines left out here: a process may say 5 a second"),
    (198_100, "", "hooks", "error", "locust.runners", "a listener of heartbeat_received raised"),
)  # fmt: skip
"""Plan time, worker, who, level, logger, text."""

TRACEBACK = """Traceback (most recent call last):
  File "/home/ana/shop.py", line 48, in checkout
    total = response.json()["total"]
KeyError: 'total'
"""


def frame(seconds: int = 252, **changes: Any) -> Frame:
    """The run after so many seconds of plan time, with changes to the run's header."""
    rows = tuple(endpoint(*spec, seconds) for spec in ENDPOINTS)
    at_ms = BEGAN_MS + 1_000 * seconds
    run = RunHeader(
        run="r7f3a",
        file="shop.py",
        host="https://shop.example.com",
        phase="running",
        opened_ms=OPENED_MS,
        began_ms=BEGAN_MS,
        elapsed_ms=1_000 * seconds,
        planned_ms=600_000,
        users_planned=500,
        users_running=500,
        author="ana@laptop",
        reason="",
        outcome="",
        exit_code=None,
        epoch=1_750_000_000_100,
        classes=("Shopper", "Admin"),
        fleet="default",
    )
    return Frame(
        at_ms=at_ms,
        run=replace(run, **changes),
        total=total_of(rows),
        endpoints=rows,
        workers=(worker(1), worker(2)),
        failures=failures(at_ms),
        exceptions=(ExceptionRow("KeyError: 'total'", TRACEBACK, 17, ("w1", "w2")),),
        story=tuple(
            StoryRow(BEGAN_MS + ms, ms, kind, level, said) for ms, kind, level, said in STORY if ms <= 1_000 * seconds
        ),
        chart=chart(seconds),
        completeness=Completeness(2, 2, at_ms - 2_000),
        ledger=LedgerRow(
            110_730_000,
            110_100_000,
            630_000,
            0,
            1,
            after_user_ms=1_250,
            iterations_started=94_512,
            iterations_finished=94_009,
            iterations_failed=17,
            iterations_in_flight=462,
            iterations_unknown=24,
            users_ended=12,
            users_restarted=12,
            gaps=(GapRow(119_000, 123_000, 612_000, 0),),
            losses=(LossRow("w2", 118_400, 120_400, "lost"),),
        ),
        verdict=VerdictRow("valid"),
        logs=tuple(LogRow(BEGAN_MS + ms, ms, *told) for ms, *told in LOGS if ms <= 1_000 * seconds),
        logs_left_out=37 if seconds >= 126 else 0,
    )


def failures(at_ms: int) -> tuple[FailureRow, ...]:
    """Three ways to fail."""
    return (
        FailureRow(
            "POST", "/checkout", "HTTPError: 503 Server Error: Service Unavailable", 61, BEGAN_MS + 41_000, at_ms - 900
        ),
        FailureRow("POST", "/checkout", "ReadTimeout: no answer within 5.0 s", 4, BEGAN_MS + 121_000, at_ms - 31_000),
        FailureRow(
            "POST", "/checkout/payment/confirm", "HTTPError: 502 Bad Gateway", 47, BEGAN_MS + 44_000, at_ms - 2_400
        ),
    )


def waiting() -> Frame:
    """Nothing has run yet: one of two workers is there."""
    none = total_of(())
    empty = replace(none, median_us=0, p95_us=0, p99_us=0, average_us=0, min_us=0, max_us=0, average_bytes=0)
    idle = worker(1, state="loading", running=False, users=0, report_age_ms=None, reporting=False, cpu_permille=12)
    return replace(
        frame(0, phase="waiting", began_ms=0, elapsed_ms=0, users_running=0),
        at_ms=OPENED_MS + 1_500,
        total=empty,
        endpoints=(),
        failures=(),
        exceptions=(),
        workers=(idle,),
        chart=Chart(0, 1_000),
        completeness=Completeness(0, 2, 0),
        ledger=LedgerRow(),
        story=tuple(StoryRow(BEGAN_MS + ms, ms, kind, level, said) for ms, kind, level, said in STORY[:3]),
        logs=(),
    )


def closed(outcome: str = "finished", reason: str = "the run time was over") -> Frame:
    """The run is over."""
    over = frame(600, phase="closed", outcome=outcome, reason=reason, exit_code=1, users_running=0)
    remark = "p95 rose to 311 ms (usually 70 ms) from 2:00 to 2:12, put down to the target: the generators lagged 4 ms"
    return replace(over, completeness=Completeness(2, 2, over.at_ms), verdict=VerdictRow("valid", (), (remark,)))


def limping() -> Frame:
    """One worker is lost, one generator of the other is dead and it lags; the load is short."""
    lost = worker(
        2,
        state="lost",
        alive=False,
        running=False,
        reporting=False,
        users=0,
        generators_alive=0,
        heartbeat_age_ms=2_310,
        report_age_ms=3_400,
        share_permille=0,
        why="no heartbeat for 2.0 s",
    )
    weak = worker(1, generators_alive=3, lag_ms=412, state="stalled", share_permille=1000)
    now = frame(122, users_running=310)
    reasons = (
        "worker w2 lost at 2:00, 612 user-seconds (0.6 %) not generated, its last 2.0 s were never reported",
        "generators of w1 at 97 % CPU from 1:42 to 2:00, latency inflated by about 37 ms (p50 is 18 ms)",
    )
    verdict = VerdictRow("suspect", reasons)
    return replace(now, workers=(weak, lost), completeness=Completeness(1, 2, now.at_ms - 5_000), verdict=verdict)


HOSTILE = (
    "[red]boo[/] [@click=app.quit]x[/]\x1b[31m\x1b]0;title\x07\r\n\t\u202egnp.exe\u200b\x00 \ud800 e"
    + "\u0301" * 40
    + " 漢字🦀"
)
"""Markup, escape sequences, an override of direction, a lone surrogate, a tower of marks, wide characters."""


def hostile() -> Frame:
    """Everything that comes from outside is out to break the terminal."""
    now = frame(100, file=HOSTILE, host=HOSTILE, author=HOSTILE)
    long = HOSTILE * 40
    return replace(
        now,
        endpoints=tuple(replace(row, name=f"{long}{i}", method=HOSTILE) for i, row in enumerate(now.endpoints)),
        workers=(worker(1, name=HOSTILE, host=long, state=HOSTILE, why=long),),
        failures=(FailureRow(HOSTILE, long, long, 10**15, -(10**17), 10**17),),
        exceptions=(ExceptionRow(long, f"{long}\n" * 50, 10**15, (HOSTILE,) * 9),),
        story=(StoryRow(now.at_ms, -(10**14), "xx", HOSTILE, long),),
        logs=(LogRow(now.at_ms, -(10**14), HOSTILE, HOSTILE, HOSTILE, HOSTILE, f"{long}\n" * 9),) * 2,
        verdict=VerdictRow(HOSTILE, (long, HOSTILE), (long,)),
        ledger=replace(now.ledger, losses=(LossRow(long, 0, 10**17, long),)),
    )
