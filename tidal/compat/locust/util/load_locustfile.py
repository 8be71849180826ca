"""Locust's `locust.util.load_locustfile`: a file's classes, for scripts that run them by themselves."""

from pathlib import Path
from typing import Any

from tidal.generator.discovery import shape_classes, user_classes
from tidal.generator.loadfile import import_file
from tidal.generator.pytestfile import PytestUser, pytest_users
from tidal.shape import LoadTestShape
from tidal.users import User

__all__ = ["PytestUser", "is_shape_class", "is_user_class", "load_locustfile", "load_locustfile_pytest"]


def is_user_class(item: Any) -> bool:
    """Whether something is a user class that can run."""
    return isinstance(item, type) and issubclass(item, User) and item.abstract is False


def is_shape_class(item: Any) -> bool:
    """Whether something is a load shape that can run."""
    return isinstance(item, type) and issubclass(item, LoadTestShape) and item.abstract is False


def load_locustfile(path: str) -> tuple[dict[str, Any], list[Any]]:
    """Import a file: its user classes by name, and its shapes, made."""
    module = import_file(Path(path).resolve())
    return user_classes([module]), [shape() for shape in shape_classes([module]).values()]


def load_locustfile_pytest(path: str) -> dict[str, Any]:
    """Import a file of the pytest style: a user class for each of its test functions."""
    return pytest_users([import_file(Path(path).resolve())])
