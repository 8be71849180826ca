"""Reports of a run, from its archive alone: `write_html(archive, file)` is what every `--html` calls.

    from tidal import paths
    from tidal.report import read, write_html
    write_html(paths.archive_path(run), Path("report.html"))

`read(archive)` folds it once, for whoever wants several of frame, report and explanation.

The report of a run that goes on is made the same way, from a state that is followed: `html_data.report_of` and
`html.render` in `tidal.outputs` want no archive. The same entries give the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from tidal.archive import Archive
from tidal.cutting import cut_out
from tidal.errors import cannot_write
from tidal.model.codec import LOG, understood
from tidal.model.cuts import cut_frame
from tidal.model.events import ByMaster, FileChunk, RunStarted
from tidal.model.explain import explain
from tidal.model.files import Files
from tidal.model.frame import frame
from tidal.model.struct import replace
from tidal.outputs.html import render
from tidal.outputs.html_data import Report, report_of
from tidal.replay import Replay, demand_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tidal.model.cuts import Cut
    from tidal.model.explain import Explanation
    from tidal.model.rows import Frame
    from tidal.model.state import LogHalf, State

    CutOf = Callable[[State], Cut | None] | None
    """What is to be left out, once it is known what there is; None: nothing."""

OPENING_ENTRIES_MAX = 20_000
"""Files are shipped before the run starts: so many entries are looked at for them."""


def write_html(archive: Path, out: Path | IO[str]) -> None:
    """Write the report of an archive to a file or a stream, with the files that the run shipped."""
    text = read_html(archive)
    if not isinstance(out, Path):
        out.write(text)
        return
    try:
        out.write_text(text, encoding="utf8", newline="\n")
    except OSError as error:
        raise cannot_write(out, error) from None


def read_html(path: Path) -> str:
    """The page of an archive."""
    return render(read_report(path))


def read_report(path: Path) -> Report:
    """The report of an archive, as its recording ends."""
    return read(path, source=True).report()


def read_frame(path: Path) -> Frame:
    """The last picture of an archive."""
    return read(path).frame()


class Recorded(NamedTuple):
    """A run at the end of its recording, whole or as a cut left it: folded once, for all that is made of it."""

    state: State
    at_ms: int
    files: Mapping[str, bytes]
    early: str = ""  # that the recording ends before its run, and why
    cut: Cut | None = None
    across: int = 0  # requests that went with what was cut, at its edges

    def frame(self) -> Frame:
        """The picture; that the recording ends early is worth knowing."""
        if self.cut:
            shown = cut_frame(self.state, self.at_ms, self.cut, across=self.across)
        else:
            shown = frame(self.state, self.at_ms)
        if not self.early:
            return shown
        return replace(shown, verdict=replace(shown.verdict, remarks=(self.early, *shown.verdict.remarks)))

    def report(self) -> Report:
        """The data of a page."""
        return report_of(self.state, self.at_ms, self.files, shown=self.frame())

    def explanation(self) -> Explanation:
        """What changed when."""
        return explain(self.state, self.frame().story, has_books=self.cut is None)


def read(path: Path, cut: CutOf = None, *, source: bool = False) -> Recorded:
    """An archive, folded to its end; `cut`: what is to be left out, `source`: with the files that the run shipped.

    Raises:
        ArchiveDamaged: it cannot be read to its end, or holds no run.
    """
    with Archive.open(path) as archive:
        replay = Replay(archive)
        state, left_out = demand_run(replay.final(), path), None
        files = shipped(archive, state.log) if source else {}
        recorded = Recorded(state, replay.last_ms, files, archive.early_end())
        if cut is not None:
            left_out = cut(state)
        if not left_out:
            return recorded
        left = cut_out(archive, left_out)
        return recorded._replace(state=left.left, cut=left_out, across=left.across)


def shipped(archive: Archive, log: LogHalf) -> Mapping[str, bytes]:
    """The files that the run shipped, by path; none when one is missing or wants to be outside of its folder."""
    files = Files()
    try:
        for chunk in _chunks(archive):
            files.add(chunk)
        return files.contents(log.files) or {}
    except ValueError:
        return {}


def _chunks(archive: Archive) -> Iterator[FileChunk]:
    for count, entry in enumerate(archive.entries()):
        if count > OPENING_ENTRIES_MAX or (entry.stream == LOG and entry.kind == RunStarted.KIND):
            return
        if entry.stream != LOG or entry.kind != FileChunk.KIND:
            continue
        signed = understood(entry)
        if isinstance(signed, ByMaster) and isinstance(signed.event, FileChunk):
            yield signed.event
