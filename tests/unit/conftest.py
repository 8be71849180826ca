"""What tests of the HTTP clients share: a server with odd answers, and what a hook was told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from odd_server import OddServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[OddServer]:
    """A server for the module: requests are told apart by when they came."""
    server = OddServer()
    yield server
    server.close()


@pytest.fixture
def samples() -> list[dict[str, Any]]:
    """What the hook was told."""
    return []
