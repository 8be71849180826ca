"""Which files a command line asks for."""

from __future__ import annotations

from tidal.model.struct import Struct


class Wanted(Struct, frozen=True):
    """What is to be written of a run: prefixes and names, None for nothing."""

    csv_prefix: str | None = None
    full_history: bool = False
    html: str | None = None
    json: bool = False
    json_file: str | None = None
    junit: str | None = None
    summary: str | None = None  # "": the file that GITHUB_STEP_SUMMARY names

    @property
    def is_any(self) -> bool:
        """Whether anything is that is made of the archive; JUnit and the summary are made of a frame."""
        return bool(self.csv_prefix or self.html or self.json or self.json_file)
