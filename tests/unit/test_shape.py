"""Shapes: their time, and what they see of the run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tidal.generator.hookhost import _steer
from tidal.model.pipe import Steer
from tidal.shape import Arrivals, LoadTestShape


class Steps(LoadTestShape):
    """Ten users a second."""

    def tick(self) -> Any:
        """Until three seconds have passed."""
        run_time = self.get_run_time()
        return (round(run_time) * 10, 10) if run_time < 3 else None


def test_time_is_what_the_clock_says() -> None:
    """Since the reset."""
    now_s = [100.0]
    shape = Steps()
    shape.clock = lambda: now_s[0]
    shape.reset_time()
    assert (shape.get_run_time(), shape.tick()) == (0, (0, 10))
    now_s[0] += 2
    assert shape.tick() == (20, 10)
    now_s[0] += 2
    assert shape.tick() is None
    shape.reset_time()
    assert shape.get_run_time() == 0


def test_a_constructor_that_forgot_ours() -> None:
    """Its time begins when it is first asked for."""

    class Forgetful(Steps):
        def __init__(self) -> None:
            self.mine = 1

    assert Forgetful().get_run_time() >= 0
    assert Forgetful().tick() == (0, 10)


def test_users_are_the_runners() -> None:
    """The master's, or the local one's."""
    shape = Steps()
    shape.runner = SimpleNamespace(user_count=7)
    assert shape.get_current_user_count() == 7


def test_abstract_is_each_class_s_own() -> None:
    """And a shape without `tick` cannot be made."""

    class Base(LoadTestShape):
        abstract = True

    class Nothing(Base):
        use_common_options = True

    assert (LoadTestShape.abstract, Base.abstract, Nothing.abstract, Steps.abstract) == (True, True, False, False)
    with pytest.raises(TypeError, match="tick"):
        Nothing()


def test_a_shape_may_return_arrivals() -> None:
    """The hook host makes of them what travels to the master."""
    assert _steer(Arrivals(5, over_s=1.5, user_classes=(Steps,)), "S") == Steer(0, 1.0, ("Steps",), "S", 5.0, 1_500)
    assert _steer((3, 2), "S") == Steer(3, 2.0, (), "S")
