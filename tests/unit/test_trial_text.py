"""What `tidal check` prints, given what it was told."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.model.pipe import ArgumentSpec, Loaded
from tidal.model.trial import ClassRow, Ended, Outline, Printed, Raised, Step, TaskRow, Tried
from tidal.outputs.layout import NOTHING
from tidal.outputs.trial import Account

if TYPE_CHECKING:
    from tidal.model.events import Event

TASKS = (
    TaskRow("home", 0, 0.25, "task", ("fast", "smoke"), "shop.py:7"),
    TaskRow("Purchase", 0, 0.75, "sequence"),
    TaskRow("pay", 1),
)
OUTLINE = Outline((ClassRow("Buyer", "HttpUser", 3, 0, "http://shop", "shop.py:5", TASKS, ("no wait_time",)),))
ARGUMENTS = (
    ArgumentSpec("who", "--who", '"ann"', "who it is"),
    ArgumentSpec("key", "--key", '"opensesame"', is_secret=True),
    ArgumentSpec("must", "--must", "null", is_required=True),
)
LOADED = Loaded((), ("users.csv",), ARGUMENTS, "Wave", hooks=("init", "quit"))


def told(*events: Event, is_traced: bool = False) -> tuple[Account, list[str]]:
    """The account of these events, and its lines."""
    account = Account(is_traced=is_traced)
    return account, [line for event in events for line in account.take(event)]


def test_an_outline_has_tasks_shares_tags_and_places() -> None:
    """And the file's arguments, without secrets."""
    _, lines = told(LOADED, OUTLINE)
    assert lines == [
        "Buyer  HttpUser, weight 3, http://shop   shop.py:5",
        "   25% home  #fast #smoke   shop.py:7",
        "   75% Purchase (in order)",
        "         pay",
        "  ! no wait_time",
        'argument  --who = "ann"   who it is',
        "argument  --key",
        "argument  --must (required)",
        "shape     Wave",
        "hooks     init, quit",
        "needs     users.csv",
    ]


def test_requests_stand_below_the_task_that_made_them() -> None:
    """With status, time, size and what failed."""
    account, lines = told(
        Step("user", "Buyer"),
        Step("task", "home", 1),
        Tried("GET", "/", 4_000, 54, 200),
        Tried("POST", "/cart", None, 0, 0, "ConnectionRefusedError(111)"),
        Tried("GET", "/x", 1_500, 12, 500, "500 Server Error", got_body='{"error": 1}'),
        Printed("hello"),
        Step("check", "has an id", 2),
        Step("unheld", "is cheap", 2),
        Step("transaction", "buy / pay", 2, 12_300, 2),
        Step("broken", "buy", 2, 2_000_000, 1),
        Step("skipped", "pay", 2),
        Step("note", "StopUser: in a run, this user would end here", 2),
    )
    assert lines == [
        "",
        "Buyer",
        "  home",
        "    ✔ GET    /                                200   4.00 ms      54 B",
        f"    ✖ POST   /cart                              {NOTHING}         {NOTHING}       0 B",
        "      ConnectionRefusedError(111)",
        "    ✖ GET    /x                               500   1.50 ms      12 B",
        "      500 Server Error",
        '      {"error": 1}',
        "    | hello",
        "    ✔ check has an id",
        "    ✖ check is cheap",
        "    ✔ transaction buy / pay: 2 requests, 12.3 ms",
        "    ✖ transaction buy: 1 request, 2.00 s",
        "    pay: not come to",
        "    ! StopUser: in a run, this user would end here",
    ]
    assert list(account.ending()) == ["3 requests, 2 failed; 1 of 2 checks did not hold"]
    assert account.exit_code == 1


def test_a_trace_has_headers_and_bodies_of_both_sides() -> None:
    """Told apart by the direction."""
    request = Tried(
        "POST", "/in", 900, 2, 200, "", "http://shop/in",
        (("Accept", "*/*"),), "a\nb", (("Server", "x"),), "\n".join("ok" for _ in range(70)),
    )  # fmt: skip
    _, lines = told(Step("task", "home", 0), request, is_traced=True)
    said = [line.strip() for line in lines[2:]]
    assert said[:8] == ["> POST http://shop/in", "> Accept: */*", ">", "> a", "> b", "< 200", "< Server: x", "<"]
    assert said[8:] == ["< ok"] * 60 + ["< … (10 more lines)"]


def test_an_exception_comes_with_the_users_own_lines() -> None:
    """Place, then the code."""
    account, lines = told(Raised("home", "KeyError: 'id'", ("shop.py:9 in home\nself.deep()", "shop.py:12 in deep")))
    assert [line.strip() for line in lines] == [
        "✖ home raised KeyError: 'id'", "shop.py:9 in home", "self.deep()", "shop.py:12 in deep",
    ]  # fmt: skip
    assert list(account.ending()) == ["0 requests, 0 failed; 1 exception"]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (Tried("GET", "/"), 0),
        (Tried("GET", "/", error="no"), 1),
        (Raised("t", "E"), 1),
        (Ended(), 0),
        (Ended(unfinished="Buyer had not come back"), 1),
        (Ended(hook_failures=1), 1),
        (Ended(hook_failures=1, exit_code=0), 0),
        (Ended(exit_code=7), 7),
    ],
)
def test_the_exit_code_says_whether_anything_failed(event: Event, code: int) -> None:
    """Unless the file says another."""
    assert told(event)[0].exit_code == code


def test_json_has_everything_and_no_secret() -> None:
    """What happened, in its order."""
    account, _ = told(LOADED, OUTLINE, Step("user", "Buyer"), Tried("GET", "/", error="no"), Ended())
    document = json.loads(json.dumps(account.as_dict()))
    assert "opensesame" not in json.dumps(document)
    assert [step["what"] for step in document["steps"]] == ["step", "tried"]
    assert document["classes"][0]["tasks"][0]["tags"] == ["fast", "smoke"]
    assert (document["requests"], document["failed"], document["exit_code"]) == (1, 1, 1)


@given(st.text(max_size=30))
def test_whatever_the_target_says_lines_are_lines(text: str) -> None:
    """No control character reaches the terminal."""
    tried = Tried(text, text, 1, 1, 1, text, text, ((text, text),), text, ((text, text),), text)
    events = (Outline((ClassRow(text, text, tasks=(TaskRow(text, tags=(text,)),), notes=(text,)),)), tried)
    for is_traced in (False, True):
        _, lines = told(*events, Raised(text, text, (text,)), Printed(text), Step("note", text), is_traced=is_traced)
        assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for line in lines for c in line)
