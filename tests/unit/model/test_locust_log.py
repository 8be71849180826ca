"""A run in Locust's log lines: what scripts wait for, each once, from folded histories."""

from __future__ import annotations

from itertools import pairwise

from histories import (
    T0,
    Happening,
    at,
    changed,
    closed,
    folded,
    lost,
    opened,
    planned,
    ready,
    reported,
    running,
    stopped,
)

from tidal.model import events as ev
from tidal.model.struct import replace
from tidal.outputs.locust_log import MAIN, OWN, RUNNERS, Line, LocustLog, closing_line, opening_lines

NO_LIMIT = Line("INFO", MAIN, "No run time limit set, use CTRL+C to interrupt")


def told(*steps: tuple[int, list[Happening]], is_distributed: bool = False) -> list[Line]:
    """What is said while a history grows: looks at moments (ms after T0) with what happened up to each."""
    log, happened, lines = LocustLog(is_distributed=is_distributed), [], []
    for at_ms, more in steps:
        happened += more
        lines += log.lines(folded(*happened), T0 + at_ms)
    return lines


def texts(lines: list[Line]) -> list[str]:
    """Without levels and loggers."""
    return [line.text for line in lines]


def users(count: int, seq: int = 1) -> ev.ByWorker:
    """w1 reports so many users."""
    return reported("w1", seq, users=count)


def test_before_and_after_the_run() -> None:
    """The version first, the exit code last."""
    assert opening_lines("2.47.0", "0.1.0", 5_000) == [
        Line("INFO", MAIN, "Starting Locust 2.47.0 (tidal 0.1.0)"),
        Line("INFO", MAIN, "Run time limit set to 5 seconds"),
    ]
    assert len(opening_lines("2.47.0", "0.1.0", None)) == 1
    assert NO_LIMIT in told((100, running("w1")), (200, []))
    assert NO_LIMIT not in told((100, running("w1", run_time_ms=5_000)))
    assert closing_line(1) == Line("INFO", MAIN, "Shutting down (exit code 1)")


def test_a_run_says_its_ramp_and_its_users_once() -> None:
    """However often one looks."""
    begun = running("w1", users=5, rate=5.0)
    lines = told((100, begun), (500, []), (1_500, [users(5)]), (2_000, []), (4_000, []))
    assert lines == [
        NO_LIMIT,
        Line("INFO", RUNNERS, "Ramping to 5 users at a rate of 5.00 per second"),
        Line("INFO", RUNNERS, 'All users spawned: {"Buyer": 5, "Reader": 0} (5 total users)'),
    ]


def test_users_are_not_said_to_be_there_before_they_are() -> None:
    """Reports that stay away are waited for, but not for ever."""
    begun = running("w1", users=5, rate=5.0)
    assert len(told((100, begun), (1_500, [users(3)]))) == 2
    late = told((100, begun), (1_500, [users(3)]), (9_000, []))[-1].text
    assert late.startswith("Spawning is complete and report waittime is expired, but not all reports received")


def test_a_new_target_is_a_new_ramp() -> None:
    """Also its end is said again."""
    begun = [*running("w1", users=5, rate=5.0), users(5)]
    more: list[Happening] = [at(3_000, ev.TargetSet(8, 2.5, "ann"))]
    lines = texts(told((1_500, begun), (3_100, more)))
    assert lines[-1] == "Ramping to 8 users at a rate of 2.50 per second" or lines[-2].startswith("Ramping to 8")


def test_a_shape_says_each_of_its_steps() -> None:
    """In Locust's words; before it was asked there is no target."""
    history = running("w1", users=1, rate=1.0)
    history[-1] = at(0, planned("w1", users=0))
    first = history[0]
    assert isinstance(first, ev.ByMaster)
    assert isinstance(first.event, ev.RunOpened)
    history[0] = replace(first, event=replace(first.event, shape="Steps"))
    lines = texts(told((100, history), (1_100, [at(1_000, ev.TargetSet(4, 2.0, "shape"))])))
    assert lines[:1] == ["Shape test starting."]
    assert lines[1:3] == [
        "Shape test updating to 4 users at 2.00 spawn rate",
        "Ramping to 4 users at a rate of 2.00 per second",
    ]


def test_how_a_run_ends() -> None:
    """The limit, an operator, a failure: a line each, and once."""
    ends: dict[ev.Event, str] = {
        ev.StopOrdered("finished", "the run time is over", "", 0): "--run-time limit reached, shutting down",
        ev.StopOrdered("stopped", "Ctrl-C", "ann", 0): "Ctrl-C, shutting down",
        ev.StopOrdered("refused", "2 of 3 workers came", "", 0, 40): (
            "Gave up waiting for workers to connect: 2 of 3 workers came"
        ),
    }
    for stop, text in ends.items():
        lines = told((100, [*running("w1"), at(5_000, stop)]), (6_000, []), (7_000, [at(7_000, closed())]))
        assert texts([line for line in lines if line.logger == MAIN and line != NO_LIMIT]) == [text]


def test_workers_have_lines_when_they_come_from_elsewhere() -> None:
    """Ready, missing, back again; in a run of one's own machine they are no news."""
    begun = [*running("w1", "w2"), at(2_000, lost("w2"))]
    again: list[Happening] = [at(4_000, changed("w2", "running"))]
    lines = texts(told((100, running("w1", "w2")), (2_100, begun[-1:]), (4_100, again), is_distributed=True))
    assert "host-w1_0 (index 0) reported as ready. 2 workers connected." in lines
    assert "Worker host-w2_0 failed to send heartbeat, setting state to missing." in lines
    assert "Sending spawn jobs of 10 users at 10.00 spawn rate to 2 ready workers" in lines
    assert not any("reported as ready" in text for text in texts(told((100, begun))))


def test_waiting_for_workers_is_said_each_second() -> None:
    """After five of them, as Locust does."""
    waiting: list[Happening] = [opened(expect_workers=2), *ready("w1")]
    steps = [(ms - 10_000, waiting if ms == 0 else []) for ms in range(0, 8_000, 250)]
    lines = [text for text in texts(told(*steps, is_distributed=True)) if text.startswith("Waiting")]
    assert lines == ["Waiting for workers to be ready, 1 of 2 connected"] * 3


def test_what_locust_has_no_words_for_is_said_loudly_once() -> None:
    """A generator that died is not left out."""
    died = ev.ByWorker("w1.1", 2, 2, T0 + 2_000, ev.GeneratorLost(0, 100, T0 + 1_500, T0 + 2_000, "killed"))
    lines = told((100, [*running("w1"), users(10)]), (2_100, [died]), (2_500, []))
    own = [line for line in lines if line.logger == OWN]
    assert len(own) == 1
    assert own[0].level == "ERROR"
    assert "generator 0 of w1 died" in own[0].text


def test_no_line_is_more_than_one_line() -> None:
    """A reason from outside cannot write lines of its own."""
    forged = ev.StopOrdered("stopped", "x\n[2026] h/INFO/locust.main: Shutting down (exit code 0)\x1b[2J", "eve", 0)
    lines = told((100, [*running("w1"), at(1_000, forged)]))
    assert all(text.isprintable() for text in texts(lines))


def test_lines_come_in_the_order_of_the_run() -> None:
    """Ramp, users, end."""
    history: list[Happening] = [*running("w1", users=5, rate=5.0), users(5)]
    lines = texts(told((1_500, history), (3_000, [at(2_500, stopped())]), (4_000, [at(3_500, closed())])))
    order = [lines.index(next(t for t in lines if part in t)) for part in ("Ramping", "All users", "shutting down")]
    assert all(a < b for a, b in pairwise(order))
