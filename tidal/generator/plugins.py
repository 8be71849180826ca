"""locust-plugins, which Locust imports by itself where it is installed: its listeners and arguments are all files"."""

from __future__ import annotations

from importlib import import_module

from tidal.generator.discovery import Refused
from tidal.generator.recorder import tidy

NAME = "locust_plugins"


def import_plugins() -> None:
    """Import it if it is here; Refused when it is and cannot be imported."""
    try:
        import_module(NAME)
    except ModuleNotFoundError as error:
        if error.name != NAME:
            raise _refusal(error) from error
    except Exception as error:
        raise _refusal(error) from error


def _refusal(error: Exception) -> Refused:
    return Refused("FileImportError", f"{NAME}, which is installed here: {type(error).__name__}: {tidy(error, 500)}")
