"""Fixtures of the pytest style of locustfile: `pytest -p tidal.generator.pytest_plugin --host http://…`.

Inside a run the user gives host and hooks; under plain pytest the host is the command line's and nobody counts.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_configs: list[pytest.Config] = []


class _Nobody:
    """A hook that nobody listens to."""

    cancel = None

    def fire(self, **_: Any) -> None:
        """Tell nobody."""


def pytest_configure(config: pytest.Config) -> None:
    """Remember where the host is."""
    _configs[:] = [config]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --host, unless another plugin has it."""
    with suppress(ValueError):
        parser.addoption("--host", "-H", action="store", default=None)


def _place(user: Any) -> tuple[Any, Any]:
    """The base URL and the hook that is told of requests."""
    if user is None:
        return _configs[-1].getoption("--host"), _Nobody()
    return user.host, user.environment.events.request


@pytest.fixture
def user() -> Any:
    """The user; None under plain pytest."""
    return None


@pytest.fixture
def session(user: Any) -> Iterator[Any]:
    """A client as HttpUser's."""
    from tidal.generator.http import HttpSession  # noqa: PLC0415 - requests costs 0.1 s: only who needs it pays

    base_url, hook = _place(user)
    client = HttpSession(base_url, hook, user)
    yield client
    client.close()


@pytest.fixture
def fastsession(user: Any) -> Any:
    """A client as FastHttpUser's."""
    from tidal.generator.fasthttp import FastHttpSession  # noqa: PLC0415 - only who needs it pays

    base_url, hook = _place(user)
    return FastHttpSession(base_url=base_url, request_event=hook, user=user)
