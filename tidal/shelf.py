"""What this machine knows of its archives beside them: notes, tags, pins, names, and the figures to look for.

    RUN.tidal          the archive, which nobody changes any more
    RUN.about.json     notes, tags, pin and name; the figures of the run's end, for as long as the archive is the same

The figures follow from the archive and are only kept to be quick: a file that is gone or cannot be read costs time.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tidal import paths
from tidal.archive import part_paths
from tidal.errors import TidalError, UsageError, cannot_write
from tidal.keys import is_name
from tidal.model.state import own_rules
from tidal.model.struct import Struct, field, replace
from tidal.model.terms import TEXT, Fact
from tidal.model.text import clean
from tidal.model.wire import from_wire, to_wire
from tidal.outputs.layout import iso
from tidal.report import read_frame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidal.model.rows import Frame

SUFFIX = ".about.json"
ABOUT_BYTES_MAX = 1 << 20
WRITTEN_S = 60
"""A master writes to its part twice a second."""
NAMES_TAKEN = frozenset({"latest", "incident"})
"""What commands know runs by without a pin: the last one, and the one that comes along."""
NOTES_MAX, TAGS_MAX, NOTE_MAX, WORD_MAX = 1_000, 100, 2_000, 60


class Figures(Struct, frozen=True):
    """A run's end, as far as one looks for runs by it; times in ms.

    Attributes:
        stamp: of the archive and of the fold that these were made from.
        trouble: why there are none; "" when there are.
    """

    stamp: str = ""
    trouble: str = ""
    file: str = ""
    host: str = ""
    author: str = ""
    outcome: str = ""
    verdict: str = ""
    exit_code: int | None = None
    opened_ms: int = 0
    duration_s: float = 0.0
    users: int = 0
    workers: int = 0
    requests: int = 0
    failures: int = 0
    rps: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    average: float = 0.0
    max: float = 0.0


class About(Struct, frozen=True):
    """What people said of a run, and its figures.

    Attributes:
        notes: moment in ms, author, text.
        name: what the run is called, as a baseline say; "" for nothing.
    """

    notes: tuple[tuple[int, str, str], ...] = ()
    tags: tuple[str, ...] = ()
    pinned: bool = False
    name: str = ""
    figures: Figures = field(default_factory=Figures)


UNITS: dict[str, str] = {
    **dict.fromkeys(("run", "file", "host", "author", "outcome", "verdict", "tag", "note", "name", "opened"), TEXT),
    **dict.fromkeys(("exit_code", "users", "workers", "requests", "failures", "rps", "pinned"), ""),
    **dict.fromkeys(("p50", "p95", "p99", "average", "max"), "ms"),
    **dict.fromkeys(("duration", "age"), "s"),
    "fail%": "%",
    "size": "bytes",
}
"""What a condition can ask of a run, and what it is measured in."""


class Shelved(Struct, frozen=True):
    """An archive with what is known of it."""

    run: str
    path: Path
    size: int
    written_s: float
    about: About

    def facts(self, now_s: float) -> dict[str, Fact]:
        """What a condition can ask of it."""
        about, figures = self.about, self.about.figures
        told: dict[str, Fact] = {name: getattr(figures, name) for name in UNITS if hasattr(figures, name)}
        return told | {
            "run": self.run,
            "file": (figures.file, figures.file.rpartition("/")[2]),
            "tag": about.tags,
            "note": " ".join(text for _, _, text in about.notes),
            "name": about.name,
            "opened": iso(figures.opened_ms / 1000) if figures.opened_ms else "",
            "pinned": about.pinned,
            "duration": figures.duration_s,
            "age": max(0.0, now_s - self.written_s),
            "fail%": 100 * figures.failures / figures.requests if figures.requests else 0.0,
            "size": self.size,
        }


# ------------------------------------------------------------------ reading


def _about_path(run: str) -> Path:
    return paths.runs_dir() / f"{paths.checked(run)}{SUFFIX}"


def about(run: str) -> About:
    """What is known of a run; nothing when nobody said anything."""
    try:
        with _about_path(run).open("rb") as file:
            found: About = from_wire(About, json.loads(file.read(ABOUT_BYTES_MAX)))
    except (OSError, ValueError, RecursionError):
        return About()
    return found


def put(run: str, known: About) -> None:
    """Keep what is known of a run."""
    try:
        paths.write_atomically(_about_path(run), json.dumps(to_wire(known)).encode())
    except OSError as error:
        raise cannot_write(_about_path(run), error) from None


def shelved(run: str, *, with_figures: bool = True) -> Shelved | None:
    """An archive of this machine; None when it is gone. Figures that are not known yet are read from it."""
    path = paths.archive_path(run)
    files = [file for file in (path, *part_paths(path)) if file.exists()]
    if not files:
        return None
    try:
        stats = [file.stat() for file in files]
    except OSError:
        return None
    size, written_s = sum(s.st_size for s in stats), max(s.st_mtime for s in stats)
    known = about(run)
    if with_figures and known.figures.stamp != (stamp := f"{size}-{written_s}-{own_rules()}"):
        known = replace(known, figures=_figures(path, stamp))
        put(run, known)
    return Shelved(run, path, size, written_s, known)


def all_shelved(*, with_figures: bool = True) -> Iterator[Shelved]:
    """Every archive of this machine."""
    runs = {path.name.partition(".tidal")[0] for path in paths.runs_dir().glob("*.tidal*")}
    for run in sorted(run for run in runs if is_name(run)):
        found = shelved(run, with_figures=with_figures)
        if found is not None:
            yield found


def run_named(name: str) -> str | None:
    """The run that was pinned under this name; None for none."""
    for path in sorted(paths.runs_dir().glob(f"*{SUFFIX}")):
        run = path.name.removesuffix(SUFFIX)
        if is_name(run) and name and about(run).name == name:
            return run
    return None


def _figures(path: Path, stamp: str) -> Figures:
    try:
        return _figures_of(read_frame(path), stamp)
    except TidalError as error:
        return Figures(stamp, clean(str(error), 200))


def _figures_of(frame: Frame, stamp: str) -> Figures:
    run, total = frame.run, frame.total
    return Figures(
        stamp=stamp,
        file=run.file,
        host=run.host,
        author=run.author,
        outcome=run.outcome or run.phase,
        verdict=frame.verdict.word,
        exit_code=run.exit_code,
        opened_ms=run.opened_ms,
        duration_s=run.elapsed_ms / 1000,
        users=max(frame.chart.users_planned, default=0),
        workers=len(frame.workers),
        requests=total.requests,
        failures=total.failures,
        rps=total.total_rps_milli / 1000,
        p50=total.median_us / 1000,
        p95=total.p95_us / 1000,
        p99=total.p99_us / 1000,
        average=total.average_us / 1000,
        max=total.max_us / 1000,
    )


# ------------------------------------------------------------------ saying something


def note(run: str, text: str, author: str, now_ms: int) -> None:
    """Add a note to a run."""
    known = about(run)
    put(run, replace(known, notes=(*known.notes, (now_ms, clean(author, 100), clean(text, NOTE_MAX)))[-NOTES_MAX:]))


def tag(run: str, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Give tags to a run and take others from it; those that it has then."""
    known = about(run)
    kept = [t for t in (*known.tags, *(clean(word, WORD_MAX) for word in add)) if t not in remove]
    tags = tuple(dict.fromkeys(kept))[:TAGS_MAX]
    put(run, replace(known, tags=tags))
    return tags


def pin(run: str, name: str | None = None) -> None:
    """Keep a run whatever is pruned; with a name, it is the run of that name from now on, and no other."""
    if name is not None:
        if not is_name(name):
            raise UsageError(f"{name[:100]!r} will not do as a name: letters, digits, dots, dashes")
        if name in NAMES_TAKEN:
            raise UsageError(f"{name!r} is taken: every command knows another run by it")
        if (before := run_named(name)) is not None and before != run:
            put(before, replace(about(before), name=""))
    known = about(run)
    put(run, replace(known, pinned=True, name=name or known.name))


def unpin(run: str) -> None:
    """Let a run be pruned again; its name goes, too."""
    put(run, replace(about(run), pinned=False, name=""))


# ------------------------------------------------------------------ pruning


def to_prune(
    runs: list[Shelved], now_s: float, *, older_than_s: float | None = None, down_to_bytes: int | None = None
) -> list[Shelved]:
    """The archives that go, the oldest first: those that are too old, then as many as lie beyond the size. Pure."""
    by_age = sorted((s for s in runs if not s.about.pinned), key=lambda s: (s.written_s, s.run))
    chosen = [s for s in by_age if older_than_s is not None and now_s - s.written_s > older_than_s]
    left = sum(s.size for s in runs) - sum(s.size for s in chosen)
    for shelved_run in by_age:
        if down_to_bytes is None or left <= down_to_bytes:
            break
        if shelved_run not in chosen:
            chosen.append(shelved_run)
            left -= shelved_run.size
    return chosen


def is_written(found: Shelved, now_s: float) -> bool:
    """Whether a master seems to write its part of a run now, one that no registry here and no Redis named knows of."""
    return now_s - found.written_s < WRITTEN_S and bool(part_paths(paths.archive_path(found.run)))


def remove(run: str) -> None:
    """Delete a run's archive with its parts and what was said of it."""
    path = paths.archive_path(run)
    for file in (*part_paths(path), path, _about_path(run)):
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"cannot remove {file}: {error.strerror}") from None


def now_ms() -> int:
    """This machine's clock, in ms of Unix time."""
    return time.time_ns() // 1_000_000
