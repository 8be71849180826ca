"""What is logged and printed in a child with user code reaches its parent, and its own logging stays as it is."""

from __future__ import annotations

import io
import logging
import logging.config
import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from tidal.generator.logtap import Echo, LogTap, end_of, text_of
from tidal.model.loglines import BURST
from tidal.model.pipe import Said
from tidal.model.samples import LINE_TEXT_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.events import LogLine


class Child:
    """A child's logging: one handler of the file's own on the root logger, and the tap."""

    def __init__(self) -> None:
        self.own = io.StringIO()
        self.answers: list[Any] = []
        self.tap = LogTap(self.answers.append)

    def heard(self) -> list[LogLine]:
        """What has reached the parent since the last time."""
        self.tap.send()
        answers, self.answers[:] = list(self.answers), []
        assert all(isinstance(answer, Said) for answer in answers)
        return [line for answer in answers for line in answer.lines]

    def told(self) -> list[tuple[str, str, str]]:
        """Level, logger and text of that."""
        return [(line.level, line.logger, line.text) for line in self.heard()]


@pytest.fixture
def child() -> Iterator[Child]:
    """A child; afterwards the test's process logs as before."""
    root, made = logging.getLogger(), Child()
    before = (root.level, list(root.handlers), sys.stdout, sys.stderr)
    root.handlers[:] = [logging.StreamHandler(made.own)]
    root.setLevel(logging.INFO)
    yield made
    root.setLevel(before[0])
    root.handlers[:], sys.stdout, sys.stderr = before[1:]


def test_warnings_travel_and_what_is_less_does_not(child: Child) -> None:
    """The file's own handlers get all of it, as before."""
    child.tap.open("WARNING")
    logging.getLogger("shop").warning("the %s is slow", "cache")
    logging.getLogger("shop").info("all is well")
    print("a word")
    assert child.told() == [("warning", "shop", "the cache is slow")]
    assert child.own.getvalue() == "the cache is slow\nall is well\n"


def test_from_info_on_what_is_printed_travels_too(child: Child, capsys: pytest.CaptureFixture[str]) -> None:
    """Line by line, and it is still printed."""
    child.tap.open("INFO")
    logging.getLogger("shop").info("all is well")
    print("one", end=" ")
    print("line\nand another")
    assert child.told() == [
        ("info", "shop", "all is well"),
        ("info", "stdout", "one line"),
        ("info", "stdout", "and another"),
    ]
    assert capsys.readouterr().out == "one line\nand another\n"


def test_what_goes_to_stderr_is_a_warning_of_one_piece(child: Child) -> None:
    """A traceback that is printed line by line, say."""
    child.tap.open("WARNING")
    traceback.print_exception(ValueError("this is broken"))
    print("in two", "pieces", sep="\n", file=sys.stderr)
    ((level, logger, text),) = child.told()
    assert (level, logger) == ("warning", "stderr")
    assert text == "ValueError: this is broken\nin two\npieces"


def test_a_handler_that_writes_to_stderr_is_not_heard_twice(child: Child) -> None:
    """The file's own set-up may do that after the tap is there."""
    child.tap.open("WARNING")
    logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
    logging.getLogger("shop").warning("once")
    assert child.told() == [("warning", "shop", "once")]


@pytest.mark.parametrize(
    "set_up",
    [
        lambda: logging.basicConfig(force=True, level="INFO", stream=io.StringIO()),
        lambda: logging.root.handlers.__delitem__(slice(None)),
        lambda: logging.config.dictConfig({"version": 1, "disable_existing_loggers": False}),
    ],
    ids=["basicConfig", "cleared", "dictConfig"],
)
def test_a_file_sets_up_logging_as_it_likes(child: Child, set_up: Any) -> None:
    """The tap is back at the next look."""
    child.tap.open("WARNING")
    set_up()
    child.heard()
    logging.getLogger("shop").warning("heard")
    assert ("warning", "shop", "heard") in child.told()


def test_a_traceback_travels_with_its_line(child: Child) -> None:
    """Its end, where it is too long."""
    child.tap.open("WARNING")
    error = ValueError(f"{'x' * 5_000}the end")
    logging.getLogger("shop").error("it broke%s", "!" * 2_000, exc_info=error)
    ((level, _, text),) = child.told()
    assert level == "error"
    assert text.startswith("it broke!!!")
    assert text.endswith("the end")
    assert len(text) == LINE_TEXT_MAX


def test_arguments_that_do_not_fit_are_no_error() -> None:
    """Logging itself would print a complaint; the line travels anyhow."""
    assert "TypeError" in text_of(logging.LogRecord("a", 30, "f.py", 1, "%d of %d", ("x",), None))


def test_a_record_made_by_hand_does_not_fail_in_the_code_that_logs_it(child: Child) -> None:
    """Without a name, with a message that cannot be shown, with `exc_info` of no exception."""

    class Shy:
        def __repr__(self) -> str:
            raise ValueError

    child.tap.open("WARNING")
    logging.getLogger().handle(logging.makeLogRecord({"levelno": 40, "msg": "no name"}))
    for more in ({"msg": Shy()}, {"msg": "%d", "args": ("x",), "exc_info": True}):
        child.tap.handle(logging.makeLogRecord({"levelno": 40, **more}))
    assert "no name" in [text for _, _, text in child.told()]


def test_secrets_go_before_a_long_text_is_cut(child: Child) -> None:
    """Cut within `password=…` at its front, it would be a word that no rule knows."""
    secret = "password=" + "s3cret" * 200
    assert "s3cret" not in end_of(f"{secret}\n" + "x" * 900, 1_500)
    assert end_of("short", 10) == "short"
    child.tap.open("WARNING")
    sys.stderr.write("Traceback\n" + f"  {secret}\n" * 3 + "y" * 500 + "\n")
    assert "s3cret" not in "".join(text for _, _, text in child.told())


def test_secrets_stay_here(child: Child) -> None:
    """By the rules of failed requests."""
    child.tap.open("WARNING")
    logging.getLogger("shop").warning("logged in with token=abcdef123456")
    assert "abcdef123456" not in child.told()[0][2]


def test_too_many_lines_are_counted(child: Child) -> None:
    """None goes in silence, and nothing is formatted for those that go."""
    child.tap.open("WARNING")
    for n in range(BURST * 4):
        logging.getLogger("shop").warning("%d", n)
    lines = child.heard()
    assert len(lines) < BURST * 2
    child.tap.flush()
    lines += [line for answer in child.answers for line in answer.lines]
    assert sum(line.left_out or 1 for line in lines) == BURST * 4


def test_off_is_nothing_at_all(child: Child) -> None:
    """Neither a handler nor another stdout."""
    stdout = sys.stdout
    child.tap.open("OFF")
    logging.getLogger("shop").error("nobody hears")
    child.tap.flush()
    assert child.answers == []
    assert sys.stdout is stdout
    assert child.tap not in logging.getLogger().handlers


def test_a_pipe_that_is_gone_does_not_break_the_farewell() -> None:
    """`logging.shutdown()` flushes all handlers."""

    def gone(_: Any) -> None:
        raise BrokenPipeError

    tap, root = LogTap(gone), logging.getLogger()
    stdout, stderr = sys.stdout, sys.stderr
    tap.open("WARNING")
    try:
        logging.getLogger("shop").error("too late")
        tap.flush()
    finally:
        root.removeHandler(tap)
        sys.stdout, sys.stderr = stdout, stderr


def test_an_echo_is_the_stream_that_it_was() -> None:
    """Whatever a file does with stdout."""
    stream, lines = io.StringIO(), list[str]()
    echo = Echo(stream, lines.append)
    echo.writelines(["a\n", "\n", "b"])
    echo.flush()
    assert (echo.getvalue(), lines, echo.isatty()) == ("a\n\nb", ["a"], False)
