from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model.struct import Struct, field
from tidal.model.wire import INT_MAX, from_wire, to_wire


class Leaf(Struct):
    """A value with and one without a default."""

    name: str
    size: int = 7


class Tree(Struct):
    """Every shape that the wire knows."""

    leaf: Leaf
    ratio: float = 0.0
    maybe: int | None = None
    row: tuple[int, str] = (1, "a")
    rows: tuple[Leaf, ...] = ()
    items: list[int] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    pairs: dict[tuple[str, int], Leaf] = field(default_factory=dict)
    raw: bytes = b""
    flag: bool = False
    anything: Any = None


LEAF = st.builds(Leaf, st.text(max_size=3), st.integers(-INT_MAX, INT_MAX))
TREE = st.builds(
    Tree,
    LEAF,
    st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.integers(-INT_MAX, INT_MAX),
    st.tuples(st.integers(-INT_MAX, INT_MAX), st.text(max_size=3)),
    st.lists(LEAF, max_size=2).map(tuple),
    st.lists(st.integers(-INT_MAX, INT_MAX), max_size=3),
    st.sets(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(-INT_MAX, INT_MAX), max_size=3),
    st.dictionaries(st.tuples(st.text(max_size=3), st.integers(-INT_MAX, INT_MAX)), LEAF, max_size=3),
    st.binary(max_size=3),
    st.booleans(),
)


def test_a_sum_beyond_63_bits_is_written_as_the_largest() -> None:
    """So that it can be packed, and a state that is packed, unpacked and added to is packed alike."""
    assert to_wire({"a": INT_MAX, "b": INT_MAX + 1, "c": (1 << 200, True)}) == {
        "a": INT_MAX, "b": INT_MAX, "c": [INT_MAX, True]
    }  # fmt: skip


@settings(deadline=None)
@given(TREE)
def test_every_shape_survives(tree: Tree) -> None:
    """Dataclasses, tuples, lists, sets, maps by text and by tuples, None, scalars."""
    assert from_wire(Tree, to_wire(tree)) == tree


def test_equal_values_make_equal_wires() -> None:
    """Whatever the order in which maps and sets were filled."""
    one = Tree(Leaf("a"), names={"b", "a"}, sizes={"y": 1, "x": 2}, pairs={("b", 1): Leaf("p"), ("a", 2): Leaf("q")})
    two = Tree(Leaf("a"), names={"a", "b"}, sizes={"x": 2, "y": 1}, pairs={("a", 2): Leaf("q"), ("b", 1): Leaf("p")})
    assert repr(to_wire(one)) == repr(to_wire(two))
    assert list(to_wire(one)["sizes"]) == ["x", "y"]
    assert to_wire(one)["pairs"] == [[["a", 2], {"name": "q", "size": 7}], [["b", 1], {"name": "p", "size": 7}]]


def test_a_map_by_tuples_may_be_empty() -> None:
    """It is written as a map, and read as one."""
    assert from_wire(dict[tuple[str, int], int], to_wire({})) == {}


def test_what_is_unknown_is_ignored_and_what_is_missing_takes_its_default() -> None:
    """So that versions understand each other."""
    assert from_wire(Leaf, {"name": "a", "colour": "red"}) == Leaf("a")


@pytest.mark.parametrize(
    ("kind", "wire"),
    [
        (int, 1.0),
        (int, True),
        (int, "1"),
        (int, None),
        (bool, 1),
        (str, b"a"),
        (bytes, "a"),
        (float, "1"),
        (float, True),
        (float, float("nan")),
        (float, float("inf")),
        (list[int], [1, "2"]),
        (list[int], {"a": 1}),
        (tuple[int, str], [1]),
        (tuple[int, str], [1, "a", 2]),
        (tuple[int, ...], 5),
        (set[str], [1]),
        (dict[str, int], {"a": "b"}),
        (dict[str, int], {1: 1}),
        (dict[str, int], 7),
        (dict[tuple[str, int], int], [[["a"], 1]]),
        (dict[tuple[str, int], int], [["a", 1], 1]),
        (int | None, "x"),
        (Leaf, {}),
        (Leaf, []),
        (Leaf, {"name": 1}),
        (Leaf, {"name": "a", "size": None}),
    ],
    ids=str,
)
def test_what_does_not_fit_its_annotation_raises_value_error(kind: Any, wire: Any) -> None:
    """One exception for everything, so that the codec has one to catch."""
    with pytest.raises(ValueError, match=r"\w"):
        from_wire(kind, wire)


def test_a_whole_number_is_a_float_where_one_belongs() -> None:
    """Other languages write 5 for 5.0."""
    value = from_wire(float, 5)
    assert (value, type(value)) == (5.0, float)
