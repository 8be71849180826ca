"""A frame as canonical JSON: for programs, and for comparing a run with its replay byte for byte.

The object is the `Frame` of `tidal/model/rows.py`, field by field: keys sorted, no spaces, integers in the units that
the names say (a metric's values are numbers, in a unit of its own), text cleaned of control characters, `"schema": 1`
beside them, a newline at the end.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tidal.model.text import clean
from tidal.model.wire import to_wire

if TYPE_CHECKING:
    from tidal.model.rows import Frame

JSON_SCHEMA = 1
"""Raised when a field changes its meaning or goes; new fields do not raise it."""
LINES_MAX = 60
LINE_MAX = 2_000
"""Characters: a body on one line is no longer (`tidal.model.measured_rows`)."""


def frame_json(frame: Frame) -> str:
    """The frame as one line of JSON."""
    value = {"schema": JSON_SCHEMA, **to_wire(frame)}
    return json.dumps(_cleaned(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"


def _cleaned(value: Any) -> Any:
    """The same value with every text in it made harmless; a traceback keeps its lines."""
    if isinstance(value, str):
        return "\n".join(clean(line, LINE_MAX) for line in value.split("\n")[:LINES_MAX])
    if isinstance(value, dict):
        return {key: _cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value
