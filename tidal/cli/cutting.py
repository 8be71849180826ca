"""--without and --between: what of a run is left out, for the commands that make figures of an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import amounts
from tidal.cli.parser import meant
from tidal.errors import UsageError
from tidal.model.words import moment

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

    from tidal.model.cuts import Cut
    from tidal.model.state import LogHalf, State

KINDS = ("worker", "endpoint", "class", "time")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    group = parser.add_argument_group("what if")
    group.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="KIND=NAME",
        help="leave out worker=w2, endpoint='GET /cart', class=Buyer or time=1m..2m; may be said again",
    )
    group.add_argument(
        "--between", nargs=2, type=amounts.moment_ms, metavar=("FROM", "TO"), help="leave out all but this time: 1m 4m"
    )


def of(args: argparse.Namespace) -> Callable[[State], Cut | None] | None:
    """How to find out what is left out; None: nothing is. The words are read at once, the names held to the run."""
    if not args.without and args.between is None:
        return None
    said: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for word in args.without:
        kind, equals, name = word.partition("=")
        if not equals or kind not in KINDS or not name:
            raise UsageError(f"--without {word}: it takes {', '.join(f'{kind}=…' for kind in KINDS)}")
        said[kind].append(name)
    windows = [_window(text) for text in said["time"]]
    between = _ordered("--between", *args.between) if args.between else None
    return lambda state: _held(state, said, windows, between)


def _window(text: str) -> tuple[int, int]:
    first, dots, last = text.partition("..")
    if not dots:
        raise UsageError(f"--without time={text}: it takes FROM..TO, as 1m..2m30s")
    return _ordered("--without time=", *(int(amounts.checked(amounts.moment_ms, part)) for part in (first, last)))


def _ordered(flag: str, from_ms: int, to_ms: int) -> tuple[int, int]:
    if from_ms >= to_ms:
        raise UsageError(f"{flag}: the end is not after the beginning")
    return from_ms, to_ms


def _held(
    state: State, said: dict[str, list[str]], windows: list[tuple[int, int]], between: tuple[int, int] | None
) -> Cut:
    from tidal.model.cuts import Cut

    endpoints = [*(f"{m} {n}".strip() for m, n in state.reports.endpoints), *(n for _, n in state.reports.endpoints)]
    _known("worker", said["worker"], state.log.incarnations.values())
    _known("endpoint", said["endpoint"], endpoints)
    _known("class", said["class"], (c.name for c in state.log.classes))
    _reached(state.log, [*windows, *([between] if between else [])])
    return Cut(tuple(said["worker"]), tuple(said["endpoint"]), tuple(said["class"]), tuple(windows), between)


def _reached(log: LogHalf, spans: list[tuple[int, int]]) -> None:
    """UsageError for a time that begins when all was over: nothing would be left of the run, or nothing left out."""
    end_ms = max(log.stopped_ms, log.closed_ms, log.ticked_ms) - log.began_ms if log.began_ms else 0
    for from_ms, _ in spans:
        if from_ms >= end_ms:
            raise UsageError(f"run {log.run} ended at {moment(end_ms)}: there is nothing from {moment(from_ms)} on")


def _known(kind: str, names: list[str], there: Iterable[str]) -> None:
    known = sorted(set(there))
    for name in names:
        if name not in known:
            offer = meant(name, known) or f"; there are {', '.join(known[:10])}"
            raise UsageError(f"the run has no {kind} {name!r}{offer}")
