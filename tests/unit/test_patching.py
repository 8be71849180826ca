"""gevent's plugins: found without `importlib.metadata`, and called as before."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from tidal.generator.patching import GROUPS, Plugin, plugins

if TYPE_CHECKING:
    from pathlib import Path

POINTS = """
[gevent.plugins.monkey.did_patch_all]
tell = told.by : seen.happened [extra]
# a = remark:x

[ gevent.plugins.other ]
b=told.by:seen

[console_scripts]
gevent.plugins.c = told:x
"""
SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from tidal.generator.patching import patch_all
patch_all()
import socket, told.by
from importlib import metadata
said = metadata.version("gevent"), len(metadata.entry_points())
print(json.dumps([told.by.seen.calls, socket.socket.__module__, *said]))
"""
TOLD = """
class Seen:
    calls = 0
    def happened(self, event):
        self.calls += 1
seen = Seen()
"""


def test_those_that_are_here_are_found() -> None:
    """All that `importlib.metadata` knows of, gevent's own among them."""
    known = {(p.group, p.value) for p in metadata.entry_points(group="gevent.plugins.monkey.will_patch_all")}
    assert known
    assert {(plugin.group, plugin.value) for plugin in plugins() if plugin.group.endswith("will_patch_all")} == known


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a package that has plugins."""
    (tmp_path / "told-1.0.dist-info").mkdir()
    (tmp_path / "told-1.0.dist-info" / "entry_points.txt").write_text(POINTS)
    (tmp_path / "told").mkdir()
    (tmp_path / "told" / "__init__.py").touch()
    (tmp_path / "told" / "by.py").write_text(TOLD)
    return tmp_path


def test_only_groups_of_gevents_are_read(place: Path) -> None:
    """In the order of the file, remarks left out."""
    assert plugins([str(place)]) == [
        Plugin(f"{GROUPS}monkey.did_patch_all", "told.by : seen.happened [extra]"),
        Plugin(f"{GROUPS}other", "told.by:seen"),
    ]


def test_a_plugin_is_called_as_gevent_patches(place: Path) -> None:
    """Once, and afterwards `importlib.metadata` is the real one."""
    done = subprocess.run([sys.executable, "-P", "-c", SCRIPT, str(place)], capture_output=True, text=True, check=True)
    calls, patched, version, groups = json.loads(done.stdout)
    assert (calls, patched, version) == (1, "gevent._socket3", metadata.version("gevent"))
    assert groups
