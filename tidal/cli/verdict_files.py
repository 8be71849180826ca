"""What a CI server reads of a run: JUnit XML, and a summary of the job in Markdown."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tidal.cli.streams import STDOUT
from tidal.errors import UsageError, cannot_write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidal.cli.wanted import Wanted
    from tidal.model.rows import Frame

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def summary_file(given: str | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """The file of `--summary`; UsageError when neither the flag nor the environment names one."""
    if given != "":
        return given
    named = environ.get(STEP_SUMMARY)
    if not named:
        raise UsageError(f"--summary without a FILE goes where {STEP_SUMMARY} says, and that is not set: name a FILE")
    return named


def write_verdict(frame: Frame, junit_file: str | None, summary: str | None) -> None:
    """Write what was asked for; a summary is added to what the file holds, as job summaries are."""
    from tidal.outputs.junit import junit
    from tidal.outputs.markdown import markdown

    if junit_file is not None:
        _write(junit(frame), junit_file, "w")
    if (named := summary_file(summary)) is not None:
        _write(markdown(frame), named, "a")


def write_at_end(frame: Frame, files: Wanted) -> None:
    """Write all that was asked for of a run that is over."""
    write_verdict(frame, files.junit, files.summary)
    if files.is_any:
        from tidal.cli.locust_files import write_all

        write_all(frame.run.run, files)


def _write(text: str, place: str, mode: str) -> None:
    if place == STDOUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        with Path(place).expanduser().open(mode, encoding="utf8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise cannot_write(place, error) from None
