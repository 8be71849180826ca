"""A plan as a picture: the curve, an axis, the stages below it and in words."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model.planning import planned, typed_of
from tidal.outputs.curve import plan_lines
from tidal.outputs.layout import width


def test_a_plan_is_drawn() -> None:
    """To scale in both directions."""
    found = planned(typed_of(["up: 0->10 in 10s, 10 for 20s, down: ->0 in 10s"]))
    assert plan_lines(found, 20, 2) == [
        "users over 0:40",
        "10 ┤  ▂▅████████████▅▂",
        "   ┤▃▆████████████████▆▃",
        " 0 ┼┬────┬─────────┬────",
        "    up   2         down",
        "",
        "     0:00  up                    0→10 in 10s",
        "     0:10  2                     10 for 20s",
        "     0:30  down                  10→0 in 10s",
        "     0:40  the end",
    ]


def test_users_and_arrivals_are_drawn_apart() -> None:
    """Each with its unit; without an end up to a bit after the last change."""
    text = "\n".join(plan_lines(planned(typed_of(["rate 5/s for 2m", "Buyer=0->5 in 10s, 5 for ever"]))))
    assert "users over 2:25" in text
    assert "arrivals/s over 2:25" in text
    assert "Buyer:\n     0:00  1                     0→5 in 10s" in text
    assert "and on, until stopped" in text


def drawn(text: str, columns: int = 20, rows: int = 2) -> list[str]:
    """The picture of a plan."""
    return plan_lines(planned(typed_of([text])), columns, rows)


def test_a_peak_between_two_columns_is_drawn() -> None:
    """However short it is, its height is the axis'; a corner is seen in the column in which it lies."""
    assert drawn("1 for 59s, 100 for 0.1s, 1 for 60s", 10)[1:4] == [
        "100 ┤    █",
        "    ┤    █",
        "  0 ┼┬───┬─────",
    ]


def test_a_plan_of_nobody_is_a_line() -> None:
    """The axis has to end somewhere."""
    assert drawn("0 for 10s", 10)[1:4] == ["1 ┤", "  ┤", "0 ┼──────────"]


def test_names_below_the_axis_have_the_room_that_there_is() -> None:
    """Cut before the next one begins; the last one may stand out."""
    assert drawn("breakfast: 1 for 10s, lunch: 2 for 10s, a: 1 for 1s, dinner: 3 for 19s")[3:5] == [
        "0 ┼┬────┬────┬─────────",
        "   br…t lu…h dinner",
    ]


def test_a_plan_of_many_stages_is_told_by_its_first_thirty() -> None:
    """How many more there are is said, and when it ends."""
    lines = drawn(", ".join(f"{n} for 10s" for n in range(1, 33)))
    assert lines[-3:] == [
        "     4:50  30                    30 for 10s",
        "  … and 2 more stages",
        "     5:20  the end",
    ]
    assert "more stages" not in "".join(drawn(", ".join(f"{n} for 10s" for n in range(1, 31))))


_STAGE = st.tuples(st.sampled_from(["", "a: ", "long name of it: "]), st.integers(0, 999), st.integers(1, 10_000))


@settings(max_examples=60, deadline=None)
@given(st.lists(_STAGE, min_size=1, max_size=40), st.integers(1, 100), st.integers(1, 12))
def test_any_plan_fits_its_columns(stages: list[tuple[str, int, int]], columns: int, rows: int) -> None:
    """No line of the picture is wider than it should be; the same plan gives the same lines."""
    found = planned(typed_of([", ".join(f"{name}{n} for {s}s" for name, n, s in stages)]))
    lines = plan_lines(found, columns, rows)
    assert lines == plan_lines(found, columns, rows)
    assert all(width(line) <= columns + 12 + 12 for line in lines[1 : rows + 3])
