"""Reports of a run, from its archive alone: `write_html(archive, file)` is what every `--html` calls.

    from tidal import paths
    from tidal.report import write_html
    write_html(paths.archive_path(run), Path("report.html"))

The report of a run that goes on is made the same way, from a state that is followed: `html_data.report_of` and
`html.render` in `tidal.outputs` want no archive. The same entries give the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from tidal.archive import Archive
from tidal.cutting import cut_out
from tidal.errors import UsageError
from tidal.model.codec import LOG, BadEntry, decode
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


def write_html(archive: Path, out: Path | IO[str], *, source: bool = True) -> None:
    """Write the report of an archive to a file or a stream; `source`: with the files that the run shipped."""
    text = read_html(archive, source=source)
    if not isinstance(out, Path):
        out.write(text)
        return
    try:
        out.write_text(text, encoding="utf8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}") from None


def read_html(path: Path, *, source: bool = True, cut: CutOf = None) -> str:
    """The page of an archive."""
    return render(read_report(path, source=source, cut=cut))


def read_report(path: Path, *, source: bool = True, cut: CutOf = None) -> Report:
    """The report of an archive, as its recording ends; `cut`: of what it leaves."""
    with Archive.open(path) as archive:
        ended = _ended(archive, path, cut)
        files = shipped(archive, ended.state.log) if source else {}
        return report_of(ended.state, ended.at_ms, files, shown=ended.frame())


def read_frame(path: Path, cut: CutOf = None) -> Frame:
    """The last picture of an archive; `cut`: of what it leaves."""
    with Archive.open(path) as archive:
        return _ended(archive, path, cut).frame()


def read_explanation(path: Path, cut: CutOf = None) -> tuple[Frame, Explanation]:
    """The last picture of an archive, and what changed when up to then."""
    with Archive.open(path) as archive:
        ended = _ended(archive, path, cut)
        shown = ended.frame()
        return shown, explain(ended.state, shown.story, has_books=ended.cut is None)


class _Ended(NamedTuple):
    """A run at the end of its recording, whole or as a cut left it."""

    state: State
    at_ms: int
    cut: Cut | None = None
    across: int = 0  # requests that went with what was cut, at its edges
    ending: str = ""  # why the recording ends before its run

    def frame(self) -> Frame:
        """The picture; that the recording ends early is worth knowing."""
        if self.cut:
            shown = cut_frame(self.state, self.at_ms, self.cut, across=self.across)
        else:
            shown = frame(self.state, self.at_ms)
        if not self.ending:
            return shown
        remarks = (f"the recording ends before its run: {self.ending}", *shown.verdict.remarks)
        return replace(shown, verdict=replace(shown.verdict, remarks=remarks))


def _ended(archive: Archive, path: Path, cut_of: CutOf) -> _Ended:
    replay = Replay(archive)
    state = demand_run(replay.final(), path)
    cut = cut_of(state) if cut_of is not None else None
    if not cut:
        return _Ended(state, replay.last_ms, ending=archive.ending)
    left = cut_out(archive, cut)
    return _Ended(left.left, replay.last_ms, cut, left.across, archive.ending)


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
        try:
            signed = decode(entry)
        except BadEntry:
            continue
        if isinstance(signed, ByMaster) and isinstance(signed.event, FileChunk):
            yield signed.event
