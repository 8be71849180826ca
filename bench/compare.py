"""Pieces for comparing two sides by turns: run a command, take what it says, make ratios and their spread."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

F = TypeVar("F")

HERE = Path(__file__).parent


class Row(NamedTuple):
    """One comparison, as the table shows it.

    Attributes:
        what: what was done.
        goal: what was to be reached, as text.
        ratios: of each round, ours to theirs.
        note: the figures behind it.
        unit: what the ratios are in.
    """

    what: str
    goal: str
    ratios: list[float]
    note: str = ""
    unit: str = "x"

    def __str__(self) -> str:
        low, high = min(self.ratios), max(self.ratios)
        return (
            f"{self.what:62} {statistics.median(self.ratios):7.2f}{self.unit}  ({low:.2f} to {high:.2f})  {self.note}"
        )

    def markdown(self) -> str:
        """A line of a table."""
        low, high = min(self.ratios), max(self.ratios)
        middle = f"**{statistics.median(self.ratios):.2f}{self.unit}**"
        return f"| {self.what} | {self.goal} | {middle} | {low:.2f} to {high:.2f} |"


def load(side: str, url: str, arguments: Sequence[str]) -> dict[str, Any]:
    """What `load.py` says of one side."""
    argv = [sys.executable, str(HERE / "load.py"), side, "--url", url, *arguments]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode or not done.stdout.strip():
        raise SystemExit(f"{' '.join(argv)}\n{done.stdout}{done.stderr[-2000:]}")
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if said.get("failures"):
        raise SystemExit(f"{side}: {said['failures']} of {said['requests']} requests failed\n{done.stderr[-2000:]}")
    return said


def by_turns(rounds: int, ours: Callable[[], F], theirs: Callable[[], F]) -> list[tuple[F, F]]:
    """Both figures of each round, the sides in turn."""
    pairs = []
    for number in range(rounds):
        first = ours() if number % 2 else None
        second = theirs()
        pairs.append((ours() if first is None else first, second))
    return pairs
