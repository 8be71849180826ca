"""Transactions, metrics, checks, tags and failed requests in text, Markdown, JSON and the report."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from recordings import Shop, entries, record

from tidal.model.fold import fold_entry
from tidal.model.frame import frame
from tidal.model.state import State
from tidal.outputs.html import render
from tidal.outputs.html_data import report_of
from tidal.outputs.json import frame_json
from tidal.outputs.layout import NOTHING, width
from tidal.outputs.markdown import markdown
from tidal.outputs.measured import SAMPLES_MAX, figure
from tidal.outputs.text import summary
from tidal.report import read_frame

if TYPE_CHECKING:
    from pathlib import Path

    from tidal.model.rows import Frame

SHOP = Shop(seconds=28, workers=2, measures=True)
EVIL = "`|</script><img src=x onerror=alert(1)>\x1b[31m\u202e\n# "


def state_of(shop: Shop) -> State:
    """As a viewer has it."""
    state = State()
    for entry in entries(shop):
        fold_entry(state, entry)
    return state


@pytest.fixture(scope="module")
def shown() -> Frame:
    """The shop at its end."""
    return frame(state_of(SHOP), 1 << 60)


def lines_after(text: str, title: str) -> list[str]:
    """The table below a title."""
    return text.partition(f"{title}\n")[2].partition("\n\n")[0].splitlines()


def test_the_tables_say_what_was_measured(shown: Frame) -> None:
    """A tree of transactions, tags below the row of all, figures that a kind has."""
    text = summary(shown)
    tree = [
        re.split(r"  +", line.strip())[:4] for line in lines_after(text, "Transactions (busy: without waiting)")[2:]
    ]
    assert tree[0] == ["browse", "56", "14.28 %", "112"]
    assert [row[0] for row in tree] == [
        *("browse", "{region=eu}", "{region=us}", "checkout", "{region=eu}", "{region=us}"),
        *("pay", "{region=eu}", "{region=us}"),
    ]
    assert ["has an id", "42", "14", "75.00 %"] in [re.split(r"  +", line) for line in lines_after(text, "Checks")]
    metrics = {line.split("  ")[0]: re.split(r"  +", line) for line in lines_after(text, "Metrics")}
    assert metrics["orders (items)"][1:5] == ["counter", "56", "56", "2"]
    assert metrics["queue (items)"][1:6] == ["gauge", "56", "0", NOTHING, "0"]
    assert metrics["hit"][1:4] == ["rate", "56", "75.00 %"]
    assert metrics["cart (items)"][1:3] == ["trend", "56"]
    assert lines_after(text, "Requests by tags")[2].startswith("region=eu  POST    /checkout        28")


def test_failed_requests_can_be_read(shown: Frame) -> None:
    """What was asked, what came back, where it happened."""
    text = summary(shown)
    block = lines_after(text, "Failed requests, a few of them")
    assert block[0] == "0:00  POST http://shop.example/checkout: status 503 after 110 ms"
    assert "(worker w1, user Shopper, region=eu, in checkout / pay)" in block[1]
    assert block[2:7] == [
        "    > Accept: */*",
        '    >   {"card": "[redacted]"}',
        "    < Server: shop/1",
        "    <   the payment service",
        "    <   is busy",
    ]
    kinds = {(row.method, row.name, row.error) for row in shown.samples}
    assert len(shown.samples) > len(kinds), "some are of one kind"
    assert sum(line.endswith("after 110 ms") for line in block) == min(SAMPLES_MAX, len(kinds))
    assert block[-1].startswith(f"… and {len(shown.samples) - len(kinds)} more")


@pytest.mark.parametrize("most", [60, 80, 120])
def test_tables_fit_a_narrow_terminal(shown: Frame, most: int) -> None:
    """The least important columns go."""
    text = summary(shown, most)
    for title in ("Transactions (busy: without waiting)", "Checks", "Metrics", "Requests by tags"):
        assert max(map(width, lines_after(text, title))) <= most


def test_markdown_has_them_too(shown: Frame) -> None:
    """As tables."""
    text = markdown(shown)
    assert "| `checkout / pay {region=eu}` | 28 |" in text
    assert "| `has an id` | 42 | 14 | 75.00 % |" in text
    assert "| `orders (items)` | counter | 56 | 56 | 2 |" in text


def test_json_has_all_of_it(shown: Frame) -> None:
    """Rows as the frame has them."""
    value = json.loads(frame_json(shown))
    assert {row["name"]: row["value"] for row in value["metrics"]}["orders"] == 56.0
    assert value["transactions"][0]["path"] == ["browse"]
    assert value["checks"][0] == {"fails": 14, "name": "has an id", "passes": 42, "tags": ""}
    assert value["samples"][0]["response_body"] == "the payment service\nis busy"
    assert value["samples_dropped"] == shown.samples_dropped > 0


def test_live_and_replayed_are_the_same(tmp_path: Path, shown: Frame) -> None:
    """Byte for byte."""
    assert frame_json(read_frame(record(tmp_path / "r.tidal", SHOP))) == frame_json(shown)


def test_hostile_text_is_only_text() -> None:
    """In no output does it steer a terminal, end a table or become markup."""
    state = state_of(Shop(seconds=8, measures=True, said=EVIL))
    evil = frame(state, 1 << 60)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", summary(evil) + frame_json(evil) + markdown(evil))
    assert "<img" not in render(report_of(state, 1 << 60)).partition('id="data"')[2]


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0, "0"), (12.0, "12"), (1_234_567.0, "1,234,567"), (-3.0, "-3"), (0.12345, "0.1235"), (98_765.4, "98,765")],
)
def test_figures_are_as_people_read_them(value: float, told: str) -> None:
    """Whole numbers whole, others with four digits."""
    assert figure(value) == told
