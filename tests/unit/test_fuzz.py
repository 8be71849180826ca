"""Hostile bytes, wherever they may come in: the targets of `fuzz/`, with hypothesis; `make fuzz` goes on for longer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fuzz"))

from draw import inputs
from targets import TARGETS, timed

EXAMPLES = 60
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=QUIET)
@given(data=st.data())
def test_hostile_bytes_stop_nothing(name: str, data: st.DataObject) -> None:
    """Believed or refused: never another error, never a state that cannot be kept, shown or decided upon."""
    timed(TARGETS[name], data.draw(inputs(name)))
