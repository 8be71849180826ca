"""What a verdict finds, and how much of a plan may be off before it is found. PURE."""

from __future__ import annotations

Finding = tuple[int, str]
"""Weight (0: valid, 1: suspect, 2: invalid) and the reason in words."""

SUSPECT_PERMILLE = 1
"""Of what was planned, users' time or arrivals: a thousandth cannot be seen in any rate or percentile."""
INVALID_PERMILLE = 50
"""A twentieth: the load was another one than the plan's, whatever the figures say."""


def weight_of(off: int, planned: int, grace: int = 0) -> int:
    """The weight of so much that is missing or too much; `grace` of it is forgiven in any case."""
    permille = max(0, off - grace) * 1000
    return 2 if permille > planned * INVALID_PERMILLE else int(permille > planned * SUSPECT_PERMILLE)
