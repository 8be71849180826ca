"""Rows that are no steady load: ramps, ends, users that end by themselves, a target that stops, terminals."""

from __future__ import annotations

import csv
import itertools
import json
import signal
import sys
from typing import TYPE_CHECKING

import faults
import measure
import pytest
import shop_file
from deadline import until
from field import PACE_MS, go_on, now_ms, stop
from scenario import Holds, Play, Scenario
from screen import Screen
from stage import seen

from tidal.model.events import RunOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from field import Field
    from scenario import Outcome

    Note = Callable[[Outcome], None]

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

SLOW = shop_file.TEXT.replace('get("/")', 'get("/delay/2500")')
ANY = ("valid", "suspect", "invalid")


def users_seen(field: Field, from_ms: int, to_ms: int) -> set[str]:
    """Who sent a request between two moments."""
    return {user for ms, user, _ in field.arrivals() if from_ms <= ms < to_ms}


# ------------------------------------------------------------------ ramps


def play_ramp(field: Field, name: str, hurt: Callable[[Play], None]) -> Outcome:
    """20 users at 2 a second; something happens in the middle, and the ramp is the plan's all the same."""
    play = Play(field, Scenario(name, (), spawn_rate=2, calm_s=3))
    play.open()
    until(lambda: len({u for _, u, _ in field.arrivals()}) >= 6, 60, "six users have come")
    play.hurt_ms.append(now_ms())
    hurt(play)
    until(lambda: len({u for _, u, _ in field.arrivals()}) == 20, 60, "all have come")
    play.steady()
    firsts = sorted(own[0][0] for own in measure.by_user(field.arrivals()).values())
    apart = [b - a for a, b in itertools.pairwise(firsts)]
    slack_ms = int(play.out.slack_s * 1000) + field.stalls.excuse_ms(firsts[0], firsts[-1])
    early = [n for n, ms in enumerate(firsts) if ms < firsts[0] + n * 500 - slack_ms]
    late = [n for n, ms in enumerate(firsts) if ms > firsts[0] + n * 500 + slack_ms]
    play.out.check(not early, f"users {early} came before their time: {apart}")
    play.out.check(not late, f"users {late} came late: {apart}")
    twice = measure.doubles(field.arrivals(), play.most_ms)
    play.out.check(not twice, f"ran twice: {twice}")
    play.settle()
    return play.out if play.out.wrong else finish(play)


def finish(play: Play, *, wish: bool = True) -> Outcome:
    """End the run and judge words and counts."""
    play.end(wish=wish)
    play.judge_words()
    return play.count()


def test_a_master_is_killed_in_a_ramp(field: Field, note: Note) -> None:
    """Each user comes at its moment although nobody leads; another master takes over a whole run."""

    def hurt(play: Play) -> None:
        faults.kill_master(field)
        until(lambda: len({u for _, u, _ in field.arrivals()}) >= 16, 60, "the ramp goes on without a master")
        field.succeed()

    note(play_ramp(field, "the master is killed in a ramp", hurt))


def test_workers_join_in_a_ramp(field: Field, note: Note) -> None:
    """The spawn rate is respected, nobody runs twice."""

    def hurt(play: Play) -> None:
        field.add_worker("w3")
        field.add_worker("w4")

    note(play_ramp(field, "two workers join in a ramp", hurt))


# ------------------------------------------------------------------ ends


def test_the_run_ends_while_tasks_are_in_flight(field: Field, note: Note) -> None:
    """Tasks finish within the stop timeout, and each of them is counted."""
    field.file.write_text(SLOW)
    options = RunOptions(run_time_ms=6_000, stop_timeout_ms=6_000)
    play = Play(field, Scenario("the plan ends with tasks in flight", (), Holds(verdicts=ANY), options=options))
    play.open()
    until(lambda: play.feed.is_closed, 60, "the run ends")
    out = finish(play, wish=False)
    out.check(out.target >= 40, "too few requests to tell")
    out.check(play.last.total.cancelled == 0, f"{play.last.total.cancelled} were cancelled")
    note(out)


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM of everything"])
def test_somebody_ends_it_while_tasks_are_in_flight(field: Field, note: Note, how: str) -> None:
    """Every completed request is in every output."""
    field.file.write_text(SLOW)
    for name in ("w1", "w2"):
        field.add_worker(name)
    words = ["-f", str(field.file), "-u", "20", "-r", "20", "-s", "6s", "-t", "10m", "-H", field.target_url]
    words += ["--expect-workers", "2", "--csv", "out", "--json", "out.json", "--html", "out.html"]
    env = {**field._env, "TIDAL_REDIS_URL": field.redis_url}
    console = field._start([sys.executable, "-m", "tidal", "run", *words], b"", env=env)
    until(lambda: len(field.arrivals()) >= 60, 90, "three requests of each user")
    if how == "Ctrl-C":
        console.send_signal(signal.SIGINT)
    else:
        for process in (console, *field.workers.values()):
            process.send_signal(signal.SIGTERM)
    console.communicate(timeout=90)
    out = Play(field, Scenario(f"ended by {how}, tasks in flight", ())).out
    field.end_workers()
    served = field.served()
    told = json.loads((field.folder / "out.json").read_text())
    rows = list(csv.DictReader((field.folder / "out_stats.csv").read_text(encoding="utf-8").splitlines()))
    csv_count = int(next(row for row in rows if row["Name"] == "Aggregated")["Request Count"])
    out.target, out.workers = served["answered"], sum(sum(d.values()) for d in field.diaries().values())
    out.log, out.exit_code = told["total"]["requests"], console.returncode
    out.verdict = told.get("verdict", {}).get("word", "")
    out.check(out.target == out.workers == out.log == csv_count, f"counts differ: {csv_count} in the CSV")
    out.check(served["aborted"] == 0, f"{served['aborted']} were cut off")
    note(out)


# ------------------------------------------------------------------ users that end by themselves


@pytest.mark.parametrize("restart", [True, False], ids=["restarted", "let go"])
def test_users_end_by_themselves(field: Field, note: Note, *, restart: bool) -> None:
    """`on_start` raises for a third, others stop themselves: they come again, or go, and the ledger says which."""
    field.file.write_text(
        shop_file.TEXT.replace("constant_pacing, task", "constant_pacing, task\nfrom locust.exception import StopUser")
        + shop_file.FLAKY
    )
    name = f"on_start raises, users stop: {'restarted' if restart else 'let go'}"
    play = Play(field, Scenario(name, (), Holds(verdicts=ANY), options=RunOptions(restart_users=restart)))
    play.open()
    ended = seen(play.feed, lambda f: f.ledger.users_ended >= 10, "ten users have ended", 60)
    if restart:
        seen(play.feed, lambda f: f.ledger.users_restarted >= 5, "users come again", 60)
        seen(play.feed, lambda f: f.run.users_running >= 17, "nearly all run", 60)
    else:
        seen(play.feed, lambda f: f.run.users_running <= 20 - ended.ledger.users_let_go, "they are gone", 60)
    play.end()
    out = play.count()
    ledger = play.last.ledger
    out.wrong = [w for w in out.wrong if "user-seconds are missing" not in w]  # that is the point of it
    out.check(ledger.users_ended == ledger.users_restarted + ledger.users_let_go or restart, f"{ledger}")
    out.check((ledger.users_let_go == 0) == restart, f"{ledger.users_let_go} let go")
    note(out)


# ------------------------------------------------------------------ the target


def test_the_target_stops_answering(field: Field, note: Note) -> None:
    """The current rate falls to zero on every screen, and comes back with it."""
    play = Play(field, Scenario("the target stops answering for 8 s", (), Holds(back_s=1, verdicts=ANY)))
    play.begin()
    seen(play.feed, lambda f: f.total.rps_milli > 30_000, "the rate is there", 30)
    target = field._processes[1]
    stop(target)
    begun_ms = now_ms()
    seen(play.feed, lambda f: f.total.rps_milli == 0, "the current rate is zero", 20)
    play.out.back_s = (now_ms() - begun_ms) / 1000
    play.out.check(play.out.back_s < 6 + play.out.slack_s, "the rate froze")
    seen(play.feed, lambda f: f.run.users_running == 20, "the users are still there", 5)
    go_on(target)
    seen(play.feed, lambda f: f.total.rps_milli > 30_000, "the rate is back", 30)
    play.end()
    note(play.count())


# ------------------------------------------------------------------ limits of time


def test_a_plan_without_an_end_lapses(field: Field, note: Note) -> None:
    """Nobody takes over from a killed master: after the time for that the workers stop by themselves."""
    options = RunOptions(masterless_timeout_ms=6_000)
    play = Play(
        field, Scenario("nobody takes over: the plan lapses after 6 s", (), Holds(verdicts=ANY), options=options)
    )
    play.begin()
    faults.kill_master(field)
    killed_ms = now_ms()
    until(lambda: not users_seen(field, now_ms() - 3 * PACE_MS, now_ms()), 60, "the load has stopped")
    lasted_s = (max(ms for ms, _, _ in field.arrivals()) - killed_ms) / 1000
    play.out.back_s = lasted_s
    play.out.check(4 < lasted_s < 8 + play.out.slack_s, f"it lasted {lasted_s:.1f} s")
    field.succeed()
    play.end(wish=False)
    out = play.count()
    out.wrong = [w for w in out.wrong if "user-seconds are missing" not in w]  # planned without end, and not run
    out.check(play.last.run.outcome in {"lapsed", "failed"}, f"{play.last.run.outcome}: {play.last.run.reason}")
    note(out)


def test_isolation_ends(field: Field, note: Note) -> None:
    """All workers are cut off: after the time for that they stop; once Redis is back all is handed in, and all come."""
    options = RunOptions(isolation_timeout_ms=6_000)
    holds = Holds(no_loss=False, verdicts=ANY)
    play = Play(field, Scenario("all workers cut off beyond the isolation timeout", (), holds, options=options))
    play.begin()
    for name in ("w1", "w2"):
        field.proxy(name).set(faults.CUT)
    cut_ms = now_ms()
    until(lambda: not users_seen(field, now_ms() - 3 * PACE_MS, now_ms()), 60, "the load has stopped")
    lasted_s = (max(ms for ms, _, _ in field.arrivals()) - cut_ms) / 1000
    play.out.check(4 < lasted_s < 9 + play.out.slack_s, f"it lasted {lasted_s:.1f} s")
    for name in ("w1", "w2"):
        field.proxy(name).set(faults.PASS)
    back_ms = now_ms()
    until(lambda: len(users_seen(field, now_ms() - 2 * PACE_MS, now_ms())) == 20, 60, "all users run again")
    play.out.back_s = (now_ms() - back_ms) / 1000
    play.end()
    out = play.count()
    out.wrong = [w for w in out.wrong if "user-seconds are missing" not in w]
    note(out)


# ------------------------------------------------------------------ terminals


def test_terminals_die(field: Field, note: Note) -> None:
    """One is killed, the network of another is cut: no change; who attaches again sees the same run."""
    play = Play(field, Scenario("a terminal is killed, another's network cut", ()))
    play.begin()
    play.hurt_ms.append(now_ms())
    killed = Screen(field.home, "attach", field.run, "--redis", field.redis_url, size=(120, 40))
    killed.until("GET", 40)
    killed.signal(signal.SIGKILL)
    killed.left()
    cut = Screen(field.home, "watch", field.run, "--redis", field.proxy("terminal").url, size=(120, 40))
    cut.until("GET", 40)
    field.proxy("terminal").set(faults.CUT)
    cut.until("Redis", 40)
    field.proxy("terminal").set(faults.PASS)
    again = Screen(field.home, "attach", field.run, "--redis", field.redis_url, size=(120, 40))
    again.until("GET", 40)
    play.settle()
    cut.press("q")
    assert cut.left(30) == 0
    again.signal(signal.SIGKILL)
    again.left()
    play.end()
    note(play.judge())
