"""Opening a run: the locustfile inspected, its files collected, the options checked, all before anybody is told.

Every mistake that can be found on the master's machine is found here, with its own error, before the log begins.
"""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from tidal import versions
from tidal.errors import NoHost, NoSuchFile, NotShipped, TooLarge, UnknownUserClass, UsageError
from tidal.launch import Inspection
from tidal.model.capacity import peak
from tidal.model.codec import ENTRY_BYTES_MAX, pack
from tidal.model.events import ClassSpec, Event, RunOpened, RunOptions
from tidal.model.files import FILES_MAX, SHIPPED_BYTES_MAX, chunks_of, spec_of
from tidal.model.plan import slots_for
from tidal.model.planning import fitting_classes, planned
from tidal.model.plantext import ARRIVALS
from tidal.model.struct import Discreet, replace
from tidal.model.text import offer
from tidal.model.thresholds_read import BadThreshold, canonical, thresholds_of
from tidal.model.tickets import KEYS_MAX
from tidal.model.wire import to_wire
from tidal.signing import key_in, signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tidal.launch import LaunchSpec
    from tidal.model.events import Track
    from tidal.model.pipe import Loaded
    from tidal.model.planning import Planned

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_run_id(now_ms: int) -> str:
    """An id that sorts by time and is short to type: 20261123-204512-k3f9 (UTC)."""
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%d-%H%M%S")
    return f"{stamp}-{''.join(secrets.choice(_ALPHABET) for _ in range(4))}"


class Opening(Discreet, frozen=True):
    """What a run begins with.

    Attributes:
        events: the first entries of its log: `RunOpened`, then its files in chunks.
        secrets: the file's own arguments that must not be in the log: name, value as JSON.
    """

    HIDDEN: ClassVar = frozenset({"secrets"})

    events: tuple[Event, ...]
    secrets: tuple[tuple[str, str], ...] = ()


OPENED_BYTES_MAX = ENTRY_BYTES_MAX - 4_096
"""An entry may have no more, with its envelope and a signature."""
NOTHING = Opening(())
"""A run that is there already begins with nothing."""


def begin_inspection(spec: LaunchSpec) -> Inspection:
    """Have the run's file looked at, every class of it: a shape may name any; the chosen ones are the mix."""
    root = shipped_root(Path(spec.file), *map(Path, spec.more_files))
    more, words = spec.more_files, spec.words
    return Inspection(spec.file, root=str(root), more_files=more, words=words, options=spec.options)


def open_run(spec: LaunchSpec, run: str, inspection: Inspection) -> Opening:
    """What the run begins with, everything that can be wrong with it found out.

    Raises:
        TidalError: the file, its classes, the host or what it needs is not right.
    """
    file = Path(spec.file)
    more = [Path(name) for name in spec.more_files]
    root = shipped_root(file, *more)
    loaded = inspection.loaded()
    _check_defaults(spec, loaded)
    found = plan_of(spec.options, loaded)
    classes = chosen(loaded.classes, spec.options.classes)
    if found is not None:
        classes = fitting_classes(found, loaded.classes, classes)
    check_iterations(spec.options, () if found is None else found.tracks)
    check_host(classes, spec.options.host)
    needed = [file, *more, *(root / n for n in loaded.needs), *(Path(s) for s in spec.ship)]
    contents = collect(root, needed)
    opened = RunOpened(
        run=run,
        fleet=spec.fleet,
        author=spec.author,
        file=file.relative_to(root).as_posix(),
        files=tuple(spec_of(path, data) for path, data in sorted(contents.items())),
        classes=classes,
        options=_options(spec, loaded, found),
        versions=tuple(versions.here().items()),
        slots=slots_for(spec.options.expect_workers),
        more_files=tuple(path.relative_to(root).as_posix() for path in more),
        shape="" if found is not None else loaded.shape,
        hooks=loaded.hooks,
        plan_text="" if found is None else found.text,
        tracks=() if found is None else found.tracks,
        stages=() if found is None else found.stages,
    )
    _check_size(opened)
    if spec.sign_with:
        opened = replace(opened, signature=signature(key_in(spec.sign_with, "--sign-with"), opened))
    chunks = (chunk for _, data in sorted(contents.items()) for chunk in chunks_of(data))
    return Opening((opened, *chunks), _secrets(spec, loaded))


def _check_size(opened: RunOpened) -> None:
    """Refuse a run whose first entry nobody would read: its master would write it again and again."""
    size = len(pack(to_wire(opened)))
    if size > OPENED_BYTES_MAX:
        what = "tags, --config-users, thresholds, the file's own arguments and the list of its files"
        raise UsageError(f"{what} take {size >> 10} kB of the run's first entry, which has {OPENED_BYTES_MAX >> 10}")


def _check_defaults(spec: LaunchSpec, loaded: Loaded) -> None:
    """Refuse a file whose `parser.set_defaults` comes after the options were read."""
    late = [name for name, _ in loaded.defaults if name not in spec.heeded]
    if late:
        why = f"the file sets defaults for {', '.join(late)} (parser.set_defaults)"
        raise UsageError(f"{why}, which `tidal locust` heeds when the locustfile itself does so, and nothing else")


def check_iterations(options: RunOptions, tracks: Iterable[Track]) -> None:
    """Refuse a number of iterations where it means nothing, or would be too much to keep; UsageError."""
    if not options.iterations and not options.iterations_per_user:
        return
    tracks = tuple(tracks)
    if any(track.unit == ARRIVALS for track in tracks):
        raise UsageError("--iterations is for users: a plan of arrivals says itself how many there are, by its end")
    most = max(peak(tracks), 0 if tracks else options.users)
    if options.iterations_per_user and most > KEYS_MAX:
        raise UsageError(f"--iterations-per-user counts for up to {KEYS_MAX:,} users, not for {most:,}")


def _secrets(spec: LaunchSpec, loaded: Loaded) -> tuple[tuple[str, str], ...]:
    given = dict(spec.options.arguments) | dict(spec.secrets)
    return tuple((a.name, given.get(a.name, a.value)) for a in loaded.arguments if a.is_secret)


def plan_of(options: RunOptions, loaded: Loaded) -> Planned | None:
    """The plan that was given, or the file's own; None for neither: users and spawn rate, or a shape, say it."""
    if not options.plan and loaded.plan and options.takes_plan and loaded.shape:
        raise UsageError(f"the locustfile has a plan and a shape, {loaded.shape}: say --plan, or take one of them out")
    typed = options.plan or (loaded.plan if options.takes_plan else ())
    return planned(typed, options.run_time_ms) if typed else None


def _options(spec: LaunchSpec, loaded: Loaded, found: Planned | None) -> RunOptions:
    """The run's options with the file's own arguments; what is secret stays out of the log."""
    given = dict(spec.options.arguments)
    arguments = {**{a.name: a.value for a in loaded.arguments}, **given}
    arguments = {name: value for name, value in arguments.items() if name not in dict(_secrets(spec, loaded))}
    lasting = found is not None or not loaded.shape or loaded.shape_uses_options
    run_time_ms = spec.options.run_time_ms if lasting else None
    if found is not None:
        run_time_ms = found.end_ms
        users = peak(found.tracks)
    else:
        users = spec.options.users
    return replace(
        spec.options,
        users=users,
        host=spec.options.host.rstrip("/"),
        arguments=tuple(sorted(arguments.items())),
        run_time_ms=run_time_ms,
        thresholds=thresholds_of_run([*spec.options.thresholds, *loaded.thresholds], found),
    )


def thresholds_of_run(texts: Sequence[str], plan: Planned | None) -> tuple[str, ...]:
    """What the command line and the file want kept, each once; UsageError for a stage that is not there."""
    try:
        found = canonical(texts)
    except BadThreshold as error:
        raise UsageError(str(error)) from None
    names = [stage.name for stage in plan.stages] if plan is not None else []
    for one in (one for text in found for one in thresholds_of(text)):
        if one.stage and one.stage not in names:
            there = offer(one.stage, names) if names else "the run has no plan with stages"
            raise UsageError(f"threshold {one}: no stage {one.stage!r}; {there}")
    return found


def shipped_root(*files: Path) -> Path:
    """The folder whose shape is kept on the workers: the working folder when the files lie below it, else their own."""
    here = Path.cwd()
    return here if all(f.is_relative_to(here) for f in files) else Path(os.path.commonpath([f.parent for f in files]))


def chosen(classes: Sequence[ClassSpec], names: Iterable[str]) -> tuple[ClassSpec, ...]:
    """The user classes that were asked for, all without a wish; UnknownUserClass for one that is not there."""
    known = {c.name: c for c in classes}
    for name in names:
        if name not in known:
            raise UnknownUserClass(f"no user class {name!r} in the locustfile; it has {', '.join(known)}")
    wanted = tuple(known[n] for n in dict.fromkeys(names)) or tuple(classes)
    if not any(c.weight > 0 or c.fixed_count > 0 for c in wanted):
        raise UsageError(f"every user class has weight 0: {', '.join(c.name for c in wanted)}")
    return wanted


def check_host(classes: Iterable[ClassSpec], host: str) -> None:
    """NoHost for a class that has nowhere to send to, UsageError for a host that is no URL.

    Users of other protocols mean by it what they like: `localhost:50051`, `mqtt.example`.
    """
    of_http = [c for c in classes if c.needs_host]
    if of_http and host and not host.startswith(("http://", "https://", "http+unix://")):
        raise UsageError(f"--host {host!r} begins with neither http:// nor https:// nor http+unix://")
    if why := no_base_url(host) if of_http and host else "":
        raise UsageError(f"--host {host!r}: {why}")
    without = [c.name for c in of_http if not c.host]
    if without and not host:
        raise NoHost(f"{', '.join(without)} has no host: set `host` in the class or give --host http://…")


def no_base_url(host: str) -> str:
    """Why no request could go to a URL; "" for one that will do. Names are not looked up."""
    if any(c.isspace() or not c.isprintable() for c in host):
        return "there is a blank or a control character in it"
    try:
        parts = urlsplit(host)
        name, port = parts.hostname, parts.port
    except ValueError as error:  # a bracket that is not closed, a port that is none
        return str(error)
    return "it names no host" if not name else "no port is 0" if port == 0 else ""


def collect(root: Path, paths: Iterable[Path]) -> dict[str, bytes]:
    """The content of files by their path below the root; NotShipped for one outside, TooLarge beyond the bounds."""
    contents: dict[str, bytes] = {}
    size = 0
    for path in dict.fromkeys(p.absolute() for p in paths):
        if not path.is_relative_to(root):
            raise NotShipped(f"{path} lies outside {root}: start tidal in a folder above both")
        if path.exists() and not path.is_file():
            raise NoSuchFile(f"cannot read {path}: it is a folder or a pipe, not a file")
        try:
            size += path.stat().st_size
            if size > SHIPPED_BYTES_MAX or len(contents) >= FILES_MAX:
                raise TooLarge(f"{path} makes the files to ship more than {SHIPPED_BYTES_MAX >> 20} MiB or {FILES_MAX}")
            contents[path.relative_to(root).as_posix()] = path.read_bytes()
        except OSError as error:
            raise NoSuchFile(f"cannot read {path}: {error.strerror}") from None
    return contents
