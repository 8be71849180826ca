"""Words to arguments: argparse, but every mistake is a `UsageError` that offers what was probably meant."""

from __future__ import annotations

import argparse
from difflib import SequenceMatcher
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn, Protocol

from tidal.cli import SUBCOMMANDS
from tidal.cli.flowing import Help, cells_of_terminal, flowed, listed
from tidal.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

ABOUT = """\
tidal: load tests for the terminal that can be trusted, and rewound

usage: tidal SUBCOMMAND … (tidal SUBCOMMAND --help tells its flags)
"""
HELP = ("-h", "--help", "help")
VERSION = ("-V", "--version")
ALIKE, NEARLY, NEAR_MAX = 0.65, 0.05, 2
"""How alike a word is to what was meant, by how much another may be less so, and how many are named."""
WORD_MAX = 60


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the process, and knows what to run."""

    run: Callable[[argparse.Namespace], int]

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where to look it up."""
        raise UsageError(f"{message}\n  see: {self.prog} --help")

    def flags(self) -> list[str]:
        """Every flag, short and long."""
        return list(self._option_string_actions)  # argparse has no public list of its flags

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """The arguments; positional ones may stand between flags."""
        args, unknown = self.parse_known_intermixed_args(words)
        if unknown:
            self._refuse(unknown[0])
        return args

    def _refuse(self, word: str) -> NoReturn:
        if not word.startswith("-"):
            self.error(f"unexpected argument {word!r}")
        flag = word.partition("=")[0]
        self.error(f"unknown flag {flag}{meant(flag, self.flags())}")


def meant(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` with the nearest known words, or nothing."""
    near = _near(word, list(known))
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _near(word: str, known: list[str]) -> list[str]:
    """The names that a slip of the finger makes this word of; else those that it is the beginning or a part of.

    Dashes in front are alike in all flags and would make any two short ones alike.
    """
    bare = word.lstrip("-")[:WORD_MAX]
    found = {name: SequenceMatcher(None, name.lstrip("-"), bare).ratio() for name in known}
    most = max(found.values(), default=0.0)
    near = [name for name in known if found[name] >= max(ALIKE, most - NEARLY)]
    begun = [name for name in known if len(bare) > 2 and name.lstrip("-").startswith(bare)]
    part = [name for name in known if len(bare) > 2 and bare in name.lstrip("-").split("-")]
    return sorted(near, key=lambda name: -found[name])[:NEAR_MAX] or (begun or part)[:3]


class Reader(Protocol):
    """What the command line wants of a subcommand's parser."""

    run: Callable[[argparse.Namespace], int]

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """The arguments."""
        ...

    def format_help(self) -> str:
        """What `--help` prints."""
        ...


def parser_of(name: str) -> Reader:
    """The parser of one subcommand: the module's own, or one that it declares its flags on."""
    module = import_module(f"tidal.cli.{name}")
    if hasattr(module, "parser"):
        own: Reader = module.parser()
        return own
    kind = _kind(module)
    parser = kind(
        f"tidal {name}",
        description=module.__doc__,
        formatter_class=Help,
        allow_abbrev=False,
    )
    module.arguments(parser)
    parser.run = module.run
    return parser


def _kind(module: ModuleType) -> type[Parser]:
    """What reads the words of a subcommand: those that start a load have more to look at than their flags."""
    if not getattr(module, "STARTS_LOAD", False):
        return Parser
    from tidal.cli.loads import LoadParser

    return LoadParser


def subcommand(word: str) -> str:
    """The subcommand's name; UsageError with a hint for anything else."""
    if word in SUBCOMMANDS:
        return word
    if word.startswith("-"):
        raise UsageError(f"unknown flag {word}: flags stand after a subcommand\n  see: tidal --help")
    if word.endswith(".py"):
        raise UsageError(f"{word} is a file: did you mean tidal tui -f {word}?")
    raise UsageError(f"no subcommand {word!r}{meant(word, SUBCOMMANDS)}\n  see: tidal --help")


def overview(cells: int | None = None) -> str:
    """What `tidal --help` prints, in the width of the terminal or another."""
    cells = cells or cells_of_terminal()
    return "\n".join(
        [
            flowed(ABOUT, cells),
            "",
            *listed(SUBCOMMANDS, cells),
            "",
            "first steps: tidal demo",
        ]
    )
