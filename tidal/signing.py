"""Signed runs: a worker that has the key of its masters runs no code but what one of them signed.

The signature is an HMAC-SHA256 over what decides which code runs against what: the run, its fleet, the files by their
hashes, the host and the arguments of the file's own. The key is a file's content, the same on both sides; it never
leaves them.
Who can write the log but has no key can still say how many users run, and when a run ends.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tidal.errors import UsageError
from tidal.model.codec import pack
from tidal.model.text import clean

if TYPE_CHECKING:
    from tidal.model.events import FileSpec, RunOptions

KEY_BYTES_MIN, KEY_BYTES_MAX = 16, 4_096
FORMAT = 1


class Opened(Protocol):
    """What is signed: the event that opens a run, and the state that it leaves."""

    @property
    def run(self) -> str: ...  # noqa: D102 - as in the event
    @property
    def fleet(self) -> str: ...  # noqa: D102
    @property
    def file(self) -> str: ...  # noqa: D102
    @property
    def more_files(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def files(self) -> tuple[FileSpec, ...]: ...  # noqa: D102
    @property
    def options(self) -> RunOptions: ...  # noqa: D102
    @property
    def signature(self) -> str: ...  # noqa: D102


def key_in(file: str, what: str) -> bytes:
    """The key that a file holds, without blanks around it; UsageError for none and for one that is too short."""
    try:
        with Path(file).expanduser().open("rb") as opened:
            key = opened.read(KEY_BYTES_MAX).strip()
    except OSError as error:
        raise UsageError(f"{what}: cannot read {clean(file)}: {error.strerror}") from None
    if len(key) < KEY_BYTES_MIN:
        least = f"{KEY_BYTES_MIN} bytes are the least: openssl rand -hex 32 > FILE"
        raise UsageError(f"{what}: {clean(file)} holds {len(key)} bytes; {least}")
    return key


def signature(key: bytes, opened: Opened) -> str:
    """The signature of a run, in hexadecimal."""
    files = [[spec.path, spec.sha256, spec.size] for spec in opened.files]
    code = [opened.run, opened.fleet, opened.file, list(opened.more_files), files]
    target = [opened.options.host, [list(pair) for pair in opened.options.arguments]]
    return hmac.new(key, pack([FORMAT, *code, *target]), "sha256").hexdigest()


def is_signed(key: bytes, opened: Opened) -> bool:
    """Whether a run was signed with this key."""
    return hmac.compare_digest(signature(key, opened).encode(), opened.signature.encode("utf-8", "replace"))
