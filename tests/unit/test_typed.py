"""What an editor knows of a locustfile: mypy, as strict as it can be, on files as users write them."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import tidal

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "typed"
FILES = sorted(FOLDER.glob("*.py"))
LOCUST = Path(tidal.__file__).parent / "compat"
"""Where a checker finds tidal's own surface under Locust's name, if it is told to."""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[int, list[str]]]:
    """What mypy says, by file and line; in a folder of its own, so that no settings of ours are read."""
    folder = tmp_path_factory.mktemp("typed")
    flags = ("--strict", "--config-file=", "--no-error-summary", "--hide-error-context", "--cache-dir", str(folder))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *flags, *map(str, FILES)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(LOCUST)},
        timeout=110,
    )
    assert not done.stderr, done.stderr
    found: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, line, message in re.findall(r"(?m)^(.*?):(\d+): error: (.*)$", done.stdout):
        found[Path(name).name][int(line)].append(message)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_checker_says_what_the_file_expects(file: Path, said: dict[str, dict[int, list[str]]]) -> None:
    """Nothing of lines that are right, and what stands there of lines that are wrong."""
    expected = {
        number: line.partition("# E: ")[2]
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if "# E: " in line
    }
    found = {
        number: [m for m in messages if "Untyped decorator" not in m] for number, messages in said[file.name].items()
    }
    found = {number: messages for number, messages in found.items() if messages}
    assert found.keys() == expected.keys(), found
    for number, text in expected.items():
        assert any(text in message for message in found[number]), (number, found[number])


def test_there_are_lines_of_both_kinds() -> None:
    """Without them the other test would pass for nothing."""
    texts = {file.stem: file.read_text() for file in FILES}
    assert texts["complete"].count("assert_type(") > 15
    assert texts["mistaken"].count("# E: ") > 15


def test_the_package_says_that_it_has_types() -> None:
    """PEP 561."""
    assert (Path(tidal.__file__).parent / "py.typed").is_file()


def test_every_public_name_says_what_it_is() -> None:
    """What an editor shows beside a completed name."""
    named = [getattr(tidal, name) for name in tidal.__all__ if name != "events"]
    assert all(thing.__doc__ for thing in named)
    for cls in (tidal.User, tidal.HttpUser, tidal.FastHttpUser, tidal.TaskSet, tidal.LoadTestShape, tidal.EventHook):
        public = [value for name, value in vars(cls).items() if not name.startswith("_") and inspect.isfunction(value)]
        assert all(value.__doc__ for value in public if value is not tidal.User.wait_time)
