"""The report in a real browser: it opens at once, complains of nothing, and every control does what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import BINARY, Browser
from recordings import Shop, entries, record

from tidal.model.fold import fold_entry
from tidal.model.frame import frame
from tidal.model.rows import LogRow
from tidal.model.state import State
from tidal.model.struct import replace
from tidal.outputs.html import render
from tidal.outputs.html_data import report_of
from tidal.report import write_html

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not BINARY, reason="no Chromium on this machine (.ci/chromium installs one)"),
]

EVIL = "</script><img src=x onerror=document.title='owned'><b>"
THEME = "getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(246, 248, 250)", "rgb(14, 20, 26)"
ROWS = "[...document.querySelectorAll('#endpoints tbody tr')]"
# A browser lays out some ten thousand elements in a blink; an hour has 3,600 seconds of each chart.
ELEMENTS_MAX = 5_000
BYTES_MAX = 2_000_000
CANVAS = "document.querySelector('#time-charts canvas').toDataURL()"


def page(folder: Path, shop: Shop) -> Path:
    """The report of a recorded shop."""
    out = folder / "report.html"
    write_html(record(folder / "shop.tidal", shop), out)
    return out


@pytest.fixture(scope="module")
def shop_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes of a shop."""
    return page(tmp_path_factory.mktemp("report"), Shop())


@pytest.fixture(scope="module")
def only_browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(only_browser: Browser, shop_page: Path) -> Iterator[Browser]:
    """The browser with the shop's report open; whatever it complains of fails the test."""
    only_browser.problems.clear()
    only_browser.open(shop_page)
    yield only_browser
    assert only_browser.problems == []


def text(browser: Browser, selector: str) -> str:
    """What an element says."""
    return str(browser.ask(f"document.querySelector({selector!r}).innerText"))


def pressed(browser: Browser, selector: str) -> str:
    """Whether a button is pressed."""
    return str(browser.ask(f"document.querySelector({selector!r}).getAttribute('aria-pressed')"))


def column(browser: Browser, number: int) -> list[str]:
    """The cells of a column of the endpoints' table."""
    cells = browser.ask(f"{ROWS}.map(row => row.children[{number}].innerText)")
    assert isinstance(cells, list)
    return [str(cell).strip() for cell in cells]


def named(title: str) -> str:
    """The selector of a button by what it is called."""
    return f"button[aria-label='{title}']"


def test_everything_is_there(browser: Browser) -> None:
    """Every section that this run has something for, with the run's name on top."""
    assert browser.ask("document.documentElement.className") == "ready"
    assert text(browser, "h1") == "locustfile.py"
    shown = browser.ask("[...document.querySelectorAll('main > section:not([hidden]) > h2')].map(h => h.textContent)")
    assert shown == [
        "Over time", "What changed when", "Endpoints", "Percentile spectrum", "Failures",
        "Exceptions in user code", "Planned and done", "Workers", "Users", "Story", "Configuration",
    ]  # fmt: skip
    assert browser.ask("document.querySelectorAll('canvas').length") == 5
    assert "no last report from w2" in text(browser, ".note")


def test_it_fits_its_window(browser: Browser, shop_page: Path) -> None:
    """Nothing but tables scrolls sideways, on a telephone or a wide screen."""
    for width in (360, 800, 1440, 2560):
        browser.open(shop_page, width=width)
        assert browser.ask("document.documentElement.scrollWidth") <= width


def test_the_theme_follows_the_reader_and_the_button(browser: Browser) -> None:
    """As the system prefers, until a theme is chosen; charts are drawn in it."""
    assert browser.ask(THEME) == LIGHT
    light = browser.ask(CANVAS)
    browser.prefer("dark")
    browser.settle()
    assert browser.ask(THEME) == DARK
    assert browser.ask(CANVAS) != light
    browser.click("#theme")
    assert (text(browser, "#theme"), browser.ask(THEME)) == ("Theme: light", LIGHT)
    browser.click("#theme")
    browser.prefer("light")
    assert (text(browser, "#theme"), browser.ask(THEME)) == ("Theme: dark", DARK)
    browser.click("#theme")
    assert (text(browser, "#theme"), browser.ask(THEME)) == ("Theme: auto", LIGHT)


def test_a_series_can_be_switched_off(browser: Browser) -> None:
    """And on again."""
    key = "#time-charts .key"
    before = browser.ask(CANVAS)
    browser.click(key)
    assert pressed(browser, key) == "false"
    assert browser.ask(CANVAS) != before
    browser.click(key)
    browser.hover(2, 2)
    assert pressed(browser, key) == "true"
    assert browser.ask(CANVAS) == before


def test_dragging_zooms_every_chart(browser: Browser) -> None:
    """From where the mouse was pressed to where it was let go; the button and a double click show all again."""
    assert text(browser, "#window") == "the whole run"
    x, y = browser.centre("#time-charts .u-over")
    browser.drag((x - 100, y), (x + 100, y))
    browser.settle()
    told = text(browser, "#window")
    assert " to " in told
    ranges = browser.ask("timeCharts.map(({plot}) => [plot.scales.x.min, plot.scales.x.max])")
    assert len(ranges) == 4
    assert all(pair == ranges[0] for pair in ranges)
    assert ranges[0][1] - ranges[0][0] < 60
    browser.click("#reset")
    assert text(browser, "#window") == "the whole run"
    assert browser.ask("document.getElementById('reset').disabled")


def test_buttons_and_keys_zoom_and_move(browser: Browser) -> None:
    """The same by mouse and by keyboard."""
    browser.click(named("zoom in"))
    browser.click(named("zoom in"))
    by_mouse = text(browser, "#window")
    browser.click(named("later"))
    assert text(browser, "#window") != by_mouse
    browser.click(named("earlier"))
    assert text(browser, "#window") == by_mouse
    browser.click(named("zoom out"))
    browser.click(named("zoom out"))
    assert text(browser, "#window") == "the whole run"
    browser.ask("document.querySelector('#time-charts .chart').focus()")
    browser.press("+")
    browser.press("+")
    assert text(browser, "#window") == by_mouse
    browser.press("ArrowRight")
    browser.press("ArrowLeft")
    assert text(browser, "#window") == by_mouse
    browser.press("0")
    assert text(browser, "#window") == "the whole run"


def test_the_mouse_reads_values_on_every_chart(browser: Browser) -> None:
    """One moment, all series, and the event that is near."""
    at = browser.ask(
        "const m = marks.find(r => r.level === 'error'); timeCharts[0].plot.valToPos(m.offset_ms / 1000, 'x')"
    )
    x, y = browser.ask(
        "(e => { e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
        "return [b.left, b.top + 60]; })(document.querySelector('#time-charts .u-over'))"
    )
    browser.hover(x + at, y)
    assert "w1 lost" in text(browser, "#moment")
    assert all(browser.ask("[...document.querySelectorAll('#time-charts .value')].map(v => v.textContent.trim())"))
    browser.hover(2, 2)
    assert text(browser, "#moment") == ""


def test_the_heatmap_tells_its_cells(browser: Browser) -> None:
    """How many requests took so long, then."""
    where = browser.ask("(({plot}) => [plot.over.clientWidth / 2, plot.valToPos(20, 'y')])(timeCharts[3])")
    left, top = browser.ask(
        "(e => { e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect(); return [b.left, b.top]; })"
        "(timeCharts[3].plot.over)"
    )
    browser.hover(left + where[0], top + where[1])
    assert "request" in str(browser.ask("timeCharts[3].host.parentElement.querySelector('.unit').textContent"))


def test_events_can_be_hidden(browser: Browser) -> None:
    """Their marks go from the charts, and come back."""
    before = browser.ask(CANVAS)
    browser.ask("[...document.querySelectorAll('.tools button')].find(b => b.textContent === 'events').id = 'events'")
    browser.click("#events")
    assert pressed(browser, "#events") == "false"
    assert browser.ask(CANVAS) != before
    browser.click("#events")
    browser.hover(2, 2)
    assert browser.ask(CANVAS) == before


@pytest.mark.parametrize("section", ["time-charts", "spectrum"])
def test_scales_can_be_logarithmic(browser: Browser, section: str) -> None:
    """Both ways."""
    button = f"#{section} .chart-head button.quiet"
    before = pressed(browser, button)
    browser.click(button)
    assert pressed(browser, button) != before
    browser.click(button)
    assert pressed(browser, button) == before


def test_tables_sort_by_their_headings(browser: Browser) -> None:
    """By mouse and by keyboard, numbers from the largest, names from the first, the other way the second time."""
    requests = [int(cell.replace("\u202f", "")) for cell in column(browser, 2)]
    assert requests == sorted(requests, reverse=True)
    browser.click("#endpoints thead th:nth-child(2) button")
    names = column(browser, 1)
    assert names == sorted(names)
    browser.ask("document.querySelector('#endpoints thead th:nth-child(2) button').focus()")
    browser.press("Enter")
    assert column(browser, 1) == names[::-1]
    assert browser.ask("document.querySelector('#endpoints thead th:nth-child(2)').ariaSort") == "descending"


def test_endpoints_are_chosen_for_the_spectrum(browser: Browser) -> None:
    """The box of a row puts it in, its legend takes it out."""
    legend = "document.querySelectorAll('#spectrum .key').length"
    before = browser.ask(legend)
    browser.click("#endpoints tbody tr input")
    assert browser.ask(legend) == before - 1
    browser.click("#endpoints tbody tr input")
    assert browser.ask(legend) == before
    browser.click("#spectrum .key")
    assert browser.ask(legend) == before - 1
    for _ in range(before - 1):
        browser.click("#spectrum .key")
    assert browser.ask(legend) == 0


def test_the_story_filters_and_leads_to_the_charts(browser: Browser) -> None:
    """Only what went wrong; and where on the charts it was."""
    lines = "document.querySelectorAll('.story li').length"
    before = browser.ask(lines)
    browser.click("#story .chart-head button")
    assert 0 < browser.ask(lines) < before
    browser.click(".story .error .when")
    assert " to " in text(browser, "#window")


def test_the_log_is_read_from_a_level_on(only_browser: Browser, tmp_path: Path) -> None:
    """A button for each level that there is; hostile lines stay text; on paper every line is there, and no button."""
    levels = ("info", "warning", "error", "critical")
    rows = tuple(LogRow(n, n, "w1", "w1/0", levels[n % 4], "shop", f"{n} {EVIL}") for n in range(8))
    state = State()
    for entry in entries(Shop(seconds=20)):
        fold_entry(state, entry)
    shown = replace(frame(state, state.log.closed_ms), logs=rows, logs_left_out=3)
    out = tmp_path / "logged.html"
    out.write_text(render(report_of(state, state.log.closed_ms, shown=shown)))
    only_browser.problems.clear()
    only_browser.open(out)
    lines = "document.querySelectorAll('#log li').length"
    assert only_browser.ask(lines) == len(rows)
    for button, left in ((2, 6), (3, 4), (4, 2)):
        only_browser.click(f"#log .chart-head button:nth-child({button})")
        assert only_browser.ask(lines) == left
    only_browser.click("#log .chart-head button:nth-child(1)")
    assert EVIL in text(only_browser, "#log li")
    assert "3 lines were held back" in text(only_browser, "#log .hint")
    only_browser.picture(tmp_path / "light.png", whole=True)
    only_browser.prefer("dark")
    only_browser.settle()
    only_browser.picture(tmp_path / "dark.png", whole=True)
    only_browser.call("Emulation.setEmulatedMedia", media="print")
    assert only_browser.ask("document.querySelector('#log .chart-head').getClientRects().length") == 0
    assert only_browser.ask("document.querySelectorAll('#log li').length") == len(rows)
    only_browser.picture(tmp_path / "paper.png", whole=True)
    only_browser.call("Emulation.setEmulatedMedia", media="")
    assert only_browser.problems == []


def test_the_source_opens(browser: Browser) -> None:
    """With its lines."""
    browser.click("#configuration summary")
    assert "class Shopper(HttpUser):" in text(browser, "#configuration .source")


def test_it_prints(browser: Browser, tmp_path: Path) -> None:
    """On some pages, in light colours whatever the screen shows, and the screen is as it was afterwards."""
    browser.prefer("dark")
    browser.settle()
    before = browser.ask(CANVAS)
    paper = tmp_path / "report.pdf"
    browser.paper(paper)
    assert paper.read_bytes().startswith(b"%PDF")
    browser.settle()
    assert browser.ask("document.documentElement.className") == "ready"
    assert browser.ask(THEME) == DARK
    assert browser.ask(CANVAS) == before


def test_on_paper_there_is_nothing_to_press_and_every_column_has_its_heading(
    only_browser: Browser, tmp_path: Path
) -> None:
    """As many headings as cells in every table, those of users' own measures among them."""
    only_browser.open(page(tmp_path, Shop(seconds=20, measures=True, judges=True)))
    only_browser.call("Emulation.setEmulatedMedia", media="print")
    seen = "row => [...row.children].filter(cell => getComputedStyle(cell).display !== 'none').length"
    counts = f"t => [t.querySelector('thead tr'), t.querySelector('tbody tr')].map({seen})"
    tables = only_browser.ask(
        f"[...document.querySelectorAll('table')].filter(t => t.tBodies[0].rows.length).map({counts})"
    )
    pressable = "[...document.querySelectorAll('#print, #theme, #reset, input')].filter(e => e.getClientRects().length)"
    buttons = only_browser.ask(f"{pressable}.length")
    only_browser.call("Emulation.setEmulatedMedia", media="")
    assert len(tables) > 5
    assert all(headings == cells for headings, cells in tables), tables
    assert buttons == 0


def test_thresholds_are_told_beside_the_charts(only_browser: Browser, tmp_path: Path) -> None:
    """In the legend of the chart that they concern, with how they stand."""
    only_browser.problems.clear()
    only_browser.open(page(tmp_path, Shop(judges=True)))
    told = only_browser.ask("[...document.querySelectorAll('#time-charts .limit')].map(e => e.innerText.trim())")
    assert [" ".join(line.replace("above", "").split()) for line in told] == ["fail% < 5% ✔", "p95 < 300ms ✘"]
    assert only_browser.problems == []


def test_hostile_text_is_shown_and_not_run(only_browser: Browser, tmp_path: Path) -> None:
    """As text, wherever it stands."""
    only_browser.problems.clear()
    only_browser.open(page(tmp_path, Shop(seconds=20, measures=True, judges=True, said=EVIL, source=EVIL.encode())))
    for summary in ("#exceptions summary", "#samples summary", "#configuration summary"):
        only_browser.click(summary)
    assert only_browser.ask("document.title") != "owned"
    assert only_browser.ask("document.querySelectorAll('img, b').length") == 0
    assert EVIL in text(only_browser, "#endpoints")
    assert EVIL in text(only_browser, "#thresholds")
    assert only_browser.problems == []


def test_the_limit_is_a_picture(only_browser: Browser, tmp_path: Path) -> None:
    """A chart for each threshold of the search with something drawn in it, the levels below, the rows of thresholds."""
    only_browser.problems.clear()
    only_browser.open(page(tmp_path, Shop(judges=True)))
    assert "41 users, 39 to 42" in text(only_browser, "#limit .note")
    drawn = "[...document.querySelectorAll('#limit canvas')].map(c => new Set(c.getContext('2d')"
    colours = only_browser.ask(f"{drawn}.getImageData(0, 0, c.width, c.height).data).size)")
    assert len(colours) == 2
    assert min(colours) > 20
    levels = only_browser.ask("[...document.querySelectorAll('#limit tbody tr')].map(row => row.children[1].innerText)")
    assert levels == ["5", "10", "20", "40", "40", "40", "41", "41", "42", "44", "56", "80"]
    only_browser.click("#limit tbody button")
    words = only_browser.ask("[...document.querySelectorAll('#thresholds .badge')].map(badge => badge.innerText)")
    assert words == ["failed", "passed", "unjudged"]
    assert only_browser.problems == []


def test_what_users_measured_is_there(only_browser: Browser, tmp_path: Path) -> None:
    """Transactions fold, figures are those of the run, a failed request opens."""
    only_browser.problems.clear()
    only_browser.open(page(tmp_path, Shop(seconds=28, workers=2, measures=True)))
    names = (
        "[...document.querySelectorAll('#transactions tbody th')].map(cell => cell.innerText.replace(/[▾▸\\n]/g, ''))"
    )
    tree = ["browse", "{region=eu}", "{region=us}", "checkout", "{region=eu}", "{region=us}", "pay"]
    assert only_browser.ask(names)[:7] == tree
    only_browser.click("button[aria-label='checkout: fold']")
    assert only_browser.ask(names) == tree[:4]
    only_browser.click("button[aria-label='checkout: unfold']")
    assert only_browser.ask(names)[:7] == tree
    assert "75.00 %" in text(only_browser, "#checks tbody tr")
    assert "orders" in text(only_browser, "#metrics")
    assert "region=eu" in text(only_browser, "#tagged")
    only_browser.click("#samples summary")
    assert "the payment service\nis busy" in text(only_browser, "#samples details")
    assert only_browser.problems == []


def test_small_runs_have_pages_too(only_browser: Browser, tmp_path: Path) -> None:
    """Without a request, with a second only, going on."""
    shops = [Shop(seconds=1), Shop(seconds=2, endpoints=()), Shop(seconds=20, is_closed=False)]
    for number, shop in enumerate(shops):
        folder = tmp_path / str(number)
        folder.mkdir()
        only_browser.problems.clear()
        only_browser.open(page(folder, shop))
        assert only_browser.ask("document.documentElement.className") == "ready"
        assert only_browser.problems == []


def test_an_hour_is_a_small_page(only_browser: Browser, tmp_path: Path) -> None:
    """Opening costs by what is drawn, so that is bounded however long the run: bench/report_open.py takes the time."""
    out = page(tmp_path, Shop(seconds=3_600, workers=1, users=8))
    only_browser.problems.clear()
    only_browser.open(out)
    assert "each point is of 8 seconds" in text(only_browser, "#rolled-up")
    assert only_browser.ask("document.querySelectorAll('*').length") < ELEMENTS_MAX
    assert out.stat().st_size < BYTES_MAX
    assert only_browser.problems == []
