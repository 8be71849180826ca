"""Which row a user gets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidal.model.feed import own_place, row_drawn, row_in_turn, stride

SIZES = st.integers(1, 3_000)


@given(st.integers(1, 6), st.integers(0, 300))
def test_no_two_users_have_the_same_place(classes: int, users: int) -> None:
    """Every number of every class has one of its own, and none is left out."""
    places = {own_place(number, which, classes) for number in range(users) for which in range(classes)}
    assert places == set(range(users * classes))


@given(SIZES, st.integers(0, 10_000))
def test_a_user_sees_every_row_before_one_comes_again(size: int, place: int) -> None:
    """Its own first."""
    rows = [row_in_turn(place, turn, size) for turn in range(size)]
    assert rows[0] == place % size
    assert set(rows) == set(range(size))
    assert row_in_turn(place, size, size) == rows[0]


@given(SIZES, st.integers(0, 1_000))
def test_users_in_step_never_have_the_same_row(size: int, turn: int) -> None:
    """As many as there are rows."""
    assert len({row_in_turn(place, turn, size) for place in range(size)}) == size


@given(st.integers(200, 3_000))
def test_users_a_few_turns_apart_do_not_meet(size: int) -> None:
    """One that is up to five turns behind another is not near its rows: a twentieth of the file lies between."""
    step = stride(size)
    for behind in range(1, 6):
        apart = behind * step % size
        assert min(apart, size - apart) >= size // 20


@given(st.text(), st.text(), st.integers(0, 99), st.integers(0, 99), SIZES)
def test_chance_can_be_repeated(seed: str, name: str, number: int, turn: int, size: int) -> None:
    """The same question has the same answer."""
    row = row_drawn(seed, name, number, turn, size)
    assert 0 <= row < size
    assert row == row_drawn(seed, name, number, turn, size)


def test_chance_is_even_and_each_user_has_its_own() -> None:
    """Ten rows, ten thousand draws; another seed, class or number draws others."""
    drawn = [row_drawn("r1", "Buyer", number, turn, 10) for number in range(100) for turn in range(100)]
    assert all(850 < drawn.count(row) < 1_150 for row in range(10))
    sequences = {
        tuple(row_drawn(seed, name, number, turn, 1_000) for turn in range(5))
        for seed in ("r1", "r2")
        for name in ("Buyer", "Seller")
        for number in range(50)
    }
    assert len(sequences) == 200
