"""The pure part of keeping children: how long to wait before one is started again."""

from __future__ import annotations

import sys

import pytest

from tidal.process import Backoff, python_argv


def test_the_waits_double_up_to_the_longest() -> None:
    """A child that dies at once is not started a thousand times a second."""
    backoff = Backoff(first_s=0.1, longest_s=1.0, deaths_max=9)
    assert [backoff.after(0.0) for _ in range(6)] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])


def test_so_many_deaths_in_a_row_are_too_many() -> None:
    """Then there is no use in another try."""
    backoff = Backoff(deaths_max=3)
    assert [backoff.after(1.0) is None for _ in range(4)] == [False, False, True, True]


def test_a_healthy_life_is_a_new_beginning() -> None:
    """A child that dies once an hour is started again for ever."""
    backoff = Backoff(first_s=0.1, deaths_max=2, healthy_s=30.0)
    assert [backoff.after(3_600.0) for _ in range(10)] == [0.1] * 10


def test_a_module_is_run_by_this_interpreter_and_not_from_the_working_folder() -> None:
    """A `redis.py` beside a locustfile is the user's, not ours."""
    assert python_argv("tidal.guard", "x") == [sys.executable, "-P", "-m", "tidal.guard", "x"]
