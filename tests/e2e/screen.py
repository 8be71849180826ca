"""A terminal of our own: a command in a real pty, and what its screen shows.

The pty is the kernel's, the screen is interpreted from the bytes that come out of it: cells, cursor, alternate screen
and the modes that a well-behaved program takes back when it leaves.
"""

from __future__ import annotations

import copy
import os
import re
import signal
import sys
import termios
import time
from typing import TYPE_CHECKING, Any

import pexpect
import pyte

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Awaited = str | Callable[[str], object]

READ_S = 0.05
ANSWER_S = 30.0
PATIENCE_S = 100.0
"""A busy machine may take this long to show a first picture."""
ALTERNATE_SCREEN, CURSOR, WRAPPING = 1049, 25, 7
LINE_MODE = termios.ICANON | termios.ECHO | termios.ISIG
"""What every new terminal has: it need not be asked in time."""
KEYS = {
    "enter": "\r", "tab": "\t", "escape": "\x1b", "space": " ", "backspace": "\x7f", "ctrl+c": "\x03",
    "ctrl+a": "\x01", "ctrl+k": "\x0b", "ctrl+s": "\x13", "shift+tab": "\x1b[Z",
    "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "end": "\x1b[F", "home": "\x1b[H",
    "shift+left": "\x1b[1;2D", "shift+right": "\x1b[1;2C",
}  # fmt: skip
"""What a terminal sends for a key that has a name."""
_KEYBOARD_PROTOCOL = re.compile(rb"\x1b\[[<>=?][\d;]*u")
"""Sequences that the interpreter does not know and would print."""


class _Cells(pyte.Screen):
    """A screen that also knows the alternate one and which private modes are set."""

    def __init__(self, columns: int, lines: int) -> None:
        self.private: set[int] = set()
        self._below: tuple[Any, Any] | None = None
        super().__init__(columns, lines)

    def set_mode(self, *modes: int, **how: Any) -> None:
        """Note the private modes; leave for the alternate screen."""
        if how.get("private"):
            if ALTERNATE_SCREEN in modes and self._below is None:
                self._below = (copy.deepcopy(self.buffer), copy.copy(self.cursor))
                self.erase_in_display(2)
            self.private.update(modes)
        super().set_mode(*modes, **how)

    def reset_mode(self, *modes: int, **how: Any) -> None:
        """Forget the private modes; come back from the alternate screen."""
        super().reset_mode(*modes, **how)
        if how.get("private"):
            self.private.difference_update(modes)
            if ALTERNATE_SCREEN in modes and self._below is not None:
                self.buffer, self.cursor = self._below
                self._below = None
                self.cursor.hidden = CURSOR not in self.private


class Screen:
    """`python -m tidal …` in a pty, with a home of its own, and its screen.

    Args:
        home: TIDAL_HOME and the working directory.
        words: the command line.
        size: columns and rows.
    """

    def __init__(self, home: Path, *words: str, size: tuple[int, int] = (100, 30)) -> None:
        columns, lines = size
        self._cells = _Cells(columns, lines)
        self._cells.private |= {CURSOR, WRAPPING}
        self._before = set(self._cells.private)
        self._stream = pyte.ByteStream(self._cells)
        self._pending = b""
        self._gone = False
        self._drawn = 0  # bytes
        env = {name: value for name, value in os.environ.items() if name not in ("TIDAL_REDIS_URL", "NO_COLOR")}
        env |= {"TIDAL_HOME": str(home), "TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        argv = ["-m", "tidal", *words]
        self._child = pexpect.spawn(sys.executable, argv, cwd=str(home), env=env, dimensions=(lines, columns))
        self._child.delaybeforesend = None

    def __repr__(self) -> str:
        """What is to be seen: a failing test explains itself."""
        return f"<Screen {' '.join(self._child.args[2:])}\n{self.text()}\n>"

    # -------------------------------------------------------------- looking

    def text(self) -> str:
        """The screen, a line a row, without trailing blanks."""
        return "\n".join(line.rstrip() for line in self._cells.display).rstrip()

    @property
    def line_of_the_cursor(self) -> str:
        """The line in which a field that has the focus is."""
        return str(self._cells.display[self._cells.cursor.y])

    def until(self, awaited: Awaited, within_s: float = PATIENCE_S) -> str:
        """The screen's text once it holds a text, or meets a condition; AssertionError at the deadline."""
        end_s = time.monotonic() + within_s
        while not _is_there(awaited, self.text()):
            why = "the command ended" if self._gone else f"{within_s} s passed" if time.monotonic() > end_s else ""
            assert not why, f"{why} without {awaited}\n{self}"
            self._read()
        met = self.text()
        while self._read() and time.monotonic() < end_s:  # a picture that is being drawn: take it whole
            pass
        return self.text() if _is_there(awaited, self.text()) else met

    def _read(self) -> bool:
        """Take what came out; whether anything did."""
        try:
            self._feed(self._child.read_nonblocking(65_536, READ_S))
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            self._gone = True
            return False
        return True

    def _feed(self, said: bytes) -> None:
        """Interpret what came; an escape sequence that is cut off waits for its rest."""
        self._drawn += len(said)
        whole = self._pending + said
        begun = whole.rfind(b"\x1b")
        cut = begun if begun >= 0 and not re.match(rb"\x1b(\[[^@-~]*[@-~]|[^\[])", whole[begun:]) else len(whole)
        whole, self._pending = whole[:cut], whole[cut:]
        self._stream.feed(_KEYBOARD_PROTOCOL.sub(b"", whole))

    @property
    def is_restored(self) -> bool:
        """Whether the terminal is as it was: screen, cursor, mouse and paste modes, line editing and echo."""
        return self._cells.private == self._before and self._modes_of_the_line() == LINE_MODE

    @property
    def modes(self) -> set[int]:
        """The private modes that are set now."""
        return set(self._cells.private)

    def _modes_of_the_line(self) -> int:
        return int(termios.tcgetattr(self._child.child_fd)[3]) & LINE_MODE

    # -------------------------------------------------------------- doing

    def press(self, *keys: str) -> None:
        """Press keys by name; what is no name is typed."""
        self._child.send("".join(KEYS.get(key, key) for key in keys))

    def type(self, *keys: str) -> None:
        """Press keys one by one, each when the screen has answered the one before, as a person does.

        A form moves its focus after it has read a key; what comes in the same moment still goes to the field before.
        """
        for key in keys:
            self.press(key)
            self.until(self._another_picture(), within_s=ANSWER_S)

    def _another_picture(self) -> Callable[[str], bool]:
        before = self._drawn
        return lambda _: self._drawn > before

    def resize(self, columns: int, lines: int) -> None:
        """Make the terminal larger or smaller."""
        self._cells.resize(lines, columns)
        self._child.setwinsize(lines, columns)

    # -------------------------------------------------------------- ending

    @property
    def pid(self) -> int:
        """The terminal's process."""
        return int(self._child.pid)

    def signal(self, number: int) -> None:
        """Send a signal to the terminal's process."""
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """Close the terminal's window: the kernel tells the command."""
        self._child.ptyproc.fileobj.close()
        self._gone = True

    def left(self, within_s: float = PATIENCE_S) -> int:
        """The exit code once the command ended (a signal's number, negative); what it said last is on the screen."""
        end_s = time.monotonic() + within_s
        while not self._gone:
            assert time.monotonic() < end_s, f"it did not end within {within_s} s\n{self}"
            self._read()
        while self._child.isalive():
            assert time.monotonic() < end_s, f"it did not end within {within_s} s\n{self}"
            time.sleep(0.02)
        return int(self._child.exitstatus if self._child.signalstatus is None else -self._child.signalstatus)

    def close(self) -> None:
        """End the command if it goes on."""
        if self._child.isalive():
            self.signal(signal.SIGKILL)
            self._child.wait()
        if not self._child.ptyproc.fileobj.closed:
            self._child.ptyproc.fileobj.close()


def _is_there(awaited: Awaited, text: str) -> object:
    return awaited in text if isinstance(awaited, str) else awaited(text)
