"""The collector of cycles, set for a process that holds many users and makes little garbage in cycles."""

from __future__ import annotations

import gc

YOUNG_MAX = 10_000
"""New objects between two looks. Python's 700 is less than what a few hundred requests under way hold at a moment, so
that each look found them alive and moved them on."""
OLD_PERIOD = 50
"""Looks of the middle generation for one at everything: that one takes 0.1 s with some thousand users."""


def tune_collector() -> None:
    """Once the file is loaded: what is there now stays, and need not be looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, 10, OLD_PERIOD)
