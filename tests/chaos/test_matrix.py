"""Every row of the matrix of faults; `make chaos` runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matrix
import pytest
from scenario import play

if TYPE_CHECKING:
    from collections.abc import Callable

    from field import Field
    from scenario import Outcome, Scenario

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


@pytest.mark.parametrize("scenario", matrix.ALL, ids=str)
def test_a_row_of_the_matrix(field: Field, scenario: Scenario, note: Callable[[Outcome], None]) -> None:
    """What must hold holds."""
    note(play(field, scenario))
