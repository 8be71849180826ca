"""Run a recorded run again: the same files (by their hashes), options, arguments and seeds, from its archive alone.

Without a word more, the plan is run again. With --as-performed, what operators really did is done again at the same
moments of the load: users that were set, notes, the stop. What was lost by itself (workers, generators) is not lost
again. Secret arguments of the file are in no archive: they come from its defaults and the environment. Rows drawn by
chance go by the run's id, unless the feed has a seed.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tidal.cli import flags
from tidal.errors import ArchiveDamaged, NotShipped, UsageError
from tidal.model.files import RERUN_FOLDER
from tidal.model.struct import replace

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tidal.cli.session import Session
    from tidal.launch import LaunchSpec
    from tidal.model.acts import Act
    from tidal.model.events import RunOpened

LOOK_S = 0.05


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_recording(parser)
    parser.add_argument("--as-performed", action="store_true", help="do again what operators did, when they did it")
    parser.add_argument("-H", "--host", metavar="URL", help="where the load goes, instead of where it went")
    flags.add_redis(parser, "a server of its own and a local worker")
    flags.add_fleet(parser)
    flags.add_processes(parser)
    flags.add_json(parser)
    flags.add_verdict_files(parser)


def run(args: argparse.Namespace) -> int:
    """Write the shipped files into a folder, start the run from there, do what was done."""
    from tidal.archive import Archive
    from tidal.cli.replay import archive_of
    from tidal.cli.verdict_files import summary_file
    from tidal.model.acts import acts_of
    from tidal.replay import Replay
    from tidal.report import shipped

    summary_file(args.summary)  # said before a load begins, if there is none
    path = archive_of(args.run)
    with Archive.open(path) as archive:
        opened, acts = acts_of(archive.entries())
        files = shipped(archive, Replay(archive).final().log)
    if opened is None:
        raise ArchiveDamaged(f"{path} holds no run: the entry that opens one is not there")
    if opened.file not in files:
        raise NotShipped(f"{path} does not hold the files of its run whole: it was exported without them, or is cut")
    with tempfile.TemporaryDirectory(prefix=RERUN_FOLDER) as folder:
        for name, data in files.items():
            place = Path(folder, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        return _started(args, opened, Path(folder), acts if args.as_performed else ())


def _started(args: argparse.Namespace, opened: RunOpened, folder: Path, acts: Sequence[Act]) -> int:
    from tidal.cli.console import finish
    from tidal.cli.session import session
    from tidal.cli.streams import lines_to
    from tidal.cli.verdict_files import write_verdict
    from tidal.launch import launching

    out = lines_to(args.json)
    with contextlib.ExitStack() as until_end:
        with contextlib.ExitStack() as until_followed:
            with contextlib.chdir(folder):  # what is shipped keeps its place below the working folder
                launched = until_followed.enter_context(launching(spec_of(args, opened, Path.cwd())))
            said = f"run {launched.run}  {opened.file}, as run {opened.run}  (tidal attach {launched.run})"
            with contextlib.suppress(OSError):  # nobody reads, or the disk is full: whoever follows deals with that
                print(said, file=out, flush=True)
            followed = until_end.enter_context(session(launched.redis_url, launched.run, launched.supervisor_pid))
        ended = threading.Event()
        doer = threading.Thread(target=_do, args=(followed, acts, ended), daemon=True)
        doer.start()
        frame = followed.follow(out)
        ended.set()
        doer.join(5)
    code = finish(frame, args.json)
    write_verdict(frame, args.junit, args.summary)
    return code


def spec_of(args: argparse.Namespace, opened: RunOpened, folder: Path) -> LaunchSpec:
    """The launch of the same run: its options as they stand in its log."""
    from tidal.launch import LaunchSpec
    from tidal.operator import author

    names = [spec.path for spec in opened.files]
    if any(not (folder / name).is_file() for name in (opened.file, *opened.more_files)):
        raise UsageError("the recording's own files are not all there")
    return LaunchSpec(
        file=str(folder / opened.file),
        more_files=tuple(str(folder / name) for name in opened.more_files),
        options=replace(opened.options, host=args.host or opened.options.host),
        fleet=args.fleet,
        redis_url=flags.redis_url(args),
        processes=args.processes,
        ship=tuple(str(folder / name) for name in names),
        author=author(),
    )


def _do(followed: Session, acts: Sequence[Act], ended: threading.Event) -> None:
    """Hand in what was done, each at its moment of the load."""
    from tidal.bus import BusError

    for act in acts:
        while not ended.wait(LOOK_S):
            frame = followed.feed.frame()
            if frame is not None and frame.run.began_ms and frame.run.elapsed_ms >= act.at_ms:
                break
        if ended.is_set():
            return
        try:
            followed.operator.want(act.intent)
        except BusError as error:
            print(f"tidal: could not do again what was done at {act.at_ms / 1000:.1f} s: {error}", flush=True)
