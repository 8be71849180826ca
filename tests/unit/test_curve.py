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


_STAGE = st.tuples(st.sampled_from(["", "a: ", "long name of it: "]), st.integers(0, 999), st.integers(1, 10_000))


@settings(max_examples=60, deadline=None)
@given(st.lists(_STAGE, min_size=1, max_size=40), st.integers(1, 100), st.integers(1, 12))
def test_any_plan_fits_its_columns(stages: list[tuple[str, int, int]], columns: int, rows: int) -> None:
    """No line of the picture is wider than it should be; the same plan gives the same lines."""
    found = planned(typed_of([", ".join(f"{name}{n} for {s}s" for name, n, s in stages)]))
    lines = plan_lines(found, columns, rows)
    assert lines == plan_lines(found, columns, rows)
    assert all(width(line) <= columns + 12 + 12 for line in lines[1 : rows + 3])
