"""What tests of whole runs stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stage import Stage, prepared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Redis and the target, up, and a locustfile."""
    with prepared(Stage, tmp_path) as made:
        yield made
