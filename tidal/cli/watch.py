"""Watch a run without being able to change it: for a screen on the wall, or a careful visitor.

Ctrl-C leaves; the run goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli.attach import arguments, shown

if TYPE_CHECKING:
    import argparse

__all__ = ["arguments", "run"]


def run(args: argparse.Namespace) -> int:
    """Show the run until it is closed or the visitor leaves."""
    return shown(args, may_steer=False)
