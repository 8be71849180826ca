"""A server whose guard cannot be started leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidal.embedded import EmbeddedServer
from tidal.engines import FAKEREDIS, Engine
from tidal.places import take_folder


def open_ones() -> set[str]:
    """What is open in this process, beside the folder that says so."""
    opened = set()
    for fd in Path("/dev/fd").iterdir():
        if fd.exists():
            opened.add(f"{fd.name} {fd.resolve()}")
    return opened


@pytest.mark.parametrize("engine", [Engine("valkey", "/nowhere/valkey-server"), Engine(FAKEREDIS, "")])
def test_a_server_that_cannot_be_begun_takes_everything_back(tmp_path: Path, engine: Engine) -> None:
    """Its pipes, its port, its socket's folder and its lock: nobody would find them later."""
    before = open_ones()
    place = take_folder(tmp_path / "data")
    (place.folder / "server.log").mkdir()
    with pytest.raises(IsADirectoryError):
        EmbeddedServer(engine, place, None, 1.0)
    named = place.folder / "socket-folder"
    assert named.is_file() == (engine.name != FAKEREDIS)
    assert not (named.is_file() and Path(named.read_text("utf8")).exists())
    assert open_ones() <= before  # what an earlier test left may be let go of meanwhile
    take_folder(place.folder).leave()
