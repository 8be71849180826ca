"""Views of what a run has only sometimes: they come with their first row, and say what it holds."""

from __future__ import annotations

import pytest
from fakes import StillFeed, Wishes, dashboard, screen_text, settled
from frames import ASCII, LOOK, frame
from measured_frames import hostile_measured, measured
from rich.cells import cell_len

from tidal.model.rows import DelayRow
from tidal.model.struct import replace
from tidal.tui.app import TidalApp
from tidal.tui.screens.detail import DetailScreen, detail_of
from tidal.tui.text import clean
from tidal.tui.widgets.header import Chrome, header_lines
from tidal.tui.widgets.measured import number
from tidal.tui.widgets.tables import TABLES

RARE = [name for name, table in TABLES.items() if table.is_rare]
PIECES = {
    "stages": ("steady", "● now", "1:00"),
    "thresholds": ("p95 < 500ms", "✓ holds", "▲ failing", "2:00 - 2:12"),
    "transactions": ("purchase", "  pay", "region=eu", "118.0"),
    "checks": ("✗ total is right", "✓ cart is there", "99.88"),
    "metrics": ("basket", "61.25", "93.40 %", "1.25e+13"),
    "tags": ("region=eu", "/cart"),
    "samples": ("503", "ReadTimeout"),
    "pacing": ("Shopper", "97.1"),
}


async def test_a_run_without_them_has_no_such_views() -> None:
    """Ten tabs are enough."""
    app = TidalApp(StillFeed(frame()), Wishes(), look=LOOK)
    async with app.run_test(size=(160, 30)) as pilot:
        await settled(pilot)
        assert not set(RARE) & set(dashboard(pilot).views())
        assert "Thresholds" not in screen_text(pilot)


@pytest.mark.parametrize("name", RARE)
async def test_a_view_says_what_there_is(name: str) -> None:
    """As a table, and all of a row on enter."""
    app = TidalApp(StillFeed(measured()), Wishes(), look=LOOK)
    async with app.run_test(size=(160, 30)) as pilot:
        await settled(pilot)
        assert name in dashboard(pilot).views()
        dashboard(pilot).action_tab(name)
        await settled(pilot)
        for piece in PIECES[name]:
            assert piece in screen_text(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, DetailScreen)


async def test_many_views_fit_the_narrowest_screen() -> None:
    """The bar shows those around the active one, arrows say that there are more."""
    app = TidalApp(StillFeed(measured()), Wishes(), look=LOOK)
    async with app.run_test(size=(60, 16)) as pilot:
        await settled(pilot)
        dashboard(pilot).action_tab("metrics")
        await settled(pilot)
        bar = next(line for line in screen_text(pilot).splitlines() if "Metrics" in line)
        assert "◂" in bar
        assert "Requests" not in bar
        dashboard(pilot).action_tab("requests")
        await settled(pilot)
        bar = next(line for line in screen_text(pilot).splitlines() if "2Workers" in line)
        assert "▸" in bar
        assert "Metrics" not in bar


def test_a_failure_shows_one_of_its_requests() -> None:
    """Request and response, secrets taken out before they were written."""
    now = measured()
    row = now.failures[0]
    detail = detail_of("failures", now, f"{row.method}\0{row.name}\0{row.error}", LOOK)
    assert detail is not None
    said = "\n".join(detail.body)
    assert "Retry-After: 2" in said
    assert "busy, come back later" in said
    assert "Authorization: [hidden]" in said


async def test_an_open_load_shows_what_is_wanted() -> None:
    """Arrivals a second where no users are planned, and their books."""
    now = measured()
    open_load = frame(users_planned=0, arrivals_milli=40_000)
    app = TidalApp(StillFeed(open_load), Wishes(), look=LOOK)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        assert "WANTED/S" in screen_text(pilot)
        assert "40.0" in screen_text(pilot)
    rows = TABLES["ledger"].rows(now, LOOK)
    told = {row.cells[0].text.strip(): row.cells[1].text for row in rows}
    assert told["arrivals planned"] == "25,010"
    assert told["dropped"] == "10"
    assert told["late by 5 ms"] == "310"


@pytest.mark.parametrize("name", RARE)
def test_hostile_texts_stay_harmless(name: str) -> None:
    """Markup, escape sequences, directions, towers, wide characters; in tables and in details."""
    now = hostile_measured()
    for row in TABLES[name].rows(now, LOOK):
        for cell in row.cells:
            assert cell.text == clean(cell.text)
        detail = detail_of(name, now, row.key, LOOK)
        assert detail is not None
        assert all(line == clean(line) for line in (*detail.body, *(value for _, value in detail.pairs)))
    for row in TABLES[name].rows(now, ASCII):
        assert all(cell.text.isascii() for cell in row.cells)


@pytest.mark.parametrize("value", [0.0, 12.0, -3.5, 0.00004, 1e308, -1e-300, 1234567.0, 999999.994])
def test_a_figure_of_any_size_fits(value: float) -> None:
    """Ten cells or so."""
    assert cell_len(number(value)) <= 12


def test_the_ledger_tells_what_of_the_latencies_is_the_clients_own() -> None:
    """How long answers lay unread, and the percentiles without that; a warning from where the verdict has one."""
    for p95_us, tone in ((900, ""), (7_000, "warn")):
        delay = DelayRow(400, 100, p95_us, 9_000, 9_900, 5_000, 8_000, 12_000)
        rows = {row.cells[0].text: row.cells for row in TABLES["ledger"].rows(replace(measured(), delay=delay), LOOK)}
        assert rows["read late: p95"][1].tone == tone
        assert "of 400 answers" in rows["read late: p95"][2].text
        assert rows["  p95 without that"][1].text == "8.0 ms"


@pytest.mark.parametrize("width", [60, 80, 108, 120, 200])
def test_the_clients_own_delay_is_told_where_it_matters(width: int) -> None:
    """As a tile where there is room for one more, else as a note, and that only when it is a good part of p99."""
    quiet = DelayRow(400, 100, 200, 4_900, 9_900, 5_000, 8_000, 12_000)
    late = replace(quiet, p99_us=12_000, undelayed_p99_us=61_000)
    for delay, is_told in ((DelayRow(), False), (quiet, False), (late, True)):
        rows = header_lines(replace(frame(), delay=delay), Chrome(), width, LOOK)
        said = "\n".join("".join(text for text, _ in runs) for runs in rows)
        assert {cell_len("".join(text for text, _ in runs)) for runs in rows} <= {width}
        assert ("client +12.0 ms" in said) == (is_told and width in {80, 108})
        assert ("CLIENT P99" in said) == (width >= 118 and bool(delay.answers))
        assert ("+12.0 ms" in said) == (is_told and width >= 80)
        tones = {tone for runs in rows for text, tone in runs if text.strip().startswith("+")}
        assert tones <= ({"warn"} if is_told else {"dim"})
