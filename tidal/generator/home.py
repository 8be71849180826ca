"""Where the locustfile lies, so that texts name its lines as whoever wrote it does, and alike on every worker."""

from __future__ import annotations

from tidal.model.files import below_root

home: list[str] = []
"""The root of the files, once they are loaded."""


def from_home(text: str) -> str:
    """A text with the locustfile's files named from their root."""
    return below_root(text, *home)
