"""Imports that bring along less."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from tidal.lean import bare, without

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path) -> str:
    """A package that says when it is imported, with a module."""
    folder = tmp_path / "heavy_one"
    folder.mkdir()
    (folder / "__init__.py").write_text("import sys\nsys.heavy_one_came = True\n")
    (folder / "light.py").write_text("WORD = 'here'\n")
    return str(tmp_path)


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
        sys.path.remove(package)
        sys.modules.pop("heavy_one", None)
        vars(sys).pop("heavy_one_came", None)


def test_a_package_that_is_not_there_is_missed() -> None:
    """As by its import."""
    with pytest.raises(ModuleNotFoundError, match="no_such_package"), bare("no_such_package"):
        pass


def test_what_is_not_wanted_seems_not_to_be_installed() -> None:
    """Within the block only."""
    with without("wave"), pytest.raises(ImportError):
        import_module("wave")
    assert import_module("wave")
