"""Archives that lie about their size, are none, or come from elsewhere: one line, a code, and little memory."""

from __future__ import annotations

import os
import tracemalloc
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from homes import living_in

from tidal.archive_file import BLOCK_STRUCT, CRC_STRUCT, ENTRIES, HEAD_STRUCT, KEYFRAME, MAGIC, MARKER
from tidal.cli.parser import parser_of
from tidal.errors import TidalError
from tidal.model.codec import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATA = Path(__file__).parents[1] / "data"
GOOD = (DATA / "schema-1.tidal").read_bytes()
CLAIMED = 0xFFFFFFFF
MEMORY_MAX = 150 << 20
REFUSED = (30, 31, 32, 33, 35)
"""No such run, damaged, no archive, newer, nothing to verify."""
COMMANDS: dict[str, Callable[[str, Path], list[str]]] = {
    "replay": lambda path, _: ["replay", path, "--print"],
    "verify": lambda path, _: ["replay", path, "--verify"],
    "export": lambda path, out: ["export", path, "-o", str(out)],
    "redact": lambda path, out: ["export", path, "-o", str(out), "--redact", "all"],
    "import": lambda path, _: ["import", path],
    "log": lambda path, _: ["log", path],
    "explain": lambda path, _: ["explain", path],
    "diff": lambda path, _: ["diff", str(DATA / "schema-1.tidal"), path],
    "judge": lambda path, _: ["judge", path, "p95<1s"],
    "report": lambda path, out: ["report", path, "--html", str(out)],
    "rerun": lambda path, _: ["rerun", path],
}


def head(*, version: int = 1, length: int | None = None, schema: int = 1) -> bytes:
    """The head of an archive without a block."""
    body = pack({"run": "20261128-000000-evil", "schema": schema})
    return HEAD_STRUCT.pack(MAGIC, version, len(body) if length is None else length, zlib.crc32(body)) + body


def block(kind: int, payload: bytes, *, count: int = 1, length: int | None = None) -> bytes:
    """A block with every checksum right, whatever it claims."""
    size = len(payload) if length is None else length
    said = BLOCK_STRUCT.pack(MARKER, kind, 1, 1, count, size, zlib.crc32(payload))
    return said + CRC_STRUCT.pack(zlib.crc32(said)) + payload


def bomb(megabytes: int) -> bytes:
    """A small payload that unpacks to a large one."""
    packer = zlib.compressobj(1)
    return b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(megabytes)) + packer.flush()


BOMB = bomb(400)
LIES: dict[str, bytes] = {
    "header of 4 GB": head(length=CLAIMED),
    "block of 4 GB": head() + block(ENTRIES, b"x" * 100, length=CLAIMED),
    "entries that unpack to 400 MB": head() + block(ENTRIES, BOMB[:1_000_000]),
    "keyframe that unpacks to 400 MB": head() + block(KEYFRAME, BOMB),
    "a list of 4 billion": head() + block(ENTRIES, zlib.compress(b"\xdd\xff\xff\xff\xff\x93\0\0\0")),
    "a million lists in each other": head() + block(ENTRIES, zlib.compress(b"\x91" * 1_000_000 + b"\xc0")),
    "4 billion entries": head() + block(ENTRIES, zlib.compress(pack([[0, 1, 1, "rs", 1, b""]])), count=CLAIMED),
    "a picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 5000,
    "text": b"hello\n" * 100,
    "nothing": b"",
    "a newer format": head(version=2) + b"more",
    "a newer schema": head(schema=99) + GOOD[HEAD_STRUCT.size :],
    "a head alone": head(),
    "half a head": GOOD[:10],
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[None]:
    """A home of its own."""
    with living_in(tmp_path / "home"):
        yield


def refused(words: list[str]) -> tuple[int, str]:
    """The code and the line that a command ends with; 0 and nothing when it does its work."""
    parser = parser_of(words[0])
    try:
        return parser.run(parser.read(words[1:])), ""
    except TidalError as error:
        return error.exit_code, str(error)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_told_in_one_line(lie: str, command: str, tmp_path: Path) -> None:
    """By its name, with a code of its own, and nothing is left behind."""
    path, out = tmp_path / "lie.tidal", tmp_path / "out"
    path.write_bytes(LIES[lie])
    tracemalloc.start()
    try:
        code, line = refused(COMMANDS[command](str(path), out))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if command == "log" and lie.startswith("keyframe"):
        assert code == 0  # it reads none, so it never learns
        return
    assert code in REFUSED, line
    assert "lie.tidal" in line
    assert "\n" not in line
    assert not out.exists()
    assert peak < MEMORY_MAX


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "absent", "loop"])
def test_what_is_no_file_is_told_in_one_line(kind: str, command: str, tmp_path: Path) -> None:
    """A pipe that nobody writes to does not hang, and no device is read to its end."""
    path = tmp_path / "it.tidal"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path)
    code, line = refused(COMMANDS[command](str(path), tmp_path / "out"))
    assert code in REFUSED
    assert path.name in line
    assert "\n" not in line


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in {"verify", "rerun"}])
def test_an_archive_with_nothing_but_zeros_after_it_replays(command: str, tmp_path: Path) -> None:
    """As a crash leaves it: 10 GB by the size of the file alone, of which no more is read than a tail may have."""
    path = tmp_path / "sparse.tidal"
    path.write_bytes(GOOD)
    os.truncate(path, 100 << 20)
    code, line = refused(COMMANDS[command](str(path), tmp_path / "out"))
    assert not line, code
    os.truncate(path, 10 << 30)
    code, line = refused(COMMANDS[command](str(path), tmp_path / "out2"))
    assert code == 31
    assert "save what is whole: tidal replay" in line
