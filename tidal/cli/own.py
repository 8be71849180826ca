"""The arguments that a locustfile adds to the command line, as far as a command line must know them.

The file is imported by a child of its own, which says what flags the file has. Here they only take their words out of
the others'; the file's own parser reads them when the run is opened, with types, choices and all.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tidal.launch import Inspection
from tidal.opening import shipped_root
from tidal.options import ONLY_DESCRIBE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tidal.model.pipe import ArgumentSpec, Loaded

WORDS = "own_words"
"""The attribute that the words are kept in."""


class _Keep(argparse.Action):
    """Keeps the flag with its values, as they were written."""

    def __call__(
        self, _parser: object, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        """Take the words down."""
        texts = values if isinstance(values, list) else [] if values is None else [values]
        kept = [*getattr(namespace, WORDS, ()), *_spelled(option_string or "", texts, is_lone=self.nargs is None)]
        setattr(namespace, WORDS, kept)


class _KeepSwitch(_Keep, argparse._StoreTrueAction):  # noqa: SLF001 - config files ask for this kind before they read `true`
    """The same for a flag without a value."""


class _KeepEach(_Keep, argparse._AppendAction):  # noqa: SLF001 - config files ask for this kind before they read a list
    """The same for a flag that may be said again."""


def _spelled(flag: str, texts: Sequence[str], *, is_lone: bool) -> list[str]:
    """A single value goes with its flag, so that one which begins with a dash stays a value."""
    return [f"{flag}={texts[0]}"] if is_lone and texts and flag.startswith("--") else [flag, *texts]


def described(files: Sequence[Path]) -> Loaded:
    """What the files hold, as a child that imports them says it."""
    first, *more = files
    root = str(shipped_root(first, *more))
    return Inspection(str(first), root=root, more_files=tuple(map(str, more)), words=ONLY_DESCRIBE).awaited()


def add_own(parser: argparse.ArgumentParser, specs: Sequence[ArgumentSpec], *, variables: bool = False) -> None:
    """Let the parser take the file's own flags; `variables`: their variables, too (a parser that knows variables)."""
    group = parser.add_argument_group("the file's own")
    for spec in specs:
        flags = [flag for flag in spec.flag.split(", ") if flag.startswith("-")]
        free = [flag for flag in flags if flag not in parser._option_string_actions]  # noqa: SLF001 - no public list
        if not free:
            continue
        more: dict[str, Any] = {"env_var": spec.env_var} if variables and spec.env_var else {}
        group.add_argument(
            *free, dest=f"own {spec.name}", default=argparse.SUPPRESS, help=_help(spec), **_shape(spec), **more
        )


def _help(spec: ArgumentSpec) -> str:
    said = spec.help.replace("%", "%%")
    default = "" if spec.value in ("null", '""', "false") or spec.is_secret else f" (now: {spec.value[:60]})"
    return f"{said}{default.replace('%', '%%')}" or argparse.SUPPRESS


def _shape(spec: ArgumentSpec) -> dict[str, Any]:
    """How many words follow the flag."""
    metavar = spec.name.upper()
    if spec.kind == "flag":
        return {"action": _KeepSwitch}
    if spec.kind == "list" and not spec.nargs:
        return {"action": _KeepEach, "metavar": metavar}
    nargs = int(spec.nargs) if spec.nargs.isdigit() else spec.nargs or None
    return {"action": _Keep, "nargs": nargs, "metavar": metavar}
