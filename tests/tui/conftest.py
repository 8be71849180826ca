"""Tests of the screen are coroutines; each gets an event loop of its own."""

from __future__ import annotations

import asyncio
import inspect
import os

import pytest

os.environ.pop("NO_COLOR", None)  # colours are in the pictures, wherever the tests run


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine; leave the others alone."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
