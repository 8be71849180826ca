"""What a console prints as frames come, and when it gives a run up for gone."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import pytest
from test_outputs import NOON_MS, picture

from tidal.cli.console import ORPHAN_S, Console, Stillness, finish
from tidal.errors import RunLapsed, UsageError
from tidal.model.events import Event, WantStop
from tidal.model.rows import Completeness, Frame, StoryRow
from tidal.model.struct import replace


@dataclass
class Feed:
    """A feed that shows what it is given."""

    shown: Frame | None = None
    said: str = ""
    is_closed: bool = False

    def frame(self) -> Frame | None:
        """The newest picture."""
        return self.shown

    def trouble(self) -> str:
        """What is wrong."""
        return self.said


@dataclass
class Operator:
    """Remembers what was wanted."""

    wanted: list[Event] = field(default_factory=list)

    def want(self, event: Event) -> str:
        """Write it down."""
        self.wanted.append(event)
        return "i1"


class Deaf(io.StringIO):
    """A reader that went away."""

    def write(self, _text: str) -> int:
        """Nobody is there."""
        raise BrokenPipeError


def told(*texts: str) -> tuple[StoryRow, ...]:
    """Rows of a story, a second apart."""
    return tuple(StoryRow(NOON_MS, n * 1000, "wl", "error", text) for n, text in enumerate(texts, 1))


def test_news_are_told_once_with_their_moment() -> None:
    """And in order, each with a mark that needs no colour."""
    feed, out = Feed(picture(story=told("w1 is lost"))), io.StringIO()
    console = Console(feed, Operator(), out=out)
    console._tell_news()
    feed.shown = picture(story=told("w1 is lost", "w2 is lost\x1b[2J"))
    console._tell_news()
    console._tell_news()
    assert out.getvalue() == "   0:01  ✖ w1 is lost\n   0:02  ✖ w2 is lost\n"


def test_trouble_is_told_when_it_comes_and_when_it_goes() -> None:
    """Not every half second in between, though its seconds count up."""
    feed, out = Feed(picture(), "Redis does not answer (for 1 s)"), io.StringIO()
    console = Console(feed, Operator(), out=out)
    for feed.said in ("Redis does not answer (for 1 s)", "Redis does not answer (for 2 s)", ""):
        console._tell_news()
    assert [line.strip() for line in out.getvalue().splitlines()] == [
        "! Redis does not answer (for 1 s)",
        "+ Redis answers again",
    ]


def test_trouble_that_lasts_is_said_again_and_whole() -> None:
    """Who comes to a long output reads its end: there stands why nothing happens, with what to do."""
    what = "Redis is out of memory: raise its maxmemory, or delete what is not needed (command not allowed when used)"
    feed, out = Feed(picture(), ""), io.StringIO()
    console = Console(feed, Operator(), again_s=0, out=out)
    for feed.said in (f"{what} (for 1 s)", f"{what} (for 31 s)", "", ""):
        console._tell_news()
    lines = [line.strip() for line in out.getvalue().splitlines()]
    assert lines == [f"! {what} (for 1 s)", f"! {what} (for 31 s)", "+ Redis answers again"]


def test_a_closed_run_is_followed_to_its_last_frame() -> None:
    """Also when it was closed before anybody looked."""
    feed, out = Feed(picture(story=told("the end")), is_closed=True), io.StringIO()
    assert Console(feed, Operator(), out=out).follow() is feed.shown
    assert "the end" in out.getvalue()


def test_a_run_that_never_began_has_no_frame() -> None:
    """And says so, instead of a table of nothing."""
    with pytest.raises(RunLapsed, match="before it began"):
        Console(Feed(is_closed=True), Operator(), out=io.StringIO()).follow()


def test_a_reader_that_went_away_is_a_wish_to_stop() -> None:
    """Once; and nothing is printed any more."""
    operator = Operator()
    console = Console(Feed(picture(story=told("a", "b"))), operator, out=Deaf())
    console._tell_news()
    console._stopper.join()  # type: ignore[union-attr]
    assert operator.wanted == [WantStop("nobody reads the output any more")]


def test_a_visitor_wants_nothing() -> None:
    """Without an operator there is nobody to ask."""
    console = Console(Feed(picture(story=told("a"))), None, out=Deaf())
    console._tell_news()
    assert console._stopper is None


def test_a_log_that_stands_still_without_a_supervisor_is_given_up() -> None:
    """The run's processes were killed: the console must not wait for ever."""
    console = Console(Feed(picture()), Operator(), is_alive=lambda: False, out=io.StringIO())
    console._still = Stillness(NOON_MS + 43_000, since_s=-2 * ORPHAN_S)
    with pytest.raises(RunLapsed, match="log stands still"):
        console._tell_interval()


def test_a_log_that_stands_still_under_a_supervisor_is_waited_for() -> None:
    """Redis may be coming back."""
    console = Console(Feed(picture()), Operator(), is_alive=lambda: True, out=io.StringIO())
    console._still = Stillness(NOON_MS + 43_000, since_s=-2 * ORPHAN_S)
    console._tell_interval()


def test_stillness_counts_from_the_last_news() -> None:
    """A report or an event begins it anew."""
    still, frame = Stillness(), picture()
    assert [still.for_s(frame, now_s) for now_s in (10.0, 12.0)] == [0, 2]
    newer = replace(frame, completeness=Completeness(1, 1, NOON_MS + 44_000))
    assert [still.for_s(newer, now_s) for now_s in (13.0, 14.0)] == [0, 1]


def test_the_end_returns_the_runs_own_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """Tables on stdout; without a code the run lapsed."""
    frame = picture()
    assert finish(frame, None) == 0
    assert capsys.readouterr().out.endswith("rewind it: tidal replay r1\n")
    assert finish(replace(frame, run=replace(frame.run, exit_code=None)), None) == RunLapsed.exit_code


def test_json_on_stdout_is_alone_there(capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe gets one line of JSON and nothing else."""
    finish(picture(), "-")
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert out.startswith('{"at_ms":')
    assert "Exit code 0" in err


def test_json_that_cannot_be_written_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The tables are out by then."""
    with pytest.raises(UsageError, match="cannot write /nowhere/x"):
        finish(picture(), "/nowhere/x")
    assert "Exit code 0" in capsys.readouterr().out
