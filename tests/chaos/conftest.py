"""What chaos runs stand on; the modules of tests/e2e are at hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.append(str(Path(__file__).parents[1] / "e2e"))

from field import Field
from scenario import HEADER
from stage import prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenario import Outcome

COLUMN = "chaos"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Flags of `make chaos`."""
    parser.addoption("--seeds", type=int, default=3, help="how many random schedules of faults to run")
    parser.addoption("--first-seed", type=int, default=1, help="the first of their seeds")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that wants a seed runs once for each."""
    if "seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("first_seed", 1)
        metafunc.parametrize("seed", range(first, first + metafunc.config.getoption("seeds", 3)))


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    """Redis and the target, up; everything is ended with the test, and nothing is left running."""
    with prepared(Field, tmp_path) as made:
        yield made


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Callable[[Outcome], None]:
    """Put an outcome into the table that is printed at the end."""

    def keep(outcome: Outcome) -> None:
        record_property(COLUMN, outcome.row())
        assert not outcome.wrong, f"\n{outcome.row()}"

    return keep


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of all scenarios."""
    reports = [r for key in ("passed", "failed") for r in terminalreporter.stats.get(key, [])]
    rows = [str(value) for r in reports for name, value in getattr(r, "user_properties", ()) if name == COLUMN]
    if rows:
        terminalreporter.write_sep("=", "chaos")
        for row in (HEADER, *rows):
            terminalreporter.write_line(row)
