"""The report: the same archive gives the same bytes, nothing in a run becomes markup, and the page stays small."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from recordings import Shop, entries, record

from tidal.archive import ArchiveWriter
from tidal.errors import ArchiveDamaged, UsageError
from tidal.model.fold import fold_entry
from tidal.model.frame import frame
from tidal.model.rows import LogRow
from tidal.model.series import Series
from tidal.model.state import State
from tidal.model.stats import Tally
from tidal.model.struct import replace
from tidal.model.text import without_password
from tidal.outputs.html import as_script_data, render
from tidal.outputs.html_data import LINES_MAX, PLAIN_LINES_MAX, SOURCE_BYTES_MAX, report_of
from tidal.outputs.html_shapes import COLUMNS_MAX, ROWS_MAX, SPECTRUM, heatmap, spectrum
from tidal.report import read, read_frame, read_html, read_report, write_html

EVIL = "</script><img src=x onerror=alert(1)><!--"


def state_of(shop: Shop) -> State:
    """The state as a viewer has it who followed the run."""
    state = State()
    for entry in entries(shop):
        fold_entry(state, entry)
    return state


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two minutes of a shop."""
    return record(tmp_path / "shop.tidal", Shop())


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text of scripts, as a browser would read them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave it."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Note its text."""
        if self._inside:
            self.texts[self._inside][-1] += data

    @property
    def data(self) -> Any:
        """The run's data."""
        return json.loads(self.texts["script"][0])


def test_the_same_archive_gives_the_same_bytes(archive: Path) -> None:
    """No date of making, no chance, no order of a set."""
    assert read_html(archive) == read_html(archive)


def test_live_and_archived_are_the_same_page(archive: Path) -> None:
    """Made from a state that was followed, and from the archive after the run was closed."""
    state = state_of(Shop())
    live = render(report_of(state, state.log.closed_ms, {"locustfile.py": Shop().source}))
    assert live == read_html(archive)


def test_a_run_that_goes_on_has_a_report_too(tmp_path: Path) -> None:
    """As it stood when the recording ended."""
    data = read_report(record(tmp_path / "r.tidal", Shop(seconds=30, is_closed=False))).data
    assert data["run"]["exit_code"] is None
    assert data["chart"]["rps_milli"]


def test_the_figures_are_the_frames(archive: Path) -> None:
    """What the terminal says, the page says."""
    frame, data = read_frame(archive), read_report(archive).data
    total = data["endpoints"]["rows"][0]
    assert (total["requests"], total["max_us"]) == (frame.total.requests, frame.total.max_us)
    assert total["percentiles_us"][0] == frame.total.median_us
    assert {row["name"] for row in data["endpoints"]["rows"][1:]} == {row.name for row in frame.endpoints}
    assert [row["text"] for row in data["story"]] == [row.text for row in frame.story]
    assert data["ledger"]["planned_user_ms"] == frame.ledger.planned_user_ms
    assert sum(sum(column[1::2]) for column in data["heat"]["columns"]) == frame.total.requests


def test_nothing_in_a_run_becomes_markup(tmp_path: Path) -> None:
    """Names, errors, tracebacks, the file's path and its source: all of it stays text."""
    shop = Shop(seconds=20, measures=True, judges=True, said=EVIL, source=f"# {EVIL}\n".encode())
    usual = Page(read_html(record(tmp_path / "usual.tidal", Shop(seconds=20))))
    hostile = Page(read_html(record(tmp_path / "hostile.tidal", shop)))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in usual.elements]
    assert EVIL in hostile.data["source"][0]["text"]
    assert any(row["name"].startswith(EVIL) for row in hostile.data["endpoints"]["rows"])
    assert hostile.data["exceptions"][0]["message"].startswith(EVIL)
    assert EVIL in hostile.data["thresholds"][2]["text"]


def test_what_was_asked_of_the_run_is_there(tmp_path: Path) -> None:
    """Each threshold as it stands; the search for the limit with every level and the units of its thresholds."""
    data = Page(read_html(record(tmp_path / "r.tidal", Shop(judges=True)))).data
    assert [row["word"] for row in data["thresholds"]] == ["failed", "passed", "unjudged"]
    assert [(line["chart"], line["value"], line["is_bad"]) for line in data["limits"]] == [
        ("latency", 300_000, True),
        ("requests", 5_000, False),
    ]
    assert data["limit"]["units"] == ["ms", "%"]
    assert (data["limit"]["level_milli"], len(data["limit"]["probes"])) == (41_000, 12)
    assert Page(read_html(record(tmp_path / "usual.tidal", Shop(seconds=20)))).data["limit"] is None


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "]]>&amp;", "\u2028\u2029", "@@SCRIPT@@"])
def test_data_cannot_end_its_element(text: str) -> None:
    """And reads back as it was."""
    told = as_script_data({"name": text})
    assert not set(told) & set("<>&\u2028\u2029")
    assert json.loads(told) == {"name": text}


def test_the_policy_names_our_script_and_style_and_nothing_else(archive: Path) -> None:
    """The hashes are those of what stands in the page; nothing may be fetched."""
    page = Page(read_html(archive))
    policy = next(a["content"] for tag, a in page.elements if tag == "meta" and "http-equiv" in a)
    assert policy is not None
    for text, source in ((page.texts["script"][1], "script-src"), (page.texts["style"][0], "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{source} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_the_page_names_no_address_to_load_from(archive: Path) -> None:
    """One file: no link, image, frame or script from elsewhere."""
    for _, attributes in Page(read_html(archive)).elements:
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))


def test_the_licence_of_the_charts_is_in_the_page(archive: Path) -> None:
    """It asks to be in every copy."""
    assert "Copyright (c) 2022 Leon Sorokin" in read_html(archive)


def test_passwords_in_addresses_stay_out(archive: Path) -> None:
    """Of the host that was asked for."""
    text = read_html(archive)
    assert "s3cret" not in text
    assert "http://…@shop.example" in Page(text).data["run"]["host"]


@pytest.mark.parametrize(
    ("text", "told"),
    [("redis://:pw@h/0", "redis://…@h/0"), ("http://h/a@b", "http://h/a@b"), ("mail ann@h", "mail ann@h")],
)
def test_only_the_user_of_an_address_is_left_out(text: str, told: str) -> None:
    """An @ elsewhere is no secret."""
    assert without_password(text) == told


def test_an_hour_is_not_larger_than_some_minutes(tmp_path: Path) -> None:
    """The page is bounded in the length of the run."""
    long = Shop(seconds=3_600, workers=1, users=8)
    page = read_html(record(tmp_path / "hour.tidal", long))
    data = Page(page).data
    assert len(page) < 500_000
    assert len(data["chart"]["rps_milli"]) <= 600
    assert len(data["heat"]["columns"]) <= COLUMNS_MAX


def test_many_endpoints_are_cut_and_counted(tmp_path: Path) -> None:
    """The busiest stay, and the page says how many there were."""
    many = tuple(("GET", f"/{n}", 5) for n in range(700))
    data = read_report(record(tmp_path / "r.tidal", Shop(seconds=2, workers=1, endpoints=many))).data
    assert data["totals"]["endpoints"] == 700
    assert len(data["endpoints"]["rows"]) == 501
    assert len(data["endpoints"]["spectra"]) == 61


def test_a_long_source_is_cut(tmp_path: Path) -> None:
    """And says by how much; without source it is not there at all."""
    shop = Shop(seconds=2, source=b"# a line\n" * 40_000)
    path = record(tmp_path / "r.tidal", shop)
    (shown,) = read_report(path).data["source"]
    assert len(shown["text"]) <= SOURCE_BYTES_MAX
    assert shown["cut"] == len(shop.source) - SOURCE_BYTES_MAX
    assert read(path).report().data["source"] == []


def test_a_file_that_is_no_text_is_left_out(tmp_path: Path) -> None:
    """A picture that a run shipped is no source."""
    path = record(tmp_path / "r.tidal", Shop(seconds=2, source=b"\x89PNG\xff\xfe"))
    assert read_report(path).data["source"] == []


def test_a_verdict_has_its_place() -> None:
    """With its reasons."""
    state = state_of(Shop(seconds=5))
    told = report_of(state, state.log.closed_ms).data["verdict"]
    assert told["word"] == "invalid"
    assert any("not generated" in reason for reason in told["reasons"])


def test_a_run_without_requests_has_a_page(tmp_path: Path) -> None:
    """No chart of nothing."""
    data = read_report(record(tmp_path / "r.tidal", Shop(seconds=2, endpoints=()))).data
    assert data["heat"] is None
    assert data["endpoints"]["rows"][0]["requests"] == 0


def test_an_archive_without_an_entry_says_so(tmp_path: Path) -> None:
    """One line, no page."""
    path = tmp_path / "r.tidal"
    ArchiveWriter(path, {"run": "r1"}).close()
    with pytest.raises(ArchiveDamaged, match="holds no run"):
        read_html(path)


def test_where_it_is_written(archive: Path, tmp_path: Path) -> None:
    """To a file or a stream; a folder that is not there is one line."""
    out, stream = tmp_path / "r.html", StringIO()
    write_html(archive, out)
    write_html(archive, stream)
    assert out.read_text(encoding="utf8") == stream.getvalue()
    with pytest.raises(UsageError, match="cannot write"):
        write_html(archive, tmp_path / "nowhere" / "r.html")


def test_the_charts_library_is_the_one_that_was_decided_on() -> None:
    """Its files are those whose hashes the decision names."""
    root = Path(__file__).resolve().parents[2]
    decision = (root / "docs" / "decisions" / "0009-charts-by-uplot.md").read_text(encoding="utf8")
    for name in ("uPlot.iife.min.js", "uPlot.min.css"):
        digest = hashlib.sha256((root / "tidal" / "outputs" / "static" / name).read_bytes()).hexdigest()
        assert f"| `{name}` | `{digest}` |" in decision


# ------------------------------------------------------------------ shapes


def test_a_spectrum_rises_and_ends_with_the_maximum() -> None:
    """Percentiles that the samples cannot tell are left out."""
    tally = Tally()
    for us in range(1, 1_001):
        tally.add(us * 100, 0, failed=False)
    values = spectrum(tally)
    assert values == sorted(values)
    assert values[-1] == tally.max_us == 100_000
    assert len(values) < len(SPECTRUM)
    assert spectrum(Tally()) == []


def test_a_heatmap_counts_every_sample_once() -> None:
    """In few columns and rows, however long and wide the series is."""
    series = Series()
    for second in range(5_000):
        point = series.at(second)
        for bucket in (second % 2_000, 7):
            point.histogram[bucket] = point.histogram.get(bucket, 0) + 1
    heat = heatmap(series, 5_000)
    assert heat is not None
    assert len(heat.columns) <= COLUMNS_MAX
    assert len(heat.edges_us) <= ROWS_MAX + 1
    assert sum(sum(column[1::2]) for column in heat.columns) == 10_000
    assert all(row < len(heat.edges_us) - 1 for column in heat.columns for row in column[::2])
    assert heatmap(Series(), 10) is None


def test_the_page_loads_nothing_that_is_not_in_it() -> None:
    """No script of ours speaks to a network or reads text as markup."""
    page = render(report_of(state_of(Shop(seconds=2)), 1 << 50))
    ours = page.partition("What every part of the page needs")[2]
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|innerHTML|insertAdjacentHTML|document\.write|eval\(", ours)


def test_no_two_scripts_give_one_name() -> None:
    """They become one script: a name that is given twice is an error before the first line of it runs."""
    page = render(report_of(state_of(Shop(seconds=2)), 1 << 50))
    ours = page.partition("What every part of the page needs")[2]
    names = re.findall(r"(?m)^(?:async )?(?:function|const|let|class) (\w+)", ours)
    assert len(names) > 50
    assert {name for name in names if names.count(name) > 1} == set()


def test_lines_of_logging_are_there_and_bounded() -> None:
    """The newest, without passwords, as text; how many there are is said."""
    state = state_of(Shop(seconds=20))
    lines = [LogRow(n, n, "w1", "w1/0", "error", EVIL, f"http://u:s3cret@h {n} {EVIL}") for n in range(LINES_MAX + 7)]
    shown = replace(frame(state, state.log.closed_ms), logs=tuple(lines), logs_left_out=3)
    page = Page(render(report_of(state, state.log.closed_ms, shown=shown)))
    assert [row["at_ms"] for row in page.data["logs"]] == list(range(7, LINES_MAX + 7))
    assert (page.data["totals"]["logs"], page.data["totals"]["logs_left_out"]) == (LINES_MAX + 7, 3)
    assert page.data["logs"][0]["text"] == f"http://…@h 7 {EVIL}"
    assert "s3cret" not in str(page.data["logs"])
    assert ("img", "onerror") not in [(tag, name) for tag, named in page.elements for name in named]


def test_where_no_script_may_run_there_are_lines_of_logging_too() -> None:
    """Below the tables: the newest, each in a line of its own, without passwords, and as text."""
    state = state_of(Shop(seconds=20))
    origin_ms = state.log.began_ms
    lines = [
        LogRow(origin_ms + 1_000 * n, n, "w1", "w1/0", "error", "shop", f"http://u:s3cret@h {n} {EVIL}\n2nd")
        for n in range(PLAIN_LINES_MAX + 3)
    ]
    shown = replace(frame(state, state.log.closed_ms), logs=tuple(lines))
    report = report_of(state, state.log.closed_ms, shown=shown)
    told = report.plain.partition(f"\nLog, the newest {PLAIN_LINES_MAX} of {PLAIN_LINES_MAX + 3}\n")[2].splitlines()
    assert len(told) == PLAIN_LINES_MAX
    assert told[0] == f"    0:03  w1/0 error  http://…@h 3 {EVIL}⏎2nd"
    (plain,) = Page(render(report)).texts["pre"]
    assert plain == report.plain
    assert "\nLog" not in report_of(state, state.log.closed_ms, shown=replace(shown, logs=())).plain
