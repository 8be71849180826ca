"""What tests of whole runs stand on."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from deadline import processes_of, until
from stage import LOCUSTFILE, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Redis and the target, up, and a locustfile; everything is ended with the test, and nothing is left running."""
    os.environ["TIDAL_HOME"] = str(tmp_path)
    with tempfile.TemporaryDirectory(prefix="tidal-") as folder:
        made = Stage(Path(folder), tmp_path)
        try:
            made.start_redis()
            made.start_target()
            (made.folder / "locustfile.py").write_text(LOCUSTFILE, encoding="utf-8")
            yield made
        finally:
            made.close()
            del os.environ["TIDAL_HOME"]
    if sys.platform == "linux":
        until(lambda: not processes_of(tmp_path), 15, "no process is left behind")
