"""Conditions over named facts: `p95>300 and file=checkout.py`, `kind=wl or (stream=reports and not worker=w2)`.

    condition   one or one …                 one       every and every …
    every       not every, ( condition ), name, or name OP value
    OP          = != > >= < <= ~ !~          ~ looks for a part of a text, whatever its case

One language for `tidal log --where` and `tidal runs`. A value with spaces stands in quotes. What a fact is measured in
is known by its name: a bare number means that unit, another one is written beside it (`p95>1.5s`, `size>20MB`). A fact
that is not there makes every comparison with it false, and `!=` and `!~` true.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

from tidal.model.struct import Struct
from tidal.model.text import offer

Fact = str | int | float | tuple[str, ...] | None
Facts = Mapping[str, Fact]
Test = Callable[[Facts], bool]

TEXT = "text"
FACTORS: dict[str, dict[str, float]] = {
    "": {"": 1, "k": 1e3, "m": 1e6},
    "ms": {"": 1, "us": 1e-3, "µs": 1e-3, "ms": 1, "s": 1e3, "m": 6e4, "h": 3.6e6},
    "s": {"": 1, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86_400},
    "%": {"": 1, "%": 1},
    "bytes": {"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9},
}
"""Units by what a fact is measured in: how much of it each stands for."""
CONDITION_MAX = 2_000
DEPTH_MAX = 50
_TOKEN = re.compile(r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<op>==|!=|>=|<=|!~|[=<>~()])|(?P<word>[^\s()=!<>~"']+))""")
_NUMBER = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([a-zµ%]*)", re.ASCII | re.IGNORECASE)
_ORDERS: dict[str, Callable[[float | str, float | str], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_KEYWORDS = frozenset({"and", "or", "not"})


class BadCondition(ValueError):
    """A condition that cannot be read; the message says where and why."""


class Condition(Struct, frozen=True):
    """A condition that was read: `holds(facts)` says whether it is so."""

    text: str
    holds: Test


def condition(text: str, units: Mapping[str, str]) -> Condition:
    """Read a condition; `units`: every fact that there is, and what it is measured in (`TEXT`, or a key of FACTORS).

    Raises:
        BadCondition: it is no condition, or names a fact that there is not.
    """
    if len(text) > CONDITION_MAX:
        raise BadCondition(f"a condition of {len(text)} characters; {CONDITION_MAX} are allowed")
    reader = _Reader(_tokens(text), units)
    test = reader.any_of(0)
    if (rest := reader.next()) is not None:
        raise BadCondition(f"{rest.text!r} is too much after {text[: rest.at].strip()!r}")
    return Condition(text, test)


class _Token(Struct, frozen=True):
    text: str
    at: int
    is_op: bool = False
    is_quoted: bool = False


def _tokens(text: str) -> list[_Token]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadCondition(f"cannot read {text[at : at + 20].strip()!r}")
        word, quoted, op = match["word"], match["quoted"], match["op"]
        found.append(_Token(word or op or quoted[1:-1], match.start(), bool(op), quoted is not None))
        at = match.end()
    return found


class _Reader:
    """Descends through a condition's tokens."""

    def __init__(self, tokens: list[_Token], units: Mapping[str, str]) -> None:
        self._tokens, self._units, self._at = tokens, units, 0

    def next(self) -> _Token | None:
        """The next token, taken; None at the end."""
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        self._at += 1
        return token

    def _takes(self, word: str, *, is_op: bool = False) -> bool:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        is_it = token is not None and not token.is_quoted and token.is_op == is_op and token.text.lower() == word
        self._at += is_it
        return is_it

    def any_of(self, depth: int) -> Test:
        """One of several."""
        tests = [self._all_of(depth)]
        while self._takes("or"):
            tests.append(self._all_of(depth))
        return tests[0] if len(tests) == 1 else lambda facts: any(test(facts) for test in tests)

    def _all_of(self, depth: int) -> Test:
        tests = [self._one(depth)]
        while self._takes("and"):
            tests.append(self._one(depth))
        return tests[0] if len(tests) == 1 else lambda facts: all(test(facts) for test in tests)

    def _one(self, depth: int) -> Test:
        if depth > DEPTH_MAX:
            raise BadCondition(f"more than {DEPTH_MAX} conditions in each other")
        if self._takes("not"):
            test = self._one(depth + 1)
            return lambda facts: not test(facts)
        if self._takes("(", is_op=True):
            test = self.any_of(depth + 1)
            if not self._takes(")", is_op=True):
                raise BadCondition("a parenthesis is not closed")
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        name = self.next()
        if name is None or name.is_op or name.is_quoted or name.text.lower() in _KEYWORDS:
            raise BadCondition("a condition ends where a name was to come" if name is None else _odd(name))
        if name.text not in self._units:
            raise BadCondition(f"there is no {name.text!r} here; {offer(name.text, sorted(self._units))}")
        following = self._tokens[self._at] if self._at < len(self._tokens) else None
        if following is None or not following.is_op or following.text in "()":
            return lambda facts: bool(facts.get(name.text))
        self._at += 1
        value = self.next()
        if value is None or value.is_op:
            raise BadCondition(f"{name.text}{following.text} needs a value")
        return _test(name.text, following.text, value.text, self._units[name.text])


def _odd(token: _Token) -> str:
    return f"{token.text!r} stands where a name was to come"


def _test(name: str, op: str, value: str, unit: str) -> Test:
    """Whether the fact of this name stands so to the value."""
    if op in {"~", "!~"}:
        part = value.lower()
        return lambda facts: (part in _as_text(facts.get(name)).lower()) != (op == "!~")
    wanted = value if unit == TEXT else _number(name, value, unit)
    if op in _ORDERS:
        order = _ORDERS[op]
        return lambda facts: _is_ordered(order, facts.get(name), wanted)
    return lambda facts: _is_equal(facts.get(name), wanted) != (op == "!=")


def _number(name: str, value: str, unit: str) -> float | str:
    """The value in the fact's unit; of facts without one it may be a text, too."""
    match, factors = _NUMBER.fullmatch(value), FACTORS[unit]
    factor = factors.get(match[2], factors.get(match[2].lower())) if match else None
    if match is None or factor is None:
        if not unit:
            return value
        units = ", ".join(name for name in factors if name)
        raise BadCondition(f"{name} is a number in {unit}, not {value!r} (units: {units})")
    return float(match[1]) * factor


def _is_ordered(order: Callable[[float | str, float | str], bool], fact: Fact, wanted: float | str) -> bool:
    if isinstance(fact, str) and isinstance(wanted, str):
        return order(fact, wanted)
    if isinstance(fact, int | float) and isinstance(wanted, int | float):
        return order(fact, wanted)
    return False


def _is_equal(fact: Fact, wanted: float | str) -> bool:
    if isinstance(fact, tuple):
        return any(_is_equal(one, wanted) for one in fact)
    if isinstance(fact, str):
        return fact.lower() == str(wanted).lower()
    if isinstance(fact, bool):
        return str(wanted).lower() in ({"true", "yes", "1", "1.0"} if fact else {"false", "no", "0", "0.0"})
    return fact is not None and isinstance(wanted, int | float) and fact == wanted


def _as_text(fact: Fact) -> str:
    return " ".join(fact) if isinstance(fact, tuple) else "" if fact is None else str(fact)
