"""The screen with everything real around it: a pty, keys, a shop, and processes that end as they should."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from deadline import processes_of, until
from screen import Screen
from secured import DONE
from stage import Stage, prepared

from tidal.deputy import WORD
from tidal.target.child import shop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Opener = Callable[..., Screen]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

BASIC = str(Path(__file__).resolve().parents[2] / "examples" / "basic.py")
WIDE, SMALLEST = (120, 32), (60, 16)
IN_MS = {"µs": 0.001, "ms": 1, "s": 1_000}
LEAVE, STOP = "Leave a running test", "The run cannot be resumed"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A shop that is open for all tests."""
    with shop() as address:
        yield address


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home of the test's own, in which nothing is left running."""
    yield tmp_path
    end_all(tmp_path)


@pytest.fixture
def terminal(home: Path) -> Iterator[Opener]:
    """Opens terminals in the home, and closes them."""
    opened: list[Screen] = []

    def start(*words: str, size: tuple[int, int] = WIDE, where: Path = home) -> Screen:
        opened.append(Screen(where, *words, size=size))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def end_all(home: Path) -> None:
    """End what a failed test left."""
    for pid in processes_of(home):
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(pid, signal.SIGTERM)
    until(lambda: not processes_of(home), within_s=30, what="every process is gone")


def supervisor_of(home: Path) -> int:
    """The supervisor of the only run of a home."""
    found = processes_of(home).items()
    return next(pid for pid, command in found if "tidal.supervisor" in command and WORD not in command)


# ------------------------------------------------------------------ what the screen says


def users_in(text: str) -> tuple[int, int]:
    """Users running and planned, from the header."""
    found = re.search(r"^ (\d+) of (\d+) ", text, re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else (-1, -1)


def running(users: int) -> Callable[[str], bool]:
    """A condition: so many users run, as many as are planned."""
    return lambda text: "RUNNING" in text and users_in(text) == (users, users)


def total_in(text: str) -> list[str]:
    """The cells of the table's last row: requests, failures, median …; empty before there is a table."""
    found = re.search(r"^ TOTAL +\d+ endpoints? +(.*?)$", text, re.MULTILINE)
    return found[1].split() if found else []


def requests_in(text: str) -> int:
    """Requests so far, from the table."""
    return int(total_in(text)[0].replace(",", "")) if total_in(text) else 0


def more_requests_than(number: int) -> Callable[[str], bool]:
    """A condition: the table has counted more."""
    return lambda text: requests_in(text) > number


# ------------------------------------------------------------------ a first run


def test_the_first_run(terminal: Opener, home: Path, url: str) -> None:
    """The form asks for the load, the dashboard shows it, keys change and stop it, and the shell gets the summary."""
    first = terminal("tui", "-f", BASIC, "--allow-suspect")
    first.until("[x] Visitor")
    first.type(*["tab"] * 4, "4", "tab", "50", "tab", "tab", "x")
    first.until("is not a span of time")
    first.type("backspace", "2m", "tab", "1", "tab", url)
    first.until(lambda text: "is not a span" not in text and url in text and "4 users" in text)
    first.press("enter")
    seen = first.until(running(4))
    assert "basic.py" in seen
    assert url in seen
    assert "of 2:00" in seen
    first.until(more_requests_than(requests_in(seen)))
    change_users(first)
    stop(first)
    closed = first.until(lambda text: "STOPPED" in text and "x Stop" not in text)
    first.press("q")
    assert_told_after_leaving(first, closed, first.left())
    until(lambda: not processes_of(home), within_s=30, what="every process of the run is gone")


def change_users(screen: Screen) -> None:
    """The header, the workers' table and the figures of the whole all follow."""
    screen.press("u")
    screen.until("Change users")  # the dashboard below it moves, too: another picture is no answer
    for keys, line in (("7", r"Users +7 "), ("tab", "Spawn rate"), ("50", r"Spawn rate /s +50 ")):
        screen.press(keys)
        screen.until(lambda _, line=line: re.search(line, screen.line_of_the_cursor))
    screen.press("enter")
    screen.until(running(7))
    screen.press("2")
    workers = screen.until(lambda text: worker_users(text) == 7)
    assert users_in(workers) == (7, 7)
    screen.press("1")
    screen.until("TOTAL")


def worker_users(text: str) -> int:
    """The users of the only worker, from the workers' table."""
    found = re.search(r"^ w1 .* running +(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else -1


def stop(screen: Screen) -> None:
    """Escape is no answer; S is."""
    screen.press("x")
    screen.until(STOP)
    screen.press("escape")
    screen.until(lambda text: STOP not in text and "RUNNING" in text)
    screen.press("x")
    screen.until(STOP)
    screen.press("s")


def assert_told_after_leaving(screen: Screen, last_seen: str, code: int) -> None:
    """The summary stands below the prompt, with the figures that were seen last, on a terminal that is as it was."""
    said = screen.text()
    assert "Stopped after" in said
    assert code in DONE
    assert f"Exit code {code}" in said
    assert f"rewind it: tidal replay {run_in(said)}" in said
    assert summary_total(said)[0] == str(requests_in(last_seen))
    assert screen.is_restored, screen.modes


def run_in(summary: str) -> str:
    """The run's id, from a summary."""
    found = re.search(r"^Run (\S+):", summary, re.MULTILINE)
    assert found, summary
    return found[1]


def summary_total(summary: str) -> list[str]:
    """The cells of a summary's total row: requests, failures, share, `%`, p50, its unit and so on."""
    found = re.search(r"^ +total +(.*)$", summary, re.MULTILINE)
    assert found, summary
    return found[1].split()


# ------------------------------------------------------------------ a run that ends by itself, and its replay


class Finished(NamedTuple):
    """A run that is over."""

    home: Path
    summary: str


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, url: str) -> Iterator[Finished]:
    """Started at once by the numbers on the command line; it ended by itself."""
    home = tmp_path_factory.mktemp("finished")
    words = ("tui", "-f", BASIC, "-u", "5", "-r", "50", "-t", "4s", "-H", url, "--processes", "1", "--allow-suspect")
    first = Screen(home, *words, size=WIDE)
    try:
        first.until("FINISHED")
        first.press("q")
        assert first.left() in DONE
        assert first.is_restored, first.modes
        yield Finished(home, first.text())
    finally:
        first.close()
        end_all(home)


def test_numbers_on_the_command_line_start_at_once(finished: Finished) -> None:
    """No form, no question when leaving: the run is over, its summary is there, and nothing of it goes on."""
    assert "Finished after 0:04" in finished.summary
    assert re.search(r"Exit code (0|60)\b", finished.summary)
    until(lambda: not processes_of(finished.home), within_s=30, what="every process of the run is gone")


def test_a_replay_is_steered_and_ends_at_the_summary(terminal: Opener, finished: Finished) -> None:
    """It plays at once. Home, End, arrows and space; what stands at its end is what the run's summary said."""
    replay = terminal("replay", "latest", "--speed", "0.25", where=finished.home)
    replay.until(lambda text: "REPLAY" in text and "PLAYING" in text)
    replay.press("end")
    told = summary_total(finished.summary)
    seen = replay.until(lambda text: "FINISHED" in text and is_at_the_end(text) and total_in(text)[:1] == told[:1])
    assert_agree(total_in(seen), told)
    replay.press("left", "left")  # on a busy machine the run is a little longer than one of these five-second steps
    replay.until(lambda text: at_of(text) == "0:00")
    replay.press("space")
    replay.until(lambda text: "PLAYING" in text and requests_in(text) > 0)
    replay.press("space")
    replay.until(lambda text: "PAUSED" in text and requests_in(text) > 0)
    replay.press("home")
    replay.until(lambda text: at_of(text) == "0:00" and requests_in(text) == 0)
    replay.press("right", "right")
    replay.until(lambda text: "FINISHED" in text and is_at_the_end(text))
    replay.press("q")
    assert replay.left() == 0
    assert replay.is_restored, replay.modes


def at_of(text: str) -> str:
    """How far a replay is, from the scrubber."""
    found = re.search(r"(\d+:\d\d) of \d+:\d\d *$", text, re.MULTILINE)
    return found[1] if found else ""


def is_at_the_end(text: str) -> bool:
    """Whether a replay's position is its length, to the second."""
    return re.search(r"(\d+:\d\d) of \1 *$", text, re.MULTILINE) is not None


def assert_agree(cells: list[str], summary: list[str]) -> None:
    """The table of the screen, in ms with two decimals, and the summary, with three digits and a unit."""
    assert cells[:2] == summary[:2]  # requests and failures
    shown_ms = [float(cell) for cell in cells[2:5]]
    told_ms = [float(value) * IN_MS[unit] for value, unit in zip(summary[4:10:2], summary[5:11:2], strict=True)]
    assert told_ms == pytest.approx(shown_ms, abs=0.1, rel=0.005)


def test_the_replayed_end_is_the_printed_one(finished: Finished) -> None:
    """What the screen left behind and what the archive prints later are the same text, but for where lines were broken.

    A terminal breaks a long line in the middle of a word, so that no blank counts.
    """
    printed = tidal(finished.home, "replay", "latest", "--print")
    assert re.sub(r"\s+", "", printed) == re.sub(r"\s+", "", finished.summary.partition("\n\nrewind")[0])


def tidal(home: Path, *words: str) -> str:
    """What a command prints."""
    env = {**os.environ, "TIDAL_HOME": str(home)}
    argv = [sys.executable, "-m", "tidal", *words]
    return subprocess.run(argv, env=env, cwd=home, text=True, capture_output=True, timeout=60, check=True).stdout


# ------------------------------------------------------------------ sizes


def test_the_smallest_terminal_works_and_a_smaller_one_says_so(terminal: Opener, finished: Finished) -> None:
    """60x16 shows figures and table; one cell less asks for more, and gets back when it has it."""
    replay = terminal("replay", "latest", "--at", "10s", size=SMALLEST, where=finished.home)
    count = summary_total(finished.summary)[0]
    small = replay.until(lambda text: "FINISHED" in text and "REPLAY" in text and total_in(text)[:1] == [count])
    for size in ((59, 16), (60, 15)):
        replay.resize(*size)
        replay.until(lambda text, size=size: "enlarge to 60x16" in text and f"now {size[0]}x{size[1]}" in text)
        replay.resize(*SMALLEST)
        replay.until(lambda text: "enlarge" not in text and total_in(text))
    replay.resize(*WIDE)
    replay.until(lambda text: "p99" in text and requests_in(text) == requests_in(small))
    replay.resize(59, 15)
    replay.until("enlarge to 60x16")
    replay.press("q")
    assert replay.left() == 0
    assert replay.is_restored, replay.modes


def test_no_load_is_started_where_nobody_could_see_it(terminal: Opener) -> None:
    """A terminal that is too small for the dashboard is an error with its own exit code, before anything starts."""
    small = terminal("tui", "-f", BASIC, "-u", "1", "-H", "http://127.0.0.1:9", size=(59, 15))
    assert small.left() == 50
    assert "enlarge it to 60x16" in " ".join(small.text().split())


def test_a_form_on_a_terminal_that_is_too_small(terminal: Opener) -> None:
    """It asks for room first; then the form is there; escape leaves it and nothing was started."""
    form = terminal("tui", "-f", BASIC, size=(59, 15))
    form.until("enlarge to 60x16")
    form.resize(*SMALLEST)
    form.until(lambda text: "Visitor" in text and "Start" in text)
    form.press("escape")
    assert form.left() == 0
    assert form.is_restored, form.modes


# ------------------------------------------------------------------ leaving a run that goes on


def test_a_run_outlives_its_terminals(terminal: Opener, home: Path, url: str) -> None:
    """Killed, left, hung up or told to end: the run goes on in the same figures, until somebody stops it."""
    first = terminal("tui", "-f", BASIC, "-u", "3", "-r", "50", "-H", url, "--processes", "1", "--allow-suspect")
    counted = requests_in(first.until(lambda text: running(3)(text) and requests_in(text) > 0))
    supervisor = supervisor_of(home)
    first.signal(signal.SIGKILL)
    assert first.left() == -signal.SIGKILL
    for leave in (detach, press_ctrl_c_twice, hang_up, terminate):
        with ignored_by_children(signal.SIGHUP):  # as under nohup
            screen = terminal("attach", "latest")
        counted = requests_in(screen.until(lambda text, counted=counted: goes_on(text, counted)))
        leave(screen)
    visit(terminal("watch"), counted)
    assert supervisor_of(home) == supervisor
    stop_and_leave(terminal("attach"), counted)
    until(lambda: not processes_of(home), within_s=30, what="every process of the run is gone")


@contextmanager
def ignored_by_children(number: signal.Signals) -> Iterator[None]:
    """What starts meanwhile has that signal ignored."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


def goes_on(text: str, counted: int) -> bool:
    """Whether the run is the one that had counted so many requests, and counts on."""
    return running(3)(text) and requests_in(text) > counted


def detach(screen: Screen) -> None:
    """Quitting asks; escape stays, D leaves the run alone."""
    screen.press("q")
    screen.until(LEAVE)
    screen.press("escape")
    screen.until(lambda text: LEAVE not in text)
    screen.press("q")
    screen.until(LEAVE)
    screen.press("d")
    assert_left_alone(screen)


def press_ctrl_c_twice(screen: Screen) -> None:
    """The first one asks, the second one is in a hurry: the run goes on."""
    screen.press("ctrl+c")
    screen.until(LEAVE)
    screen.press("ctrl+c")
    assert_left_alone(screen)


def hang_up(screen: Screen) -> None:
    """The window is closed."""
    screen.hang_up()
    assert screen.left() == -signal.SIGHUP


def terminate(screen: Screen) -> None:
    """The terminal is put right before the process ends by the signal."""
    screen.signal(signal.SIGTERM)
    assert_left_alone(screen, -signal.SIGTERM)


def assert_left_alone(screen: Screen, code: int = 0) -> None:
    """The shell is told how to come back, on a terminal that is as it was."""
    assert screen.left() == code
    assert "goes on; come back: tidal attach" in screen.text()
    assert screen.is_restored, screen.modes


def visit(visitor: Screen, counted: int) -> None:
    """`tidal watch` shows the same and has no key that changes anything."""
    visitor.until(lambda text: goes_on(text, counted) and "READ-ONLY" in text)
    visitor.press("u", "x", "n", "5")
    seen = visitor.until(lambda text: "TOTAL" not in text)
    assert STOP not in seen
    assert "Change users" not in seen
    visitor.press("q")
    assert_left_alone(visitor)


def stop_and_leave(screen: Screen, counted: int) -> None:
    """The other answer to quitting: the terminal waits for the end and leaves with the summary."""
    screen.until(lambda text: goes_on(text, counted))
    screen.press("q")
    screen.until(LEAVE)
    screen.press("s")
    assert screen.left() in DONE
    assert "Stopped after" in screen.text()
    assert screen.is_restored, screen.modes


# ------------------------------------------------------------------ a fleet: its past, and a loss


def test_a_run_on_two_workers_is_rewound_and_loses_one(home: Path) -> None:
    """The past stands still while the run goes on; a worker that is killed is told as lost, and the load is held."""
    with prepared(Stage, home) as stage:
        victim, _ = stage.start_worker(1), stage.start_worker(1)
        load = ("-f", str(stage.folder / "locustfile.py"), "-u", "6", "-r", "50", "-H", stage.target_url)
        screen = Screen(
            home, "tui", "--redis", stage.redis_url, "--expect-workers", "2", *load, "--allow-suspect", size=WIDE
        )
        try:
            screen.until(lambda text: running(6)(text) and requests_in(text) > 30)
            rewind(screen)
            lose(screen, victim)
            leave_a_stopped_run(screen)
        finally:
            screen.close()


def rewind(screen: Screen) -> None:
    """Two ticks back: the badge says how far that is from now, which is more and more, and only now counts on."""
    screen.press(",", ",")
    seen: dict[int, list[str]] = {}

    def stands_still(text: str) -> bool:
        """For two seconds: neither tick is still under way."""
        behind = behind_s(text)
        seen.setdefault(behind, total_in(text))
        return behind > 2 and seen.get(behind - 2) == seen.get(behind - 1) == total_in(text) != []

    then = screen.until(stands_still)
    later = screen.until(lambda text: behind_s(text) > behind_s(then) + 1)
    assert total_in(later) == total_in(then)
    assert users_in(later) == users_in(then)
    screen.press("end")
    screen.until(lambda text: behind_s(text) < 0 and requests_in(text) > requests_in(then))


def behind_s(text: str) -> int:
    """How far behind now the picture is, from its badge; -1 without one."""
    found = re.search(r"REWOUND (\d+):(\d\d)", text)
    return 60 * int(found[1]) + int(found[2]) if found else -1


def lose(screen: Screen, victim: subprocess.Popen[bytes]) -> None:
    """Its lamps go out, the other one runs everybody, and the story says why."""
    screen.press("2")
    screen.until(lambda text: row_of_a_worker(text, "alive", "running", 3))
    victim.kill()
    screen.until(lambda text: row_of_a_worker(text, "gone", "lost", 0))
    screen.until(lambda text: running(6)(text) and row_of_a_worker(text, "alive", "running", 6))
    screen.press("5")
    screen.until(re.compile(r"w\d lost: its heartbeat lapsed; its users go to the others").search)


def row_of_a_worker(text: str, alive: str, state: str, users: int) -> bool:
    """Whether a worker's lamp, state and users are these, in the workers' table."""
    return re.search(rf"^ w\d .* {alive} .* {state} +{users} ", text, re.MULTILINE) is not None


def leave_a_stopped_run(screen: Screen) -> None:
    """The summary names the loss; how much of a short run it was decides the exit code."""
    screen.press("q")
    screen.until(LEAVE)
    screen.press("s")
    assert screen.left() in DONE
    assert re.search(r"lost on the way: w\d", screen.text())
    assert screen.is_restored, screen.modes


def test_sigterm_puts_the_terminal_of_a_replay_right(terminal: Opener, finished: Finished) -> None:
    """The alternate screen is left, the cursor and the keyboard's echo are back; the signal is the exit status."""
    replay = terminal("replay", where=finished.home)
    replay.until("REPLAY")
    assert not replay.is_restored
    replay.signal(signal.SIGTERM)
    assert replay.left() == -signal.SIGTERM
    assert replay.is_restored, replay.modes


def test_the_shop_of_a_demo_closes_with_its_terminal(terminal: Opener, home: Path) -> None:
    """A window that is closed ends the demo's run as well: there is nothing left to load."""
    demo = terminal("demo", "-u", "3", "--processes", "1")
    demo.until(running(3))
    demo.hang_up()
    demo.left()
    until(lambda: not processes_of(home), within_s=30, what="every process of the demo is gone")
