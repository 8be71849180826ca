"""The log as lines: every entry has one, with facts to ask for."""

from __future__ import annotations

import json

import pytest
from histories import T0, block, by, entries, finished, lost, report, reported, running, stopped, ticked

from tidal.model import events as ev
from tidal.model.codec import LOG, REPORTS, Entry, EntryId
from tidal.model.struct import replace
from tidal.model.telling import UNITS, Line, Teller, as_json, facts
from tidal.model.terms import condition


def told(*happenings: object) -> list[Line]:
    """The lines of a history."""
    teller = Teller()
    return [teller.tell(entry) for entry in entries(*happenings)]  # type: ignore[arg-type]


def test_every_entry_has_its_line() -> None:
    """News as in the story, the rest by name, reports by what they count."""
    lines = told(running("w1", "w2"), reported("w1", 1, requests=8, failures=2), ticked("w1"), lost("w2"))
    assert [line.kind for line in lines] == ["ro", "ws", "wc", "ws", "wc", "rs", "ps", "rp", "tk", "wl"]
    report_line, tick, loss = lines[-3:]
    assert (report_line.who, report_line.text) == ("w1", "reports 8 requests in 1.0 s, 2 failed, 5 users")
    assert tick.text == "ticked: beats (1), redis_rtt_us 400, judged_to_s 0"
    assert (loss.who, loss.level, loss.name) == ("w2", "error", "worker_lost")
    assert [line.offset_ms for line in lines[:2]] == [None, None]


@pytest.mark.parametrize(
    ("where", "kinds"),
    [
        ("kind=wl", ["wl"]),
        ("type=worker_lost or kind=reported and fail%>=25", ["rp", "wl"]),
        ("worker=w1 and stream=reports", ["rp", "wf"]),
        ("requests>7", ["rp"]),
        ("level=error", ["wl"]),
        ("users=10 and kind!=rp", []),
        ("author=ann", ["so"]),
        ("text~heartbeat", ["wl"]),
        ("at>=0 and kind=so", ["so"]),
    ],
)
def test_conditions_pick_lines(where: str, kinds: list[str]) -> None:
    """By the line's own columns and by the fields of its event."""
    lines = told(running("w1", "w2"), reported("w1", 1, 8, 2), lost("w2"), stopped(), finished("w1", 2))
    holds = condition(where, UNITS).holds
    assert [line.kind for line in lines if holds(facts(line))] == kinds


def test_lines_of_logging_are_told_and_found() -> None:
    """Those of the master's side in an entry of their own, those of workers in a report; the heaviest counts."""
    said = (ev.LogLine(T0, "info", "stdout", "hello"), ev.LogLine(T0, "critical", "shop.pay", "no\nmoney"))
    many = tuple(ev.LogLine(T0, "warning", "shop", f"no {n}") for n in range(5))
    heard = replace(report(block(0, 1), to_ms=1_000), lines=many)
    lines = told(running("w1"), ev.Logged(said), by("w1", 1, heard), reported("w1", 2))
    master, worker, silent = lines[-3:]
    assert (master.level, master.text) == ("error", "logs critical: stdout: hello; shop.pay: no money")
    assert worker.level == "warning"
    assert worker.text.endswith("; logs warning: shop: no 0; shop: no 1; shop: no 2; and 2 more")
    assert (silent.level, "logs" in silent.text) == ("", False)
    holds = condition('level=error and text~"no money"', UNITS).holds
    assert [line for line in lines if holds(facts(line))] == [master]


def test_nonsense_has_a_line_too() -> None:
    """Refused entries and unknown kinds are named, and nothing is raised."""
    teller = Teller()
    torn = teller.tell(Entry(REPORTS, EntryId(T0, 0), "rp", 1, b"\x00\xc1"))
    new = teller.tell(Entry(LOG, EntryId(T0, 1), "zz", 1, b"\x00\x90"))
    assert (torn.name, torn.level, new.name) == ("refused", "warning", "unknown")
    assert facts(torn)["type"] == "refused"
    assert as_json(new)["event"] is None


def test_json_has_all_of_an_entry_and_no_control_character() -> None:
    """For programs: the fields as in the schema, texts cleaned, bytes as their length."""
    named = report(block(0, 3, name="/a\x1b[2J"), to_ms=1_000)
    lines = told(running("w1"), by("w1", 1, named), ev.FileChunk("aa", 0, 1, b"secret"))
    text = json.dumps([as_json(line) for line in lines])
    assert "\\u001b" not in text
    assert '{"bytes": 6}' in text
    assert as_json(lines[-2])["event"]["blocks"][0][1] == 1
