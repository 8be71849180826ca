"""Plugins beyond what tests/compat/files compares: locust-plugins is imported where it is installed, as Locust does."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FILE = """
from locust import User, constant, task


class Counter(User):
    wait_time = constant(0.05)

    @task
    def count(self):
        self.environment.events.request.fire(
            request_type="X", name="x", response_time=1, response_length=0, context={}, exception=None
        )
"""


def tidal(folder: Path, *words: str, plugins: str | None = None) -> subprocess.CompletedProcess[str]:
    """A command in a folder with the file; `plugins` is the text of what goes for locust-plugins."""
    (folder / "locustfile.py").write_text(FILE)
    env = {name: text for name, text in os.environ.items() if not name.startswith(("LOCUST_", "TIDAL_"))}
    env["TIDAL_HOME"] = str(folder / "home")
    if plugins is not None:
        (folder / "other" / "locust_plugins").mkdir(parents=True)
        (folder / "other" / "locust_plugins" / "__init__.py").write_text(plugins)
        env["PYTHONPATH"] = str(folder / "other")
    argv = [sys.executable, "-m", "tidal", *words]
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.parametrize("command", [("run", "--allow-suspect"), ("locust", "--headless")], ids=["run", "locust"])
def test_its_arguments_are_there_without_an_import(command: tuple[str, ...], tmp_path: Path) -> None:
    """Under both commands: 5 iterations, and the run is over long before its time."""
    done = tidal(tmp_path, *command, "-t", "60s", "--processes", "1", "-i", "5")
    too_busy = "Exit code 60: the verdict is invalid" in done.stdout  # a run of half a second forgives little
    assert done.returncode == 0 or too_busy, done.stdout + done.stderr
    assert "run-time limit" not in done.stderr
    rows = [line.split() for line in (done.stdout + done.stderr).splitlines()]
    assert ["X", "x", "5"] in [row[:3] for row in rows]


def test_without_it_its_arguments_are_unknown(tmp_path: Path) -> None:
    """Nothing is taken that nobody reads."""
    gone = "raise ModuleNotFoundError(\"No module named 'locust_plugins'\", name='locust_plugins')\n"
    done = tidal(tmp_path, "locust", "--headless", "-t", "5s", "-i", "5", plugins=gone)
    assert done.returncode == 2
    assert "-i" in done.stderr


def test_one_that_does_not_import_is_named(tmp_path: Path) -> None:
    """In one line, before the run."""
    done = tidal(tmp_path, "run", "-t", "5s", plugins="import locust.nothing_of_the_kind\n")
    assert done.returncode == 12
    assert done.stderr.count("\n") == 1
    assert "locust_plugins, which is installed here: ImportError: tidal does not have locust.nothing" in done.stderr
