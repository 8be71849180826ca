"""Locust's `locust.util.directory`."""

from pathlib import Path


def get_abspaths_in(path: str, extension: str | None = None) -> list[str]:
    """The files below a folder whose names end so, without those that begin with an underscore."""
    found = (file for file in Path(path).rglob("*") if file.is_file() and not file.name.startswith("_"))
    return [str(file.absolute()) for file in found if extension is None or file.name.endswith(extension)]
