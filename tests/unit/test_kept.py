"""A child that is kept: what follows from how it ended, for its parent and for who has adopted it."""

from __future__ import annotations

import signal

import pytest

from tidal.errors import Fenced
from tidal.kept import EXCUSED_S, Kept
from tidal.process import ENDED


class Actor:
    """A child that ends when the test says so."""

    born = 0

    def __init__(self) -> None:
        Actor.born += 1
        self.pid = Actor.born
        self.is_adopted = False
        self.said = b""
        self.code: int | None = None
        self.lent = False

    def poll(self) -> int | None:
        """As a child's."""
        return self.code

    def receive(self) -> bytes:
        """As a child's."""
        said, self.said = self.said, b""
        return said

    def stop(self, _grace_s: float) -> int:
        """What a process sees that is not the parent is only that it ended."""
        assert self.code is not None
        return 0 if self.is_adopted else self.code

    def lend(self) -> list[int]:
        """As a child's."""
        self.lent = True
        return [7]

    def adopt(self) -> None:
        """As a child's."""
        assert self.lent
        self.is_adopted = True


class Kid(Kept):
    """A kept actor."""

    child: Actor  # type: ignore[assignment]

    def __init__(self, **more: object) -> None:
        super().__init__("the kid", Actor, **more)  # type: ignore[arg-type]

    def adopted(self) -> Kid:
        """The same in a fork whose parent is gone."""
        self.lend()
        self.adopt()
        return self

    def ended(self, code: int, *, is_told: bool = True) -> Kid:
        """It ends, saying so or not, and that is seen."""
        self.child.code = code
        self.child.said += b'{"%s": %d}\n' % (ENDED.encode(), code) if is_told else b""
        self.turn(self._born_s)
        return self


@pytest.mark.parametrize("is_told", [True, False])
def test_a_parent_believes_the_exit_code(is_told: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Whatever the child said of it."""
    assert Kid(ends=0).ended(0, is_told=is_told).done
    assert not Kid(ends=0).ended(9, is_told=is_told).done


def test_who_has_adopted_it_believes_its_last_word() -> None:
    """A child that was killed says none: its work is not done, though its exit code is not known."""
    assert Kid(ends=46).adopted().ended(46).done
    killed = Kid(ends=0).adopted().ended(-9, is_told=False)
    assert (killed.done, killed.code) == (False, -signal.SIGKILL)
    fenced = Kid(ends=0).adopted().ended(Fenced.exit_code)
    assert (fenced.code, fenced.mark()[1]) == (Fenced.exit_code, fenced._born_s + EXCUSED_S)


def test_its_successor_has_a_parent_again() -> None:
    """What is started anew is a child of ours, and the last word of the one before is not its own."""
    kid = Kid(ends=0).adopted().ended(3)
    kid.turn(kid._born_s + 60)
    assert (kid.is_running(), kid.child.is_adopted) == (True, False)
    kid.ended(-9, is_told=False)
    assert kid.code == -9


def test_answers_are_heard_and_the_last_word_is_none_of_them() -> None:
    """In whatever pieces they come."""
    kid = Kid()
    kid.child.said = b'{"run": "r1"}\n{"en'
    assert kid.hear() == [{"run": "r1"}]
    kid.child.said = b'ded": 0}\n'
    assert kid.hear() == []


def test_a_fork_is_of_use_until_something_is_different() -> None:
    """It knows this child and its fate; a death, another life and the end make another fork necessary."""
    kid = Kid(ends=0)
    marks = [kid.mark()]
    kid.turn(kid._born_s + 1)
    assert kid.mark() == marks[0]
    marks.append(kid.ended(9).mark())
    kid.turn(kid._born_s + 60)
    marks.append(kid.mark())
    marks.append(kid.ended(0).mark())
    assert len(set(marks)) == 4


def test_a_child_that_waits_for_its_next_life_is_not_adopted() -> None:
    """There is none: who goes on starts it when it is due."""
    kid = Kid(ends=0).ended(9)
    assert kid.lend() == []
    kid.adopt()
    assert kid.child.is_adopted is False
    kid.turn(kid._born_s + 60)
    assert kid.is_running()


def test_a_child_that_ended_before_anybody_saw_it_is_adopted_with_its_last_word() -> None:
    """Its pipes are lent like those of one that lives: their numbers would be another file's in the fork."""
    kid = Kid(ends=0)
    kid.child.code, kid.child.said = 0, b'{"ended": 0}\n'
    kid.adopted().turn(kid._born_s)
    assert kid.done


def test_a_child_that_cannot_be_started_is_tried_again() -> None:
    """No memory, no process: whoever keeps it lives on, and gives up as after so many deaths."""

    def start() -> Actor:
        if tries:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return Actor()

    tries: list[float] = []
    kid = Kept("the kid", start)  # type: ignore[arg-type]
    kid.child.code = 9  # type: ignore[attr-defined]
    kid.turn(0)
    while not kid.given_up:
        tries.append(kid.mark()[1])
        assert kid.mark()[1] < 60
        kid.turn(kid.mark()[1])
    assert tries == sorted(set(tries))
    assert not kid.is_running()
