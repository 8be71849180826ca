"""The words of Locust's command line: every flag with its variable, type and default, and who reads them.

    parser   LocustArgumentParser: what `init_command_line_parser` hands to a locustfile
    flags    Locust's own flags, in its groups
    kinds    how values are read
    config   config files

Shared by the command line (`tidal locust`) and the processes that import a locustfile, for both must understand the
same words: the file's own arguments stand between Locust's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCUST_VERSION = "2.47.0"
"""The version of Locust whose words these are."""

ONLY_DESCRIBE = ("?",)
"""Instead of words: what arguments does the file have? Nothing is required then."""

DEFAULT_FILES = ("~/.locust.conf", "locust.conf", "pyproject.toml")
"""Config files that are read where they are there; of several the last counts most."""
SECTION = "locust"
"""The table of a pyproject.toml, in `tool`."""
TOML_BYTES_MAX = 1 << 20
OURS = ("TIDAL_HOME", "TIDAL_REDIS_URL", "TIDAL_REDIS_PASSWORD")
"""How variables of tidal's own begin that are often set; others of its name may be Locust's, spelled with TIDAL."""


def is_silent(environ: Mapping[str, str]) -> bool:
    """Whether neither a variable nor a config file can say anything: then nobody has to read them."""
    spelled = any(name.startswith(("LOCUST_", "TIDAL_")) and not name.startswith(OURS) for name in environ)
    return not spelled and not any(map(_may_say, DEFAULT_FILES))


def _may_say(name: str) -> bool:
    """Whether there is such a config file; a pyproject.toml is in many folders, and few have a table for this."""
    path = Path(name).expanduser()
    if not path.name.endswith(".toml"):
        return path.exists()
    try:
        with path.open("rb") as file:
            text = file.read(TOML_BYTES_MAX)
    except FileNotFoundError:
        return False
    except OSError:  # whoever reads it says so
        return True
    return SECTION.encode() in text or b"\\" in text or len(text) == TOML_BYTES_MAX
