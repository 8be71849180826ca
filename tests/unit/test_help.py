"""Help at any width of the terminal, and what is offered for a slip."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.cli import SUBCOMMANDS
from tidal.cli.flowing import PROSE_CELLS_MAX, Help, flowed, hanging, listed
from tidal.cli.parser import Parser, meant, parser_of

COLUMNS = """  bash   eval "$(tidal completion bash)"
  fish   tidal completion fish | source     and then some more that is said of it"""


def test_prose_flows_and_columns_stay() -> None:
    """Paragraphs are laid out anew; indented lines keep their places, and go on below their last column."""
    text = f"One sentence that goes\non, and on.\n\n{COLUMNS}\n\nThe end."
    assert flowed(text, 200) == f"One sentence that goes on, and on.\n\n{COLUMNS}\n\nThe end."
    assert flowed(text, 20).splitlines()[:2] == ["One sentence that", "goes on, and on."]


def test_a_line_of_columns_goes_on_below_its_last_column() -> None:
    """Where that is near the right edge, the whole column goes below."""
    assert hanging("  new   write a first locustfile", 24) == "  new   write a first\n        locustfile"
    assert hanging("  tidal runs prune   the oldest ones", 24) == "  tidal runs prune\n      the oldest ones"
    assert listed({"a": "x", "long": "y"}, 80) == ["  a     x", "  long  y"]


@given(st.text(st.sampled_from("ab c-\n"), max_size=200), st.integers(20, 140))
def test_no_word_is_lost_at_any_width(text: str, cells: int) -> None:
    """And no line is longer than asked, unless a single word is."""
    told = flowed(text, cells)
    assert told.split() == text.split()
    assert all(len(line) <= cells or len(line.split()) == 1 for line in told.splitlines())


@pytest.mark.parametrize("name", [*SUBCOMMANDS])
def test_every_help_keeps_to_the_width(name: str) -> None:
    """A word that is longer, such as a URL or a list of choices, stands alone in its line."""
    parser = parser_of(name)
    assert isinstance(parser, Parser) or name == "locust"
    parser.formatter_class = partial(Help, width=60)  # type: ignore[attr-defined]
    wide = [line for line in parser.format_help().splitlines() if len(line) > 60 and len(line.split()) > 1]
    assert wide == []


@pytest.mark.parametrize(("columns", "most"), [("60", 58), ("100", 98), ("400", PROSE_CELLS_MAX), ("1", 20)])
def test_the_terminal_says_how_wide(columns: str, most: int) -> None:
    """As argparse has it: two columns are left free. Prose is never wider than people read."""
    done = subprocess.run(
        [sys.executable, "-m", "tidal", "help", "judge"],
        capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": columns},
    )  # fmt: skip
    prose = done.stdout.split("\n\n")[2].splitlines()
    assert prose[0].startswith("Says of each")
    assert max(map(len, prose)) <= most
    assert len(prose) > 1


@pytest.mark.parametrize(
    ("word", "known", "offered"),
    [
        ("--usres", ["--users", "--redis", "--seed", "-u"], "--users"),
        ("--user", ["--users", "--class", "--ship"], "--users"),
        ("--fial-on", ["--fail-on", "--find", "--json"], "--fail-on"),
        ("--rate", ["--host", "--spawn-rate", "--run-time"], "--spawn-rate"),
        ("--thresh", ["--threshold", "--abort-on"], "--threshold"),
        ("rnu", [*SUBCOMMANDS], "run"),
        ("relpay", [*SUBCOMMANDS], "replay"),
        ("expl", [*SUBCOMMANDS], "explain"),
        ("run-tmie", ["--run-time"], "--run-time"),
        ("-z", ["-u", "-r", "-t"], ""),
        ("--zzz", ["--users", "--redis"], ""),
        ("", ["--users"], ""),
    ],
)
def test_only_near_names_are_offered(word: str, known: list[str], offered: str) -> None:
    """One that a slip makes of it; dashes in front do not make two flags alike."""
    assert meant(word, known) == (f"; did you mean {offered}?" if offered else "")


def test_two_that_are_as_near_are_both_named() -> None:
    """And never more."""
    assert meant("--redis-k", ["--redis-ka", "--redis-kb", "--redis-kc"]) == "; did you mean --redis-ka or --redis-kb?"
