"""Which run is meant: its id or an unambiguous part of it, `latest`, or `latest~2` for the second before that."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from tidal import paths
from tidal.address import mask
from tidal.bus import Bus, BusError
from tidal.cli.flags import redis_url
from tidal.errors import NoSuchRun, TidalError
from tidal.model.codec import BadEntry, unpack
from tidal.model.phases import CLOSED
from tidal.model.struct import Struct
from tidal.rights import require

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

LATEST = "latest"
_LATEST = re.compile(rf"{LATEST}(?:~(\d{{1,6}}))?", re.ASCII)
LOCAL, REMOTE, ARCHIVED = "here", "redis", "archive"


class Found(Struct, frozen=True):
    """A run that somebody knows of.

    Attributes:
        where: here (a supervisor of this machine has it), redis (a log in a Redis) or archive (a file).
        url: where its log is; "" for a run of which only the archive is left.
    """

    run: str
    where: str
    opened_ms: int
    file: str = ""
    phase: str = ""
    url: str = ""
    archive: Path | None = None
    supervisor_pid: int = 0

    @property
    def is_going(self) -> bool:
        """Whether its log can be followed, because it is not over yet."""
        return bool(self.url) and self.phase != CLOSED


def local() -> list[Found]:
    """The runs that a supervisor of this machine looks after now."""
    return [
        Found(entry.run, LOCAL, entry.opened_ms, entry.file, _phase(entry), entry.redis_url, None, entry.supervisor_pid)
        for entry in paths.local_runs()
        if entry.is_alive and entry.redis_url
    ]


def _phase(entry: paths.LocalRun) -> str:
    """What its own Redis says; a supervisor lives on for some seconds after its run."""
    try:
        listed = remote(entry.redis_url)
    except (BusError, TidalError):
        return "no answer from its Redis"
    return next((found.phase for found in listed if found.run == entry.run), "")


def noted() -> list[Found]:
    """The runs of this machine that are over, as their supervisors noted."""
    return [
        Found(entry.run, ARCHIVED, entry.opened_ms, entry.file, entry.ended, archive=paths.archive_path(entry.run))
        for entry in paths.local_runs()
        if not entry.is_alive
    ]


def remote(url: str | None) -> list[Found]:
    """The runs that a Redis knows."""
    if url is None:
        return []
    bus = Bus.connect(url, role="viewer")
    try:
        require(bus, "watcher")
        listed = bus.list_runs()
    finally:
        bus.close()
    return [_from_summary(run, packed, url) for run, packed in listed.items()]


def _from_summary(run: str, packed: bytes, url: str) -> Found:
    try:
        summary: Any = unpack(packed, 16_384)
    except BadEntry:
        summary = None
    summary = summary if isinstance(summary, dict) else {}
    opened_ms = summary.get("opened_ms")
    return Found(
        run,
        REMOTE,
        opened_ms if isinstance(opened_ms, int) else 0,
        str(summary.get("file", "")),
        str(summary.get("phase", "")),
        url,
    )


def archived() -> list[Found]:
    """The runs of which this machine has an archive, by the file's date."""
    found = {}
    for path in sorted(paths.runs_dir().glob("*.tidal*")):
        run = path.name.partition(".tidal")[0]
        found[run] = Found(run, ARCHIVED, _written_ms(path), archive=paths.archive_path(run))
    return list(found.values())


def _written_ms(path: Path) -> int:
    try:
        return int(path.stat().st_mtime * 1000)
    except OSError:
        return 0


def going(url: str | None, *, here: bool = True) -> list[Found]:
    """Every run whose log can be followed, those of this machine first, none twice; not `here`: of this Redis alone."""
    listed = remote(url)
    known = {found.run for found in listed}
    runs: dict[str, Found] = {}
    for found in (*(own for own in local() if here or own.run in known), *listed):
        runs.setdefault(found.run, found)
    return list(runs.values())


def pick(name: str, among: Sequence[Found], what: str = "run") -> Found:
    """The run that `name` means; NoSuchRun with the near ones otherwise."""
    if not among:
        raise NoSuchRun(f"no {what} {name[:80]!r}: there is no {what} here at all{_other_places(what)}")
    if (back := _LATEST.fullmatch(name)) is not None:
        return _latest(among, int(back[1] or 0), what)
    for fits in (str.__eq__, str.startswith, str.endswith, str.__contains__):
        meant = [found for found in among if fits(found.run, name)] if name else []
        if len(meant) == 1:
            return meant[0]
        if meant:
            raise NoSuchRun(f"{name[:100]!r} may mean {len(meant)} {what}s: {_ids(meant)}")
    near = get_close_matches(name, [found.run for found in among], 3, 0.5)
    offer = f"near ones: {', '.join(near)}" if near else f"there are: {_ids(among)}"
    raise NoSuchRun(f"no {what} {name[:100]!r}; {offer}")


def _latest(among: Sequence[Found], back: int, what: str) -> Found:
    runs = sorted(among, key=lambda found: (found.opened_ms, found.run), reverse=True)
    if back >= len(runs):
        raise NoSuchRun(f"no {what} '{LATEST}~{back}': there are {len(runs)}, the first is {LATEST}~{len(runs) - 1}")
    return runs[back]


def _other_places(what: str) -> str:
    return "" if what == "archive" else "; give --redis for a fleet's, or see: tidal runs"


def _ids(runs: Sequence[Found]) -> str:
    latest = sorted(runs, key=lambda found: found.opened_ms, reverse=True)
    return ", ".join(found.run for found in latest[:5]) + (" …" if len(runs) > 5 else "")


def to_follow(args: argparse.Namespace) -> Found:
    """The run that the flags name, whose log is there; one that is over is told with what can still be done with it.

    Who says --redis means a run of that Redis, whatever goes on here besides.
    """
    name, url, here = args.run, redis_url(args), not args.redis
    there = going(url, here=here)
    try:
        return pick(name, there)
    except NoSuchRun as error:
        known = {found.run for found in there}
        over = {found.run: found for found in (*archived(), *noted()) if found.run not in known}
        told = _is_over(name, list(over.values()), any_goes_on=bool(there) or not here)
        nothing = "" if there or here else f"no run {name[:80]!r}: {mask(args.redis)} knows of none"
        raise NoSuchRun(told or nothing or str(error)) from None


def _is_over(name: str, over: Sequence[Found], *, any_goes_on: bool) -> str:
    """What to say when no run that goes on is meant, but one that is over may be; "" otherwise."""
    try:
        meant = pick(name, over).run
    except NoSuchRun:
        return ""
    if _LATEST.fullmatch(name) is None:
        return f"run {meant} is over; rewind it: tidal replay {meant}"
    if any_goes_on:  # `latest~3` counts those that go on
        return ""
    return f"no run goes on here; {name} is {meant}, which is over; rewind it: tidal replay {meant}"
