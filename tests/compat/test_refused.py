"""What tidal does not have of Locust is refused when the file is loaded, in one line that names it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

FILE = """
from locust import User, constant, task


class Visitor(User):
    wait_time = constant(60)

    @task
    def nothing(self):
        pass
"""

MISSING = {
    "a contrib module": ("import locust.contrib.mongodb", "locust.contrib.mongodb"),
    "a name of the package": ("from locust import Nothing", "locust.Nothing"),
    "a name that is no more": ("import locust\nclass Old(locust.HttpLocust): pass", "HttpLocust"),
    "the web interface": ("from locust.web import WebUI\nWebUI(None, '', 0)", "locust.web.WebUI"),
    "Locust's own report": ("from locust.html import get_html_report\nget_html_report(None)", "get_html_report"),
    "Locust's own main": ("import locust.main\nlocust.main.main()", "locust.main.main"),
    "a master as a library": ("import locust.env as e\ne.Environment().create_master_runner()", "create_master_runner"),
}  # fmt: skip
FLAGS = {
    "renamed": (["--slave"], "--worker"),
    "unknown": (["--nonsense"], "--nonsense"),
    "a master without Redis": (["--master"], "--redis"),
    "a worker without Redis": (["--worker"], "--redis"),
}


def refused(folder: Path, text: str, *flags: str) -> tuple[int, list[str]]:
    """Exit code and lines of `tidal locust` for a file."""
    (folder / "locustfile.py").write_text(text)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "TIDAL_"))}
    argv = [sys.executable, "-m", "tidal", "locust", "--headless", "-t", "1s", *flags]
    done = subprocess.run(
        argv, cwd=folder, env={**env, "TIDAL_HOME": str(folder)}, capture_output=True, text=True, check=False
    )
    return done.returncode, [line for line in (done.stdout + done.stderr).splitlines() if line]


@pytest.mark.parametrize(("line", "named"), MISSING.values(), ids=MISSING)
def test_a_file_that_wants_what_is_not_there_is_refused(tmp_path: Path, line: str, named: str) -> None:
    """One line with the name, nothing else, and Locust's exit code for a file that does not load."""
    code, lines = refused(tmp_path, f"{line}\n{FILE}")
    assert (code, len(lines)) == (1, 1), lines
    assert named in lines[0]


@pytest.mark.parametrize(("flags", "named"), FLAGS.values(), ids=FLAGS)
def test_a_flag_that_is_not_there_is_refused(tmp_path: Path, flags: list[str], named: str) -> None:
    """It says what to use instead, or at least which flag it was."""
    code, lines = refused(tmp_path, FILE, *flags)
    assert code == 2, lines
    assert named in lines[0]
