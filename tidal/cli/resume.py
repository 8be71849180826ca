"""Have a run that was paused go on where its plan stood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli.pause import arguments

if TYPE_CHECKING:
    import argparse

__all__ = ["arguments", "run"]


def run(args: argparse.Namespace) -> int:
    """Hand the wish in and print the answer."""
    from tidal.cli.wish import hand_in
    from tidal.model.events import WantResume

    return hand_in(args, WantResume())
