"""A plan that stands in the locustfile: found by whoever loads it, overruled by the command line."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tidal.errors import BadPlan, UsageError
from tidal.launch import Inspection, LaunchSpec
from tidal.model.events import RunOpened, RunOptions
from tidal.opening import begin_inspection, open_run

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
import tidal
from tidal import LoadTestShape, User, task

class Buyer(User):
    @task
    def buy(self): ...

class Reader(Buyer):
    weight = 3
"""


def _file(folder: Path, *lines: str) -> str:
    path = folder / "locustfile.py"
    path.write_text("\n".join([FILE, *lines]))
    return str(path)


def _opened(file: str, **options: object) -> RunOpened:
    spec = LaunchSpec(file, RunOptions(**options))  # type: ignore[arg-type]
    with closing(begin_inspection(spec)) as inspection:
        event = open_run(spec, "r1", inspection).events[0]
    assert isinstance(event, RunOpened)
    return event


def test_a_file_says_its_plan(tmp_path: Path) -> None:
    """In one call or several; what the command line says goes before it, users and a rate too."""
    file = _file(tmp_path, 'tidal.plan("0->10 in 5s, 10 for 5s")', 'tidal.plan(Buyer="rate 3/s for 20s")')
    assert Inspection(file).awaited().plan == (("", "0->10 in 5s, 10 for 5s"), ("Buyer", "rate 3/s for 20s"))
    own = _opened(file)
    assert [(t.name, t.unit) for t in own.tracks] == [("", "users"), ("Buyer", "arrivals/s")]
    assert (own.options.users, own.options.run_time_ms) == (10, 20_000)
    assert _opened(file, plan=(("Reader", "2 for 1s"),)).plan_text == "Reader=2 for 1s"
    assert _opened(file, takes_plan=False).tracks == ()


def test_a_plan_and_a_shape_in_one_file_is_one_too_many(tmp_path: Path) -> None:
    """A plan of the command line goes before the shape."""
    shape = "class Steps(LoadTestShape):\n    def tick(self): ..."
    file = _file(tmp_path, shape, 'tidal.plan("5 for 3s")')
    with pytest.raises(UsageError, match="the locustfile has a plan and a shape, Steps"):
        _opened(file)
    given = _opened(file, plan=(("", "2 for 1s"),))
    assert (given.shape, given.plan_text) == ("", "2 for 1s")


def test_a_mistake_in_a_plan_is_named(tmp_path: Path) -> None:
    """In the file: with its line; for a class that is not there; with nothing said."""
    with pytest.raises(BadPlan, match=r"locustfile\.py:12: plan, column 3, at 'fr 3s'"):
        Inspection(_file(tmp_path, 'tidal.plan("5 fr 3s")')).awaited()
    with pytest.raises(BadPlan, match=r"tidal\.plan\(\) says nothing"):
        Inspection(_file(tmp_path, "tidal.plan()")).awaited()
    with pytest.raises(BadPlan, match="no such class, but Buyer, Reader"):
        _opened(_file(tmp_path, 'tidal.plan(Boss="5 for 3s")'))


def test_defaults_of_the_files_own_are_heeded_by_who_asked_for_them_or_refused(tmp_path: Path) -> None:
    """`tidal locust` asks before it reads its flags; elsewhere they would come too late."""
    sets = "from tidal import events\nevents.init_command_line_parser.add_listener(lambda parser: parser.set_defaults("
    file = _file(tmp_path, f"{sets}spawn_rate=5))")
    with pytest.raises(UsageError, match=r"the file sets defaults for spawn_rate \(parser.set_defaults\)"):
        _opened(file)
    with closing(begin_inspection(LaunchSpec(file))) as inspection:
        assert open_run(LaunchSpec(file, heeded=("spawn_rate",)), "r1", inspection).events


def test_a_run_whose_first_entry_nobody_would_read_is_refused(tmp_path: Path) -> None:
    """Its master would write it again and again, for it never comes back through the log."""
    with pytest.raises(UsageError, match="the run's first entry, which has 252"):
        _opened(_file(tmp_path), exclude_tags=tuple(f"some-rather-long-tag-{number}" for number in range(10_000)))
    assert _opened(_file(tmp_path), exclude_tags=tuple(f"tag-{n}" for n in range(10_000))).options.exclude_tags
