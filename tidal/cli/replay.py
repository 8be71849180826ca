"""Rewind a run: `tidal replay RUN`, or the file of an archive. No Redis is needed.

The screen is the one of the live run, with a scrubber below it. It plays from the beginning; with --at it stands at
that moment, for space to play on. --print shows one moment as text instead, the end
unless --at says otherwise; --json writes that moment as JSON. Live and replayed, the same moment gives the same bytes.
A damaged archive is named when it is opened; --salvage saves what is whole of it. --verify folds all of it again and
compares the state with the hash of each checkpoint that the master wrote down, and every entry with the chain of
hashes: it says how many agree, or which differs first. States of another version of tidal cannot be compared, which is
said; its entries can.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tidal.cli import amounts, cutting, flags
from tidal.cli.streams import say
from tidal.errors import ArchiveDamaged, NoSuchRun, UsageError, cannot_write
from tidal.model.words import moment

if TYPE_CHECKING:
    from tidal.archive import Archive
    from tidal.replay import ReplayFeed
    from tidal.tui.feed import Seekable

INCIDENT = "incident"
"""What the recording that ships with the package is called."""
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Those of the screen, which is not imported for a word of help; a test holds them together."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_recording(parser)
    parser.add_argument(
        "--at",
        type=amounts.moment_ms,
        metavar="SPAN",
        help="go to this moment of the load, and stand there (with --speed: play on): 2m30s, or 2:30",
    )
    parser.add_argument(
        "--speed",
        type=speed,
        metavar="N",
        help=f"play at this speed, in seconds of the run a second: {', '.join(f'{s:g}' for s in SPEEDS)} (default: 1)",
    )
    parser.add_argument("--print", action="store_true", help="print the moment as text, without a screen")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="fold the whole archive and compare it with the recorded hashes, instead of replaying",
    )
    parser.add_argument(
        "--salvage",
        type=flags.place_with_folders,
        metavar="OUT",
        help="write what is whole of a damaged archive into a new one, instead of replaying",
    )
    flags.add_screen(parser)
    flags.add_json(parser)
    flags.add_verdict_files(parser)
    cutting.add(parser)


def speed(text: str) -> float:
    """A speed that the screen knows: 8, 8x, 0.25."""
    try:
        value = float(text.removesuffix("x"))
    except ValueError:
        value = 0.0
    if value not in SPEEDS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(f'{s:g}' for s in SPEEDS)}")
    return value


def run(args: argparse.Namespace) -> int:
    """The screen, or one moment of the run as text and JSON."""
    if args.serve is not None:
        from tidal.cli.serve import serve_words

        return serve_words(args.serve, "tidal replay")
    from tidal.archive import Archive
    from tidal.cli.console import columns_of, is_terminal, write_json
    from tidal.cli.streams import lines_to
    from tidal.cli.verdict_files import summary_file, write_verdict
    from tidal.outputs.text import summary

    summary_file(args.summary)
    path = archive_of(args.run)
    if args.salvage is not None:
        return _salvage(path, Path(args.salvage).expanduser())
    with Archive.open(path) as archive:
        if args.verify:
            return _verify(archive)
        _warn(archive, path)
        has_files = args.json or args.junit is not None or args.summary is not None
        is_screen = not (args.print or has_files) and is_terminal()
        feed = _feed(archive, args, is_watched=is_screen)
        if is_screen:
            return _shown(feed, args)
        seek(feed, args.at)
        frame = feed.frame()
        if frame is not None and args.at is not None and args.at > feed.last_ms - frame.run.began_ms:
            say(f"the recording ends before {moment(args.at)}: this is its end, at {moment(frame.run.elapsed_ms)}")
        if frame is None:
            raise ArchiveDamaged(f"{path} holds no run: the entry that opens one is not there")
        if args.print or not has_files:
            out = lines_to(args.json)
            print(summary(frame, columns_of(out)), end="", file=out)
        write_json(frame, args.json)
        write_verdict(frame, args.junit, args.summary)
        say(next((remark for remark in frame.verdict.remarks if remark.startswith("what if: ")), ""))
        say(feed.trouble())
    return 0


def _feed(archive: Archive, args: argparse.Namespace, *, is_watched: bool) -> ReplayFeed:
    """The replay, of what is left when something is to be left out; one that is looked at is proved beside it."""
    from tidal.replay import Replay, ReplayFeed

    cut_of = cutting.of(args)
    if cut_of is not None and (cut := cut_of(Replay(archive).final())):
        from tidal.cutting import CutFeed

        return CutFeed(archive, cut)
    if is_watched:
        from tidal.proof import Watch

        return ReplayFeed(archive, watch=Watch(archive))
    return ReplayFeed(archive)


def _warn(archive: Archive, path: Path) -> None:
    """Say at once what of the archive is not as it was written; ArchiveDamaged when nothing of a run is there."""
    from tidal.outputs.layout import clock

    archive.demand_entries()
    damaged = archive.find_damage()
    if damaged:
        first, last = min(block.first_ms for block in damaged), max(block.last_ms for block in damaged)
        where = f"between {clock(first)} and {clock(last)}" if last else f"at byte {damaged[0].offset}"
        say(
            f"{len(damaged)} of {len(archive.blocks)} blocks are damaged, {where}; a moment that needs them "
            f"cannot be shown; save the rest: tidal replay {path} --salvage OUT.tidal"
        )


def _verify(archive: Archive) -> int:
    """Say that the replay is what was recorded; an error says that it is not."""
    from tidal.model.words import plural
    from tidal.proof import demand

    proof = demand(archive)
    chained = proof.chain
    if proof.agreed:
        last = moment(proof.last_ms - proof.began_ms)
        agree = f"{plural(proof.agreed, 'checkpoint')} {'agrees' if proof.agreed == 1 else 'agree'}"
        print(f"{agree}, the last at {last} of the load: this is what the master saw")
    if chained.agreed:
        last = moment(chained.last_ms - (chained.began_ms or archive.first_ms))
        print(
            f"the log is whole: its chain of hashes holds at {plural(chained.agreed, 'checkpoint')}, the last at {last}"
        )
    if proof.foreign:
        say(
            f"{plural(proof.foreign, 'checkpoint')} of another version of tidal, whose states have another shape: not "
            "compared; this version folds the same entries"
        )
    if proof.bridged:
        passed = plural(proof.bridged, "checkpoint")
        say(f"{passed} not compared: the archive has a keyframe of that time, and no entries")
    if not archive.final:
        say("the run was not closed: what follows the last checkpoint is covered by checksums alone")
    return 0


def _salvage(path: Path, out: Path) -> int:
    """Write a new archive and say what is in it."""
    from tidal.model.words import plural
    from tidal.portable import salvage

    try:
        count, damaged = salvage(path, out)
    except FileExistsError:
        raise UsageError(f"{out} is there already: --salvage writes a new file") from None
    except OSError as error:
        raise cannot_write(out, error) from None
    saved, left_out = plural(count, "entry", "entries"), plural(damaged, "damaged place")
    print(f"{saved} saved to {out}, {left_out} left out; see: tidal replay {out}")
    return 0


def _shown(feed: ReplayFeed, args: argparse.Namespace) -> int:
    """The screen."""
    from tidal.cli.remember import app_of
    from tidal.cli.terminal import end_as_told, show

    set_out(feed, args.at, args.speed)
    app = app_of(args, feed)
    show(app)
    end_as_told(app)
    return app.return_code or 0


def archive_of(name: str) -> Path:
    """The archive that is meant: a file of that name, else the run's."""
    from tidal import paths
    from tidal.cli.find import archived, pick
    from tidal.shelf import run_named

    if not name:
        raise NoSuchRun("a run without a name: say its id, a part of it, latest, or an archive's file")
    path = Path(name).expanduser()
    if path.is_file():
        return path
    if (pinned := run_named(name)) is not None:
        return paths.archive_path(pinned)
    if path.is_dir() and (len(path.parts) != 1 or name == ".."):
        raise NoSuchRun(f"{name} is a folder: name an archive in it{_archives_in(path)}")
    if path.suffix == ".tidal" or len(path.parts) > 1:
        raise NoSuchRun(f"no archive file {name}{_archives_in(path.parent)}")
    if name == INCIDENT and not any(found.run == name for found in archived()):
        from tidal.demo import RECORDED

        return RECORDED
    try:
        found = pick(name, archived(), "archive")
    except NoSuchRun:
        if path.is_dir():
            raise NoSuchRun(f"{name} is a folder: name an archive in it{_archives_in(path)}") from None
        raise
    if found.archive is None:
        raise NoSuchRun(f"run {found.run} has no archive on this machine")
    return found.archive


def _archives_in(folder: Path) -> str:
    """A few archives to offer."""
    there = sorted(path.name for path in folder.glob("*.tidal")) if folder.is_dir() else []
    return f"; there are: {', '.join(there[:3])}{' …' * (len(there) > 3)}" if there else ""


def set_out(feed: ReplayFeed, at_ms: int | None, speed: float | None) -> None:
    """Play from the beginning of the load, as players do; who names a moment, and no speed, looks at that one."""
    seek(feed, at_ms or 0)
    feed.speed = speed or 1.0
    if at_ms is None or speed is not None:
        feed.cue()


def seek(feed: Seekable, offset_ms: int | None) -> None:
    """Go to so long after the start of the load; None: to the end."""
    feed.pause()
    feed.seek(feed.last_ms)
    frame = feed.frame()
    if offset_ms is not None and frame is not None:
        feed.seek((frame.run.began_ms or frame.run.opened_ms) + offset_ms)
