"""Conditions over named facts: what they mean, and what is no condition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal.model.terms import TEXT, BadCondition, Fact, condition

UNITS = {"p95": "ms", "file": TEXT, "tag": TEXT, "fail%": "%", "n": "", "age": "s", "size": "bytes", "pinned": ""}
FACTS: dict[str, Fact] = {
    "p95": 312.5, "file": ("tests/checkout.py", "checkout.py"), "tag": ("slow", "nightly"), "fail%": 0.5, "n": 7,
    "age": 3600.0, "size": 20_000_000, "pinned": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("p95>300 and file=checkout.py", True),
        ("p95 > 300ms", True),
        ("p95>0.4s", False),
        ("p95>=312.5 and p95<=312500us", True),
        ("file=Checkout.PY", True),
        ("file!=checkout.py", False),
        ("file~check and not file~basket", True),
        ("file!~basket", True),
        ("tag=slow and tag=nightly and tag!=fast", True),
        ("fail%>1%", False),
        ("fail% < 1 or n=8", True),
        ("n=8 or n=9 and p95>1", False),
        ("(n=8 or n=7) and p95>1", True),
        ("not (n=8 or n=7)", False),
        ("age<2h and age>=60m", True),
        ("size>19MB", True),
        ("pinned", True),
        ("not pinned", False),
        ("pinned=yes", True),
        ('file="tests/checkout.py"', True),
        ("AND = and", None),
    ],
)
def test_what_conditions_mean(text: str, *, holds: bool | None) -> None:
    """Numbers in their units, texts in any case, lists by any of their elements."""
    if holds is None:
        with pytest.raises(BadCondition):
            condition(text, UNITS)
    else:
        assert condition(text, UNITS).holds(FACTS) is holds


def test_what_is_not_there_compares_to_nothing() -> None:
    """A run without figures is in no answer, but in the answers to not."""
    assert not any(condition(f"p95{op}300", UNITS).holds({}) for op in (">", ">=", "<", "<=", "="))
    assert condition("p95!=300 and file!~a", UNITS).holds({})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("p59>300", "did you mean p95"),
        ("p95>", "needs a value"),
        ("p95>fast", "is a number in ms"),
        ("p95>3 parsecs", "too much"),
        ("p95>3parsecs", "units: us"),
        ("(p95>3", "not closed"),
        ("p95>3)", "too much"),
        ("and p95>3", "stands where a name"),
        ("p95>3 and", "ends where a name"),
        ("", "ends where a name"),
        ("p95 '", "cannot read"),
        ("(" * 60 + "n=1" + ")" * 60, "in each other"),
        ("not " * 60 + "n=1", "in each other"),
        ("n=1 or " * 500 + "n=1", "characters"),
    ],
)
def test_what_is_no_condition(text: str, why: str) -> None:
    """One line that says where and why."""
    with pytest.raises(BadCondition, match=why):
        condition(text, UNITS)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but BadCondition comes out, and what was read can be asked."""
    try:
        read = condition(text, UNITS)
    except BadCondition:
        return
    assert read.holds(FACTS) in {True, False}


_SIMPLE = st.sampled_from(["p95>300", "p95<=300", "n=0", "p95>0.3s", "tag~x", "tag!~x", "file='shop.py'", "pinned"])
_CONDITIONS = st.recursive(
    _SIMPLE,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda three: f"({' '.join(three)})")
        | inner.map(lambda one: f"not ({one})")
    ),
    max_leaves=8,
)


@given(_CONDITIONS, _CONDITIONS)
def test_conditions_join_as_logic_does(a: str, b: str) -> None:
    """`and`, `or` and `not` mean what they say, and `and` binds closer than `or`."""
    of = lambda text: condition(text, UNITS).holds(FACTS)  # noqa: E731 - read once a line below
    assert of(f"({a}) and ({b})") == (of(a) and of(b))
    assert of(f"({a}) or ({b})") == (of(a) or of(b))
    assert of(f"not ({a})") == (not of(a))
    assert of(f"not (({a}) and ({b}))") == of(f"not ({a}) or not ({b})")
    assert of(f"({a}) or ({b}) and ({a})") == of(a)
