"""Figures and outside text, made fit for a cell."""

from __future__ import annotations

from datetime import UTC

import pytest
from frames import ASCII, HOSTILE, LOOK
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tidal.tui import text
from tidal.tui.look import Look


@given(st.text(max_size=300))
def test_whatever_comes_in_is_one_harmless_line(raw: str) -> None:
    """No control, format, surrogate or unassigned character is left, and no line break."""
    line = text.clean(raw)
    assert all(text.unicodedata.category(c) not in text._DROPPED for c in line)
    assert text.clean(line) == line


@given(st.text(max_size=300))
def test_a_terminal_without_utf8_gets_ascii(raw: str) -> None:
    """Outside text never brings a character that the terminal cannot show."""
    assert ASCII.outside(raw).isascii()
    assert ASCII.outside(raw).isprintable()


@given(st.text(max_size=80), st.integers(0, 40), st.booleans())
def test_a_text_fits_exactly_however_wide_its_letters_are(raw: str, width: int, right: bool) -> None:  # noqa: FBT001 from hypothesis
    """A cell is always as wide as its column."""
    assert cell_len(LOOK.fit(text.clean(raw), width, right=right)) == width


def test_a_tower_of_marks_is_cut_down() -> None:
    """Forty accents on one letter would climb over the lines above."""
    assert text.clean("e" + "\u0301" * 40) == "\u00e9" + "\u0301" * 2


def test_hostile_text_keeps_what_is_readable() -> None:
    """Escape sequences lose their escape, directions their override."""
    line = text.clean(HOSTILE)
    assert "\x1b" not in line
    assert "\u202e" not in line
    assert line.startswith("[red]boo[/] [@click=app.quit]x[/][31m]0;title")
    assert line.endswith("漢字🦀")


@pytest.mark.parametrize(
    ("us", "shown"),
    [
        (0, "0 µs"),
        (720, "720 µs"),
        (12_340, "12.3 ms"),
        (148_000, "148 ms"),
        (1_240_000, "1.24 s"),
        (61_000_000, "61.00 s"),
    ],
)
def test_a_latency_has_the_unit_that_suits_it(us: int, shown: str) -> None:
    """The header shows any latency in at most seven cells."""
    assert text.latency(us) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0"), (1_234_567, "1,234,567"), (12_345_678, "12.3M"), (10**15, "1,000.0T")]
)
def test_a_count_stays_within_its_cells(number: int, shown: str) -> None:
    """Large counts are shortened, not cut."""
    assert text.count(number) == shown


def test_a_latency_in_a_table_is_never_cut() -> None:
    """Seven cells hold every latency up to 1,000 s."""
    assert text.millis(12_345) == "12.3"
    assert text.millis(12_345, 2) == "12.35"
    assert text.millis(999_999_000) == "999,999"


@pytest.mark.parametrize(
    ("part", "whole", "shown"), [(0, 0, "0.00 %"), (1, 10**9, "<0.01 %"), (12, 10_000, "0.12 %"), (5, 5, "100.00 %")]
)
def test_a_share_that_is_something_is_not_shown_as_nothing(part: int, whole: int, shown: str) -> None:
    """One failure of a billion is not 0.00 %."""
    assert text.percent(part, whole) == shown


@pytest.mark.parametrize(("ms", "shown"), [(0, "0:00"), (252_999, "4:12"), (3_852_000, "1:04:12"), (-4_000, "-0:04")])
def test_a_span_reads_like_a_clock(ms: int, shown: str) -> None:
    """Minutes and seconds, hours when there are any."""
    assert text.duration(ms) == shown


@pytest.mark.parametrize(("ms", "shown"), [(0, "-"), (1_750_000_000_000, "15:06:40"), (10**18, "-"), (-(10**18), "-")])
def test_a_moment_is_a_time_of_day_and_nonsense_a_dash(ms: int, shown: str) -> None:
    """A log with absurd times does not stop the screen."""
    assert text.clock(ms, UTC) == shown


@pytest.mark.parametrize(
    ("typed", "ms"),
    [("", None), ("90", 90_000), ("5m", 300_000), ("1h30m", 5_400_000), (" 2 M ", 120_000), ("250ms", 250)],
)
def test_a_run_time_is_typed_as_people_write_it(typed: str, ms: int | None) -> None:
    """Seconds need no unit."""
    assert text.duration_ms(typed) == ms


@pytest.mark.parametrize("typed", ["x", "5 parsecs", "-5m", "1.5h", "m5", "\uff15m"])
def test_a_run_time_that_is_none_is_refused(typed: str) -> None:
    """The form says so."""
    with pytest.raises(ValueError, match="90s"):
        text.duration_ms(typed)


@pytest.mark.parametrize(
    ("environment", "dots"),
    [
        ({}, "braille"),
        ({"LANG": "de_DE.UTF-8"}, "braille"),
        ({"LANG": "C.utf8", "TERM": "linux"}, "block"),
        ({"LANG": "C"}, "ascii"),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "ascii"),
        ({"LC_CTYPE": "C.UTF-8"}, "braille"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, "ascii"),
        ({"LANG": "de_DE.ISO-8859-1"}, "ascii"),
        ({"TIDAL_CHARTS": "block"}, "block"),
        ({"TIDAL_CHARTS": "ascii"}, "ascii"),
        ({"TIDAL_CHARTS": "crayon"}, "braille"),
        ({"LANG": "C", "TIDAL_CHARTS": "braille"}, "ascii"),
    ],
)
def test_charts_are_drawn_with_what_the_terminal_has(environment: dict[str, str], dots: str) -> None:
    """Locale first, then TERM, then what was asked for; a locale of Python's own making does not count."""
    assert Look.of_terminal(environment).dots == dots
