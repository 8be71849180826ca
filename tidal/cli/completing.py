"""What a shell offers while a line is typed: the shell runs `tidal` anew at every tab, so nothing heavy is imported.

Only words that a shell takes as they are get out: ids of runs, names and tags that pass for one (`keys.is_name`), what
the command line itself is made of, and files, whose names argcomplete escapes. Notes and other text of people do not.
"""

from __future__ import annotations

import argparse
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from tidal.address import URL
from tidal.cli import SUBCOMMANDS
from tidal.cli.parser import parser_of
from tidal.errors import TidalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TextIO

ASKED = "_ARGCOMPLETE"
"""The variable by which the script of `tidal completion` says that a shell wants words."""
RUNS_MAX = 200
"""The latest: nobody reads more in a shell."""
GOING = {"attach", "watch", "set", "pause", "resume", "stop", "drain"}
"""What is done to runs that go on; everything else is done to recordings."""
FILES = {"FILE", "PREFIX", "OUT", "FOLDER"}
"""What flags that take files call them."""
LATEST = ("latest", "latest~1")
REDIS_S = 0.3
"""What a shell waits for a Redis at most; one that takes longer has no runs to offer."""


def complete(out: TextIO | None = None, leave: Callable[[int], object] = os._exit) -> None:
    """Answer the shell, and leave."""
    from argcomplete.completers import SuppressCompleter
    from argcomplete.finders import CompletionFinder

    words = os.environ.get("COMP_LINE", "").split()
    finder = CompletionFinder()
    finder(
        whole_parser(words[1] if len(words) > 1 else ""),
        always_complete_options=False,  # runs first; flags once a dash is typed
        exit_method=leave,
        output_stream=out,
        default_completer=SuppressCompleter(),
    )


def whole_parser(word: str) -> argparse.ArgumentParser:
    """A parser of all subcommands, of which only the one that was typed knows its flags."""
    whole = argparse.ArgumentParser("tidal", add_help=False, allow_abbrev=False)
    subcommands = whole.add_subparsers(parser_class=argparse.ArgumentParser)
    for name, what in SUBCOMMANDS.items():
        subcommands.add_parser(name, help=what)
    if word in SUBCOMMANDS:
        typed = parser_of(word)
        if isinstance(typed, argparse.ArgumentParser):
            _teach(typed, word)
            subcommands.choices[word] = typed  # the map that the action looks names up in
    return whole


def _teach(parser: argparse.ArgumentParser, subcommand: str) -> None:
    """Say of each argument what its words may be."""
    from argcomplete.completers import FilesCompleter

    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of them
        words = _words_of(action, subcommand)
        if words is not None:
            action.completer = words  # type: ignore[attr-defined]  # where argcomplete looks
        elif _takes_file(action):
            action.completer = FilesCompleter()  # type: ignore[attr-defined]


def _takes_file(action: argparse.Action) -> bool:
    return not FILES.isdisjoint(str(action.metavar or "").replace("|", " ").split())


def _words_of(action: argparse.Action, subcommand: str) -> Callable[..., Iterable[str]] | None:
    """How to find the words that an argument may be; None: nobody knows, or argparse does."""
    if action.dest == "remove":
        return lambda **_: tags()
    if action.option_strings:
        return None
    if action.dest == "words" and subcommand == "runs":
        return _acts_then_runs
    if action.dest in {"run", "runs"} or (action.dest == "words" and subcommand == "judge"):
        if subcommand == "log":
            return _logs_or_files
        return _going if subcommand in GOING else _recordings_or_files
    return None


def _going(parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
    return [*going(), *in_redis(parsed_args)]


def _logs_or_files(prefix: str, parsed_args: argparse.Namespace, **_: object) -> Iterable[str] | Mapping[str, str]:
    """Recordings, and what Redis still has: `tidal log` reads both."""
    found = _recordings_or_files(prefix)
    return [*found, *(run for run in in_redis(parsed_args) if run not in found)]


def _recordings_or_files(prefix: str, **_: object) -> Iterable[str] | Mapping[str, str]:
    """Runs; files once the word looks like one."""
    if "/" in prefix or prefix.startswith((".", "~")):
        from argcomplete.completers import FilesCompleter

        found: list[str] = FilesCompleter(("tidal",))(prefix)
        return found
    return recordings()


def _acts_then_runs(parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
    from tidal.cli.runs import ACTS

    typed = getattr(parsed_args, "words", None) or []
    return ACTS if not typed else recordings() if len(typed) == 1 and typed[0] != "prune" else ()


# ------------------------------------------------------------------ what there is


def going() -> list[str]:
    """The runs that a supervisor of this machine looks after."""
    from tidal import paths
    from tidal.keys import is_name

    return ["latest", *(entry.run for entry in paths.local_runs() if entry.is_alive and is_name(entry.run))]


def in_redis(args: argparse.Namespace, patience_s: float = REDIS_S) -> list[str]:
    """The runs of the Redis that the line or the environment names; none when it does not answer at once."""
    if not (getattr(args, "redis", None) or os.environ.get(URL)):
        return []
    found: list[str] = []
    thread = threading.Thread(target=_ask_redis, args=(args, found), daemon=True)
    thread.start()
    thread.join(patience_s)
    return list(found)


def _ask_redis(args: argparse.Namespace, found: list[str]) -> None:
    from tidal.bus import BusError
    from tidal.cli import flags
    from tidal.cli.find import remote
    from tidal.keys import is_name

    with suppress(TidalError, BusError, ValueError):  # a shell shows no errors
        found += sorted((run.run for run in remote(flags.redis_url(args)) if is_name(run.run)), reverse=True)[:RUNS_MAX]


def recordings() -> list[str]:
    """The latest archives of this machine by their ids, names that were pinned, and what always has a name."""
    from tidal import paths
    from tidal.keys import is_name

    try:
        there = {path.name.partition(".tidal")[0] for path in paths.runs_dir().glob("*.tidal*")}
    except (OSError, TidalError):
        there = set()
    newest = sorted(filter(is_name, there), reverse=True)[:RUNS_MAX]  # ids begin with the date
    return [*LATEST, "incident", *sorted(_said("name")), *newest]


def tags() -> list[str]:
    """The tags of this machine's runs."""
    return sorted(_said("tags"))


def _said(what: str) -> set[str]:
    """Names or tags that people gave, as far as a shell takes them."""
    import json

    from tidal import paths
    from tidal.keys import is_name

    found: set[str] = set()
    for path in sorted(paths.runs_dir().glob("*.about.json"), reverse=True)[:RUNS_MAX]:
        try:
            with path.open("rb") as file:
                said = json.loads(file.read(1 << 20)).get(what)
        except (OSError, ValueError, RecursionError, AttributeError):
            continue
        words = said if isinstance(said, list) else [said]
        found |= {word for word in words if isinstance(word, str) and is_name(word)}
    return found
