"""A user's number, as a locustfile sees it."""

from __future__ import annotations

from typing import Any

from tidal.generator.environment import Environment
from tidal.hooks import Events
from tidal.users import User, made_user


def made(cls: type[User], number: int) -> Any:
    """User `number` of a class."""
    return made_user(cls, Environment(events=Events()), number)


def test_a_user_knows_its_number_before_its_own_init() -> None:
    """A file may pick its test data there."""

    class Buyer(User):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.account = f"buyer-{self.number}"

    assert made(Buyer, 17).account == "buyer-17"
    assert repr(made(Buyer, 17)) == "<Buyer 17 new>"


def test_a_user_without_a_run_is_number_0() -> None:
    """Made by hand, as debuggers do."""
    assert User(Environment(events=Events())).number == 0
    assert User.number == 0


def test_a_number_of_the_files_own_goes_before_ours() -> None:
    """Files that are older than `number` go on: an attribute of the class, a property, an attribute of the user."""

    class Fixed(User):
        number: Any = "A-1"

    class Computed(User):
        @property
        def number(self) -> str:  # type: ignore[override]
            return "computed"

    class Chosen(User):
        def on_start(self) -> None:
            self.number: Any = 5

    assert made(Fixed, 3).number == "A-1"
    assert made(Computed, 3).number == "computed"
    chosen = made(Chosen, 3)
    assert chosen.number == 3
    chosen.on_start()
    assert chosen.number == 5
    assert repr(chosen) == "<Chosen 3 new>", "what tidal counts by is not what the file set"
