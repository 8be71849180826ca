"""What is signed, and what a signature is worth when something else is in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tidal.errors import UsageError
from tidal.model.codec import EntryId, encode, entry_of
from tidal.model.events import ByMaster, FileSpec, RunOpened, RunOptions
from tidal.model.fold import fold_entry
from tidal.model.state import State
from tidal.model.struct import replace
from tidal.signing import is_signed, key_in, signature

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"0123456789abcdef"
FILES = (FileSpec("locustfile.py", "a" * 64, 10), FileSpec("data.csv", "b" * 64, 20))
OPENED = RunOpened(
    "r1", "default", "me", "locustfile.py", FILES, (), RunOptions(host="http://x", arguments=(("depth", "1"),))
)
SIGNED = replace(OPENED, signature=signature(KEY, OPENED))


def test_a_signed_run_is_known_by_its_event_and_by_the_state_it_leaves() -> None:
    """A worker asks the folded log, which may come from a keyframe."""
    assert is_signed(KEY, SIGNED)
    state = State()
    fold_entry(state, entry_of("log", EntryId(1, 1), encode(ByMaster(1, 1, 1, SIGNED))))
    assert is_signed(KEY, state.log)
    assert is_signed(KEY, State.from_wire(state.to_wire()).log)


@pytest.mark.parametrize(
    "other",
    [
        {"run": "r2"},
        {"fleet": "other"},
        {"file": "data.csv"},
        {"more_files": ("data.csv",)},
        {"files": FILES[:1]},
        {"files": (replace(FILES[0], sha256="c" * 64), FILES[1])},
        {"files": (replace(FILES[0], path="other.py"), FILES[1])},
        {"options": RunOptions(host="http://y", arguments=(("depth", "1"),))},
        {"options": RunOptions(host="http://x", arguments=(("depth", "2"),))},
        {"signature": ""},
        {"signature": "0" * 64},
        {"signature": "é\udcff"},
    ],
    ids=str,
)
def test_anything_else_is_not_signed(other: dict[str, object]) -> None:
    """Another run, file, hash, name, target or argument: the signature is of this run alone."""
    assert not is_signed(KEY, replace(SIGNED, **other))  # type: ignore[arg-type]
    assert not is_signed(b"another key, long enough", SIGNED)


def test_what_a_run_does_with_its_files_is_not_signed() -> None:
    """How many users run may be changed by an operator under way."""
    assert is_signed(KEY, replace(SIGNED, options=replace(SIGNED.options, users=99, run_time_ms=5)))


def test_a_key_is_read_without_blanks(tmp_path: Path) -> None:
    """A file that `openssl rand -hex` or an editor wrote, with its line's end; what is no key says so."""
    file = tmp_path / "key"
    file.write_bytes(KEY + b"\n")
    assert key_in(str(file), "--sign-with") == KEY
    file.write_bytes(b"short\n")
    with pytest.raises(UsageError, match=r"--sign-with: .*key holds 5 bytes; 16 .* openssl rand"):
        key_in(str(file), "--sign-with")
    with pytest.raises(UsageError, match="cannot read"):
        key_in(str(tmp_path), "--sign-with")
