"""The collector rests while something large is built, and goes on afterwards."""

from __future__ import annotations

import gc

import pytest

from tidal.uncollected import uncollected


def test_it_rests_and_goes_on() -> None:
    """One inside another changes nothing."""
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_after_an_error() -> None:
    """Whatever happens while it rests."""
    with pytest.raises(ValueError, match="damaged"), uncollected():
        raise ValueError("damaged")
    assert gc.isenabled()


def test_one_that_rests_for_another_reason_is_left_alone() -> None:
    """Whoever turned it off is to turn it on."""
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_stays_is_never_looked_through() -> None:
    """It is frozen before the collector goes on."""
    before = gc.get_freeze_count()
    try:
        with uncollected(stays=True):
            built = [[] for _ in range(100)]
        assert gc.get_freeze_count() >= before + 100
        assert not any(thing is built for thing in gc.get_objects())
    finally:
        gc.unfreeze()
