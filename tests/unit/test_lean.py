"""Imports that bring along less."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tidal.lean import bare, lightly, postponed, without


@pytest.fixture
def package(tmp_path: Path) -> str:
    """A package that says when it is imported, with a module."""
    folder = tmp_path / "heavy_one"
    folder.mkdir()
    (folder / "__init__.py").write_text("import sys\nsys.heavy_one_came = True\n")
    (folder / "light.py").write_text("WORD = 'here'\n")
    return str(tmp_path)


def forget(package: str) -> None:
    """As it was before."""
    sys.path.remove(package)
    for name in [name for name in sys.modules if name.startswith("heavy_one")]:
        del sys.modules[name]
    for mark in ("heavy_one_came", "heavy_sub_came"):
        vars(sys).pop(mark, None)


def test_a_module_is_had_without_its_package(package: str) -> None:
    """What the package imports stays away, and so does the stand-in afterwards."""
    sys.path.insert(0, package)
    try:
        with bare("heavy_one"):
            light = import_module("heavy_one.light")
        assert light.WORD == "here"
        assert not hasattr(sys, "heavy_one_came")
        assert not [name for name in sys.modules if name.startswith("heavy_one")]
        whole = import_module("heavy_one")
        with bare("heavy_one"):
            assert import_module("heavy_one.light") is not light
        assert sys.modules["heavy_one"] is whole
    finally:
        forget(package)


def test_a_package_that_is_not_there_is_missed() -> None:
    """As by its import."""
    with pytest.raises(ModuleNotFoundError, match="no_such_package"), bare("no_such_package"):
        pass


def test_what_is_not_wanted_seems_not_to_be_installed() -> None:
    """Within the block only."""
    with without("wave"), pytest.raises(ImportError):
        import_module("wave")
    assert import_module("wave")


def test_a_module_is_run_when_somebody_asks_it_for_something(package: str) -> None:
    """Not when it is imported in the block; its own modules can be imported there without it."""
    (Path(package) / "heavy_one" / "sub").mkdir()
    (Path(package) / "heavy_one" / "sub" / "__init__.py").write_text(
        "import sys\nsys.heavy_sub_came = True\nSAID = 7\n"
    )
    (Path(package) / "heavy_one" / "sub" / "leaf.py").write_text("LEAF = 1\n")
    sys.path.insert(0, package)
    try:
        with postponed("heavy_one.sub"):
            leaf = import_module("heavy_one.sub.leaf")
            sub = import_module("heavy_one.sub")
        assert leaf.LEAF == 1
        assert not hasattr(sys, "heavy_sub_came")
        assert sub.SAID == 7
        assert hasattr(sys, "heavy_sub_came")
        assert import_module("heavy_one.sub").SAID == sub.SAID
        with pytest.raises(AttributeError):
            _ = sub.missing
    finally:
        forget(package)


def test_whoever_imports_one_of_its_modules_afterwards_has_it_run_first(package: str) -> None:
    """As if it had been imported from the beginning."""
    (Path(package) / "heavy_one" / "sub").mkdir()
    (Path(package) / "heavy_one" / "sub" / "__init__.py").write_text("SAID = 7\n")
    (Path(package) / "heavy_one" / "sub" / "leaf.py").write_text("from heavy_one.sub import SAID\n")
    sys.path.insert(0, package)
    try:
        with postponed("heavy_one.sub"):
            pass
        assert import_module("heavy_one.sub.leaf").SAID == 7
        with postponed("heavy_one.sub"):  # it is here: nothing is put in its place
            assert import_module("heavy_one.sub").SAID == 7
    finally:
        forget(package)


@pytest.mark.parametrize("needs", ["from heavy_one import sub", "from heavy_one.sub import SAID", "import nturl2path"])
def test_a_package_is_imported_lightly_or_as_it_is(package: str, needs: str) -> None:
    """One that cannot do without, as it is imported, is left to whoever imports it."""
    (Path(package) / "heavy_one" / "sub").mkdir()
    (Path(package) / "heavy_one" / "sub" / "__init__.py").write_text(
        "import sys\nsys.heavy_sub_came = True\nSAID = 7\n"
    )
    (Path(package) / "heavy_one" / "light.py").write_text(f"{needs}\n")
    (Path(package) / "heavy_one" / "__init__.py").write_text("from heavy_one import light\n")
    sys.path.insert(0, package)
    try:
        lightly("heavy_one", no=["nturl2path"], later_on=["heavy_one.sub"])
        assert hasattr(sys, "heavy_sub_came") == needs.endswith("SAID")
        assert ("heavy_one" in sys.modules) == (needs != "import nturl2path")
        assert import_module("heavy_one").light
    finally:
        forget(package)


def test_redis_comes_without_what_it_is_not_asked_for() -> None:
    """And what was left out is there for whoever asks: as fakeredis does."""
    script = """
import sys
import tidal.routes
print("redis.asyncio.client" in sys.modules, "zipfile" in sys.modules)
import redis
from importlib.metadata import version
from redis.asyncio.client import Redis
print(redis.asyncio.Redis is Redis, version("redis") == redis.__version__)
"""
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True", "True"]
