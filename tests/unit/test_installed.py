"""What is installed, by folders: as `importlib.metadata` has it, which takes long to import."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from tidal import versions
from tidal.installed import Package, entry_points, packages

if TYPE_CHECKING:
    from pathlib import Path


def made(place: Path, name: str, points: str | None = None) -> Path:
    """A folder that tells of a package."""
    folder = place / name
    folder.mkdir(parents=True)
    if points is not None:
        (folder / "entry_points.txt").write_text(points)
    return folder


def test_the_versions_of_a_run_are_those_of_its_packages() -> None:
    """Both ways of asking agree for every package that a run tells of."""
    told = versions.of_packages()
    assert set(told) >= {"redis", "gevent", "msgpack"}
    assert told == {name: metadata.version(name) for name in told}


def test_the_first_of_two_counts(tmp_path: Path) -> None:
    """As for an import; places that are not there or are no folders hold nothing."""
    first = made(tmp_path / "a", "Some.Thing-2.0.dist-info")
    made(tmp_path / "b", "some_thing-1.0.dist-info")
    old = made(tmp_path / "b", "older-3.1-py3.11.egg-info")
    (tmp_path / "archive.zip").write_bytes(b"PK")
    places = [str(tmp_path / name) for name in ("none", "archive.zip", "a", "b")]
    assert packages(places) == {"some_thing": Package("2.0", str(first)), "older": Package("3.1", str(old))}


def test_a_package_offers_what_its_file_says(tmp_path: Path) -> None:
    """Nothing without one."""
    made(tmp_path, "a-1.dist-info", "[console_scripts]\na = a:main\n")
    made(tmp_path, "b-1.dist-info")
    found = packages([str(tmp_path)])
    assert entry_points(found["a"]) == b"[console_scripts]\na = a:main\n"
    assert entry_points(found["b"]) == b""
