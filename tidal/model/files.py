"""Shipped files: content-addressed, in chunks, checked before anything is written anywhere."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tidal.model.events import CHUNK_BYTES, FileChunk, FileSpec
from tidal.model.struct import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SHIPPED_BYTES_MAX = 32 * 1024 * 1024
"""All files of a run together."""
FILES_MAX = 1_000
WORKER_FOLDER, HOOKS_FOLDER = "tidal-run-", "tidal-hooks-"
"""What the names of the temporary folders begin with that a worker and a hook host write shipped files into."""
URL_FOLDER, RERUN_FOLDER = "tidal-file-", "tidal-rerun-"
PASSING_FOLDERS = (URL_FOLDER, RERUN_FOLDER)
"""The same of folders that a command starts a run from, and that may be gone before the run is over."""
_SHIPPED_ROOT = re.compile(rf"[^\s\"':]*/(?:{WORKER_FOLDER}|{HOOKS_FOLDER})\w+/", re.ASCII)


def spec_of(path: str, data: bytes) -> FileSpec:
    """The entry of the manifest for a file."""
    return FileSpec(path, sha256(data).hexdigest(), len(data))


def chunks_of(data: bytes) -> Iterator[FileChunk]:
    """A file's content as entries of the log; an empty file is one empty chunk."""
    name = sha256(data).hexdigest()
    parts = max(1, -(-len(data) // CHUNK_BYTES))
    for part in range(parts):
        yield FileChunk(name, part, parts, data[part * CHUNK_BYTES : (part + 1) * CHUNK_BYTES])


def below_root(text: str, root: str = "") -> str:
    """A text (a traceback) with shipped files named from their root, as every worker's are named alike."""
    return _SHIPPED_ROOT.sub("", text.replace(f"{root.rstrip('/')}/", "") if root else text)


def is_safe_path(path: str) -> bool:
    """Whether a path of the manifest stays below the folder that it is written to."""
    pure = PurePosixPath(path)
    is_below = bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts
    return is_below and "\0" not in path and "\\" not in path


class Files(Struct):
    """Collects chunks until every file of a manifest is whole."""

    _parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    _whole: dict[str, bytes] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)  # how many parts the first chunk of a file said
    _size: int = 0

    def add(self, chunk: FileChunk) -> None:
        """Take in one chunk; what is over the bound or does not match its hash is dropped."""
        if chunk.sha256 in self._whole or not 0 <= chunk.part < chunk.parts <= SHIPPED_BYTES_MAX // CHUNK_BYTES + 1:
            return
        if self._counts.setdefault(chunk.sha256, chunk.parts) != chunk.parts:
            return
        parts = self._parts.setdefault(chunk.sha256, {})
        if chunk.part in parts or self._size + len(chunk.data) > SHIPPED_BYTES_MAX:
            return
        parts[chunk.part] = chunk.data
        self._size += len(chunk.data)
        if len(parts) == chunk.parts:
            data = b"".join(parts[i] for i in range(chunk.parts))
            del self._parts[chunk.sha256], self._counts[chunk.sha256]
            if sha256(data).hexdigest() == chunk.sha256:
                self._whole[chunk.sha256] = data
            else:
                self._size -= len(data)

    def contents(self, manifest: Iterable[FileSpec]) -> Mapping[str, bytes] | None:
        """Path to content of every file of the manifest; None while one is missing; ValueError for an unsafe path."""
        specs = list(manifest)
        for spec in specs:
            if not is_safe_path(spec.path):
                raise ValueError(f"the run ships a file to {spec.path[:100]!r}, which is outside its folder")
        if any(spec.sha256 not in self._whole for spec in specs):
            return None
        return {spec.path: self._whole[spec.sha256] for spec in specs}
