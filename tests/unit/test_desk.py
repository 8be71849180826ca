"""The desk behind the start form: what a form starts is what the same flags start."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.cli.desk import Desk, said_by, typed_of, words_of
from tidal.cli.parser import parser_of
from tidal.cli.request import launch_spec, locustfiles
from tidal.model.events import ClassSpec
from tidal.model.pipe import Loaded
from tidal.model.struct import replace
from tidal.tui.choice import FIELDS, Typed, recalled, remembered

if TYPE_CHECKING:
    from tidal.launch import LaunchSpec
    from tidal.tui.feed import Feed, Operator

FILE = str(Path(__file__).resolve().parents[2] / "examples" / "basic.py")
LOADED = Loaded((ClassSpec("Shopper", 9.0, host="http://x", needs_host=True), ClassSpec("Admin", 1.0, host="http://x")))
EMPTY = Typed(FILE, loaded=LOADED, classes=("Shopper", "Admin"))
MORE = ("--keep-running", "--threshold", "p95<300ms", "-s", "9s")


def by_flags(*words: str) -> LaunchSpec:
    """What a command line launches."""
    args = parser_of("tui").read(words)
    return launch_spec(args, locustfiles(args.locustfile))


def desk(*words: str) -> Desk:
    """The form's desk under `tidal tui` with some words."""

    def never(_: LaunchSpec) -> tuple[Feed, Operator]:
        raise AssertionError

    return Desk(by_flags("-f", FILE, *words), never)


def texts(*good: str) -> st.SearchStrategy[str]:
    """A field: empty, or one of these."""
    return st.sampled_from(["", *good])


FORMS = st.builds(
    replace,
    st.just(EMPTY),
    users=texts("0", "7", "500"),
    rate=texts("1", "0.5", "20"),
    plan=texts("0->100 in 30s, 100 for 5m", "none", "Admin=rate 50/s for 2m | 20 for 3m", "->5 in 2s"),
    run_time=texts("90", "5m", "0.5s"),
    host=texts("http://127.0.0.1:8089", "https://x/y?z=1"),
    tags=texts("fast", "fast, slow"),
    exclude_tags=texts("odd"),
    processes=texts("2", "-1"),
    fleet=texts("blue"),
    expect_workers=texts("3"),
    classes=st.sampled_from([("Shopper",), ("Admin",), ("Shopper", "Admin")]),
    weights=st.sampled_from([(), (("Shopper", "2.5"),), (("Shopper", "9"),), (("Admin", ""), ("Shopper", "1"))]),
    counts=st.sampled_from([(), (("Admin", "4"),)]),
)


@settings(max_examples=60, deadline=None)
@given(FORMS, st.booleans())
def test_a_form_starts_what_the_same_flags_start(typed: Typed, has_more: bool) -> None:  # noqa: FBT001 - drawn
    """Field by field, alone and together, over a bare command line and over one that said other things."""
    more = MORE if has_more else ()
    assert desk(*more).spec_of(typed) == by_flags(*words_of(typed), *more)


def test_the_command_that_is_shown_is_the_one() -> None:
    """A shell reads it back as the words."""
    typed = replace(EMPTY, plan="warm up: 0->10 in 3s, 10 for 1m", weights=(("Admin", "3"),), classes=("Admin",))
    command = desk().outlook(typed).command
    assert shlex.split(command) == ["tidal", "run", *words_of(typed)]


@settings(max_examples=60, deadline=None)
@given(FORMS)
def test_what_the_command_line_said_is_what_the_form_shows(typed: Typed) -> None:
    """And starting it untouched starts that."""
    asked = by_flags(*words_of(typed))
    begin = typed_of(asked)
    assert Desk(asked, lambda _: (_ for _ in ()).throw(AssertionError)).spec_of(begin) == asked


@settings(max_examples=60, deadline=None)
@given(FORMS)
def test_what_is_remembered_is_recalled(typed: Typed) -> None:
    """A form that was left comes back as it was, whatever the class's defaults."""
    nothing = Typed(FILE, loaded=LOADED)
    assert recalled(nothing, remembered(typed), Typed(FILE)) == typed


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("users", "many", "'many' is not a number of users from 0 to 10,000,000"),
        ("rate", "nan", "'nan' is not a rate of users a second above 0"),
        ("plan", "0-100", "plan, column 2, at '-100': there should be"),
        ("plan", "5 for 1m | 6 for 1m | A=x", "plan, column 1, at 'x'"),
        ("run_time", "soon", "'soon' is not a span of time such as 20, 20s, 3m or 1h20m"),
        ("run_time", "0s", "a run of no time would do nothing"),
        ("processes", "x", "'x' is not a number of processes"),
        ("fleet", "a b", "'a b' is no name of a fleet"),
        ("expect_workers", "-2", "'-2' is not a number of users"),
    ],
)
def test_a_mistake_is_told_in_the_words_of_the_command_line(field: str, value: str, said: str) -> None:
    """At its field and at no other."""
    wrong = desk().outlook(replace(EMPTY, **{field: value})).wrong
    assert list(wrong) == [field]
    assert said in wrong[field]


def test_users_of_another_protocol_have_a_host_of_their_own_kind() -> None:
    """`--host` of theirs is no URL; it is as soon as one user speaks HTTP."""
    other = replace(EMPTY, loaded=Loaded((ClassSpec("Device", host="mqtt.example"),)), classes=("Device",))
    assert desk().outlook(replace(other, host="localhost:1883")).wrong == {}
    assert list(desk().outlook(replace(EMPTY, host="localhost:1883")).wrong) == ["host"]


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"host": "ftp://x"}, "host", "begins with neither"),
        ({"host": "http://"}, "host", "it names no host"),
        ({"host": "http://[::1"}, "host", "Invalid IPv6 URL"),
        ({"host": "http://shop:99999"}, "host", "Port out of range"),
        ({"host": "http://shop:0"}, "host", "no port is 0"),
        ({"host": "http://sh\x1bop"}, "host", "a control character"),
        ({"plan": "Clerk=5 for 1m"}, "plan", "no such class, but Shopper, Admin"),
        ({"weights": (("Shopper", "0"), ("Admin", "0"))}, "classes", "every user class has weight 0"),
        ({"counts": (("Admin", "x"),)}, "classes", "Admin: weight and fixed_count are numbers from 0, not 'x'"),
        ({"classes": ()}, "classes", "choose at least one of Shopper, Admin"),
        ({"file": " "}, "file", "name a locustfile"),
    ],
)
def test_what_would_be_found_out_at_the_start_is_told_at_once(
    changes: dict[str, object], field: str, said: str
) -> None:
    """As soon as the file is known."""
    typed: Typed = replace(EMPTY, **changes)  # type: ignore[arg-type] # drawn by name
    assert list(desk().outlook(typed).wrong) == [field]
    assert said in desk().outlook(typed).wrong[field]


def test_a_threshold_on_a_stage_wants_a_plan_with_it() -> None:
    """The plan's field says so."""
    asked = desk("--threshold", 'p95 < 1s in stage "peak"')
    assert "no stage 'peak'" in asked.outlook(EMPTY).wrong["plan"]
    assert asked.outlook(replace(EMPTY, plan="up: 0->5 in 3s, peak: 5 for 9s")).wrong == {}
    misspelt = asked.outlook(replace(EMPTY, plan="up: 0->5 in 3s, peaks: 5 for 9s")).wrong
    assert "no stage 'peak'; did you mean peaks?" in " ".join(misspelt.values())


def test_users_are_not_read_where_stages_are() -> None:
    """What stands in the fields that are off says nothing."""
    said = said_by(replace(EMPTY, users="rubbish", rate="rubbish", plan="5 for 3s"))
    assert (said.wrong, said.values) == ({}, {"plan": (("", "5 for 3s"),)})


def test_every_field_is_read() -> None:
    """None is shown that means nothing."""
    assert set(FIELDS) == set(said_by(EMPTY).values) | {name for name in FIELDS if not getattr(EMPTY, name)}


def test_a_fleet_that_cannot_be_asked_says_why() -> None:
    """The form stays; a start would say the same."""
    asked = desk("--redis", "redis://127.0.0.1:1/0")
    assert "127.0.0.1:1" in asked.company("").trouble
    asked.close()
    assert desk().company("").cores >= 1
