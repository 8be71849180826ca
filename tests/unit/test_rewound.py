"""A live run that is rewound: the past while the run goes on, and back to now; what the terminal remembers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from recordings import BEGAN_MS, T0, Shop, entries, record

from tidal.cli.remember import FileMemory, settings_of
from tidal.cli.rewound import ArchivedPast, Rewindable, StreamedPast
from tidal.errors import RunLapsed, UsageError
from tidal.keys import RunKeys
from tidal.model.codec import LOG, EntryId
from tidal.model.fold import fold_entry
from tidal.model.frame import frame
from tidal.model.state import State
from tidal.tui.app import action_ids
from tidal.tui.feed import is_seekable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tidal.model.closeup import Focus
    from tidal.model.codec import Entry
    from tidal.model.rows import Frame

SHOP = Shop(seconds=60, is_closed=False)
NOW_MS = T0 + BEGAN_MS + 50_000


class Following:
    """A live feed whose now is set by hand."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms, self.closed = now_ms, False

    def state(self) -> State:
        """All that happened up to now."""
        state = State()
        for entry in entries(SHOP):
            if entry.id.ms <= self.now_ms:
                fold_entry(state, entry)
        return state

    def look(self, view: Callable[[State, int], Any]) -> Any:
        """As a live feed looks."""
        return view(self.state(), self.now_ms)

    def frame(self, focus: Focus | None = None) -> Frame:
        """The picture of now."""
        return frame(self.state(), self.now_ms, focus)

    def trouble(self) -> str:
        """None."""
        return ""

    def close(self) -> None:
        """Remember it."""
        self.closed = True


class Streams:
    """A bus that only ranges over a recorded run."""

    def __init__(self, *, trimmed: bool = False) -> None:
        self._entries = [e for e in entries(SHOP) if not (trimmed and e.id.ms < T0 + BEGAN_MS + 30_000)]

    def range(self, key: str, after: EntryId, until: EntryId, count: int) -> list[tuple[EntryId, Any]]:
        """Entries after one id up to another."""
        stream = LOG if key == RunKeys("r1").log else "reports"
        mine = [e for e in self._entries if e.stream == stream and after < e.id <= until]
        return [(e.id, fields_of(e)) for e in mine[:count]]

    def close(self) -> None:
        """Nothing to close."""


def fields_of(entry: Entry) -> dict[bytes, bytes]:
    """The fields that the entry has in its stream."""
    return {b"k": entry.kind.encode(), b"v": b"%d" % entry.version, b"d": entry.data}


@pytest.fixture(params=["archive", "streams"])
def rewindable(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Rewindable, Following]:
    """A run at fifty seconds, its past from either source."""
    live = Following(NOW_MS)
    path = record(tmp_path / "r1.tidal", SHOP)
    sources: dict[str, Callable[[], Any]] = {
        "archive": lambda: ArchivedPast(path),
        "streams": lambda: StreamedPast(Streams, RunKeys("r1")),  # type: ignore[arg-type]
    }
    return Rewindable(live, sources[request.param], clock=lambda: 0.0), live  # type: ignore[arg-type]


def test_it_stands_at_now_until_it_is_rewound(rewindable: tuple[Rewindable, Following]) -> None:
    """And goes on with the run."""
    feed, live = rewindable
    assert is_seekable(feed)  # type: ignore[arg-type]
    assert feed.frame() == live.frame()
    live.now_ms += 5_000
    assert feed.frame() == live.frame()
    assert feed.position_ms == feed.last_ms == NOW_MS + 5_000


def test_a_moment_before_now_is_as_it_was(rewindable: tuple[Rewindable, Following]) -> None:
    """The same bytes as what was live then; the run goes on meanwhile."""
    feed, live = rewindable
    feed.seek(T0 + BEGAN_MS + 20_000)
    live.now_ms += 3_000
    then = Following(T0 + BEGAN_MS + 20_000)
    assert feed.frame() == then.frame()
    assert (feed.position_ms, feed.last_ms) == (T0 + BEGAN_MS + 20_000, NOW_MS + 3_000)
    feed.seek(T0 + BEGAN_MS + 10_000)
    assert feed.frame() == Following(T0 + BEGAN_MS + 10_000).frame()
    outline = feed.outline()
    assert outline is not None
    assert outline.at_ms == NOW_MS + 3_000


def test_the_end_is_now(rewindable: tuple[Rewindable, Following]) -> None:
    """Whatever came since."""
    feed, live = rewindable
    feed.seek(T0 + BEGAN_MS + 20_000)
    feed.frame()
    live.now_ms += 4_000
    feed.seek(NOW_MS + 3_990)
    assert feed.frame() == live.frame()
    assert feed.position_ms == feed.last_ms


def test_playing_catches_up_with_now(tmp_path: Path) -> None:
    """Faster than time goes by, then it is live again."""
    live, now_s = Following(NOW_MS), [0.0]
    path = record(tmp_path / "r1.tidal", SHOP)
    feed = Rewindable(live, lambda: ArchivedPast(path), clock=lambda: now_s[0])  # type: ignore[arg-type]
    feed.seek(NOW_MS - 8_000)
    feed.speed = 4.0
    feed.play()
    now_s[0] = 1.0
    feed.frame()
    assert feed.position_ms == NOW_MS - 4_000
    now_s[0] = 2.0
    feed.frame()
    assert feed.position_ms == NOW_MS
    assert not feed.playing
    feed.close()
    assert live.closed


def test_a_past_that_was_trimmed_is_told_and_now_is_still_there() -> None:
    """Without an archive on this machine."""
    live = Following(NOW_MS)
    feed = Rewindable(live, lambda: StreamedPast(lambda: Streams(trimmed=True), RunKeys("r1")))  # type: ignore[arg-type,return-value]
    feed.seek(T0 + BEGAN_MS + 20_000)
    with pytest.raises(RunLapsed, match="cannot go back"):
        feed.frame()
    assert feed.frame() == live.frame()


# ------------------------------------------------------------------ what is remembered, what is set


def test_a_memory_lasts_and_a_broken_file_is_an_empty_one(tmp_path: Path) -> None:
    """It is ours to lose."""
    path = tmp_path / "terminal.json"
    FileMemory(path).put("theme", "tidal-light")
    assert FileMemory(path).get("theme") == "tidal-light"
    for broken in (b"{", b"[1]", b"\xff", b"[" * 100_000):
        path.write_bytes(broken)
        assert FileMemory(path).get("theme") is None
    assert FileMemory(tmp_path / "no" / "where.json").get("theme") is None
    FileMemory(tmp_path / "no" / "where.json").put("theme", "tidal")


def test_a_config_file_sets_theme_charts_and_keys(tmp_path: Path) -> None:
    """Without one nothing is set."""
    path = tmp_path / "terminal.toml"
    assert settings_of(path).keys == {}
    path.write_text('theme = "nord"\ncharts = "block"\n[keys]\n"view.freeze" = "z,f9"\n')
    found = settings_of(path)
    assert (found.theme, found.charts, dict(found.keys)) == ("nord", "block", {"view.freeze": "z,f9"})


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("theme = ", "terminal.toml"),
        ('theme = "plaid"', "theme is one of tidal"),
        ('charts = "pies"', "charts is one of braille"),
        ('themes = "nord"', "'themes' is none of theme"),
        ('[keys]\n"view.frezze" = "z"', "did you mean view.freeze"),
        ('[keys]\n"view.freeze" = 3', "a table of actions and keys"),
        ("keys = 3", "a table of actions and keys"),
    ],
)
def test_a_mistake_in_the_config_file_is_told(tmp_path: Path, said: str, told: str) -> None:
    """Which file, what, and what is known."""
    path = tmp_path / "terminal.toml"
    path.write_text(said)
    with pytest.raises(UsageError, match=told):
        settings_of(path)


def test_every_action_that_has_a_key_has_a_name() -> None:
    """So that it can have another."""
    assert {"steer.users", "steer.stop", "view.freeze", "table.filter", "replay.play", "app.quit"} <= set(action_ids())
    json.dumps(action_ids())
