"""Rows of what is judged: may the figures be believed, do they meet what was asked of them; see `rows.py`."""

from __future__ import annotations

from tidal.model.struct import Struct


class VerdictRow(Struct, frozen=True):
    """Whether the figures may be believed."""

    word: str = ""  # valid, suspect, invalid; "" when there is nothing to judge
    reasons: tuple[str, ...] = ()  # why it is not valid
    remarks: tuple[str, ...] = ()  # what else is worth knowing: where latency came from, say


class ThresholdRow(Struct, frozen=True):
    """One threshold of the run, and how it stands."""

    text: str  # as the log has it
    meaning: str  # in words
    word: str  # waiting, holds, failing (now), failed (once and for all), at the end passed, failed or unjudged
    value_milli: int | None = None  # of the newest window, or so far; in thousandths of the unit; None: none yet
    value: str = ""  # the same with its unit; of a verdict its word
    limit_milli: int = 0
    unit: str = ""  # ms, %, /s or ""
    aborts: bool = False  # it stops the run when it fails
    tripped_from_ms: int | None = None  # plan time of what failed
    tripped_to_ms: int | None = None
    tripped_value: str = ""
    why: str = ""  # why it could not be judged
    metric: str = ""  # p95, rps, fail%, users …; "" where this version does not know it
    of: str = ""  # the endpoint, or what users measure, by its name; "" is all of them
    wanted: str = ""  # what is to hold, in short: p95 < 300ms
    judged_from_ms: int = 0  # plan time of the part of the run that is judged
    judged_to_ms: int | None = None  # None: to the end


class ProbeRow(Struct, frozen=True):
    """A level that the search for a limit held."""

    number: int
    level_milli: int
    passed: bool
    from_ms: int  # plan time of what was measured
    to_ms: int
    values: tuple[str, ...]  # one a threshold of the search, with its unit; "" for none
    values_milli: tuple[int | None, ...]


class LimitRow(Struct, frozen=True):
    """The search for the highest load that meets thresholds."""

    unit: str  # users or arrivals/s; "" when nothing is searched for
    until: tuple[str, ...] = ()
    limits_milli: tuple[int, ...] = ()  # of these thresholds
    probing_milli: int | None = None  # the level that is held now
    probes: tuple[ProbeRow, ...] = ()
    level_milli: int | None = None  # what was found
    low_milli: int = 0
    high_milli: int = 0
    confidence_permille: int = 0
    told: str = ""  # in words; "" while the search goes on
