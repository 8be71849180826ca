"""Faults that every change is tried with: a few runs that say the most in the least time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matrix
import pytest
from scenario import play

if TYPE_CHECKING:
    from collections.abc import Callable

    from field import Field
    from scenario import Outcome, Scenario

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.mark.parametrize("scenario", [matrix.GENERATOR, matrix.WORKER_OF_TWO], ids=str)
def test_the_load_holds(field: Field, scenario: Scenario, note: Callable[[Outcome], None]) -> None:
    """What must hold holds."""
    note(play(field, scenario))
