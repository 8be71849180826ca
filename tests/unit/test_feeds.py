"""Feeds, as a locustfile sees them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import gevent
import pytest

import tidal
from tidal.datafile import BadDataFile
from tidal.feeds import Feed, feed
from tidal.flow import FeedExhausted, LocustError, StopTest, StopUser
from tidal.generator.environment import Environment
from tidal.generator.feeds import PipeSource
from tidal.hooks import Events
from tidal.model.pipe import TakeBlock, WantBlock
from tidal.tasks import RUNNING, WAITING, TaskSet
from tidal.users import User, made_user


class Buyer(User):
    """A user class."""


class Seller(User):
    """Another."""


LETTERS = list("abcdefghij")


def run_of(*classes: type[User]) -> Environment:
    """A run of these classes."""
    environment = Environment(events=Events())
    environment.user_classes = list(classes)
    return environment


def users(environment: Environment, cls: type[User], count: int) -> list[Any]:
    """The first users of a class."""
    return [made_user(cls, environment, number) for number in range(count)]


# ------------------------------------------------------------------ a user's own row


def test_a_users_row_is_its_own_for_the_whole_run() -> None:
    """By class and number alone: any process that runs the user comes to the same."""
    letters = feed(LETTERS)
    once = [letters.of(user) for user in users(run_of(Buyer), Buyer, 10)]
    again = [letters.of(user) for user in users(run_of(Buyer), Buyer, 10)]
    assert once == again == LETTERS


def test_users_of_several_classes_have_different_rows() -> None:
    """While there are rows enough; `classes` says who shares them."""
    environment = run_of(Buyer, Seller)
    letters, only = feed(LETTERS), feed(LETTERS, classes=[Buyer])
    rows = [letters.of(user) for cls in (Buyer, Seller) for user in users(environment, cls, 5)]
    assert sorted(rows) == LETTERS
    assert [only.of(user) for user in users(environment, Buyer, 10)] == LETTERS
    with pytest.raises(LocustError, match="is for Buyer, not for Seller"):
        only.of(users(environment, Seller, 1)[0])
    assert feed(LETTERS, classes="Buyer").of(users(environment, Buyer, 1)[0]) == "a"


def test_more_users_than_rows_share_them_and_that_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """It may be what is wanted."""
    letters = feed(LETTERS, name="letters")
    assert [letters.of(user) for user in users(run_of(Buyer), Buyer, 12)][10:] == ["a", "b"]
    assert [r.getMessage() for r in caplog.records] == ["letters: more users than its 10 rows: users share rows"]


def test_a_unique_row_is_not_shared() -> None:
    """The user that comes too late is stopped."""
    letters = feed(LETTERS, order="unique")
    *_, last = users(run_of(Buyer), Buyer, 11)
    with pytest.raises(FeedExhausted) as caught:
        letters.of(last)
    assert isinstance(caught.value, StopUser)


def test_inside_a_task_set_the_set_may_stand_for_its_user() -> None:
    """`self` is at hand there."""
    user = users(run_of(Buyer), Buyer, 4)[3]
    assert feed(LETTERS).of(TaskSet(TaskSet(user))) == "d"


# ------------------------------------------------------------------ one row after the other


def test_circular_rows_are_all_seen_and_users_in_step_never_share() -> None:
    """Each begins with its own row."""
    letters = feed(LETTERS)
    everybody = users(run_of(Buyer), Buyer, 10)
    turns = [[letters.next(user) for user in everybody] for _ in range(10)]
    assert turns[0] == LETTERS
    assert all(sorted(turn) == LETTERS for turn in turns)
    assert all(sorted(turn[number] for turn in turns) == LETTERS for number in range(10))


def test_two_feeds_of_a_user_go_on_by_themselves() -> None:
    """One does not move the other."""
    one, other = feed(LETTERS), feed(LETTERS)
    user = users(run_of(Buyer), Buyer, 1)[0]
    assert [one.next(user), one.next(user)] == [other.next(user), other.next(user)]


def test_random_rows_can_be_repeated() -> None:
    """With the seed of the first time: the run's id, unless another is given."""

    def drawn(letters: Feed, run: str) -> list[str]:
        environment = run_of(Buyer)
        environment.feed_source = PipeSource(run, print)
        return [letters.next(user) for user in users(environment, Buyer, 5) for _ in range(5)]

    assert drawn(feed(LETTERS, order="random"), "r1") != drawn(feed(LETTERS, order="random"), "r2")
    assert drawn(feed(LETTERS, order="random"), "r1") == drawn(feed(LETTERS, order="random", seed="r1"), "r2")


def test_unique_rows_come_once_and_then_end_the_user() -> None:
    """Here without any fleet: the lease is the process's own."""
    letters = feed(LETTERS, order="unique")
    everybody = users(run_of(Buyer), Buyer, 2)
    rows = [letters.next(everybody[turn % 2]) for turn in range(10)]
    assert sorted(rows) == LETTERS
    with pytest.raises(FeedExhausted, match="all 10 rows handed out") as caught:
        letters.next(everybody[0])
    assert isinstance(caught.value, StopUser)
    assert letters.next(users(run_of(Buyer), Buyer, 1)[0]) == "a", "another run begins anew"


def test_what_happens_when_the_rows_are_handed_out() -> None:
    """They may begin again, or end the run."""
    user = users(run_of(Buyer), Buyer, 1)[0]
    again = feed(LETTERS, order="unique", when_exhausted="circular")
    assert Counter(again.next(user) for _ in range(20)) == dict.fromkeys(LETTERS, 2)
    ends = feed(LETTERS[:1], order="unique", when_exhausted="end run")
    ends.next(user)
    with pytest.raises(FeedExhausted) as caught:
        ends.next(user)
    assert isinstance(caught.value, StopTest)


def test_a_unique_feed_gives_rows_in_one_way() -> None:
    """Or a row that both ways give would be there twice."""
    letters = feed(LETTERS, order="unique", name="letters")
    user = users(run_of(Buyer), Buyer, 1)[0]
    letters.of(user)
    with pytest.raises(LocustError, match=r"letters is unique: use of\(\) or next\(\)"):
        letters.next(user)


def test_a_feed_is_a_list_too() -> None:
    """For who wants to choose by himself."""
    letters = feed(LETTERS, name="letters")
    assert (len(letters), letters[2], letters[-1], list(letters)) == (10, "c", "j", LETTERS)
    assert repr(letters) == "<Feed letters: 10 rows, circular>"


# ------------------------------------------------------------------ files


def test_a_file_is_looked_for_beside_the_one_that_asks(tmp_path: Path) -> None:
    """Wherever the process works, and the working folder comes next."""
    (tmp_path / "people.csv").write_text("name\nAnn\n")
    (tmp_path / "here.csv").write_text("name\nBob\n")
    there = {"__file__": str(tmp_path / "locustfile.py"), "tidal": tidal, "Path": Path}
    exec("people = tidal.feed('people.csv')\nwhole = tidal.feed(Path(__file__).parent / 'people.csv')", there)  # noqa: S102 - a locustfile
    assert (there["people"].name, there["people"][0]) == ("people.csv", {"name": "Ann"})  # type: ignore[attr-defined, index]
    assert there["whole"].name == "people.csv", "the same on every machine"  # type: ignore[attr-defined]
    assert feed(tmp_path / "here.csv").name == str(tmp_path / "here.csv")
    with pytest.raises(BadDataFile, match=r"^nobody\.csv: no such file in "):
        feed("nobody.csv")
    with pytest.raises(BadDataFile, match=r"^\.: a folder, not a file$"):
        feed(".")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"order": "sorted"}, "order is circular, random or unique, not 'sorted'"),
        ({"order": "unique", "when_exhausted": "go on"}, "when_exhausted is stop, circular or end run, not 'go on'"),
        ({"when_exhausted": "end run"}, "when_exhausted is for a unique feed: circular rows never run out"),
    ],
)
def test_words_that_mean_nothing_are_refused(arguments: dict[str, Any], said: str) -> None:
    """With those that do."""
    with pytest.raises(BadDataFile) as caught:
        feed(LETTERS, **arguments)
    assert str(caught.value) == said


def test_a_feed_without_a_row_is_refused() -> None:
    """Whoever asked it could only wait."""
    with pytest.raises(BadDataFile, match="a feed needs at least one row"):
        feed([])


# ------------------------------------------------------------------ rows that come over the pipe


class Line:
    """The agent's end of the pipe: keeps what it is asked, answers when told."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.source = PipeSource("r1", self.asked.append)
        self.environment = run_of(Buyer)
        self.environment.feed_source = self.source
        self.letters = feed(LETTERS, order="unique", name="letters")

    def spawn(self, user: Any) -> Any:
        """A user that takes a row."""
        user._state = RUNNING
        greenlet = gevent.spawn(self.letters.next, user)
        gevent.idle()
        return greenlet

    def answer(self, first: int, count: int) -> None:
        """Rows come, and whoever waited goes on."""
        self.source.take(TakeBlock("rows:letters", first, count))
        gevent.idle()


def test_a_user_waits_for_its_row_and_can_be_stopped_meanwhile() -> None:
    """As between two tasks; whoever waits next gets the row."""
    line = Line()
    one, other = users(line.environment, Buyer, 2)
    first, second = line.spawn(one), line.spawn(other)
    assert [one._state, other._state] == [WAITING, WAITING]
    assert [(want.counter, want.size) for want in line.asked] == [("rows:letters", 10)], "asked once, for both"
    first.kill()
    line.answer(4, 1)
    assert second.get(timeout=30) == "e"
    assert other._state == RUNNING


def test_rows_are_asked_for_before_they_run_out() -> None:
    """And when there are none left, everybody who waits is told."""
    line = Line()
    waiting = [line.spawn(user) for user in users(line.environment, Buyer, 3)]
    line.answer(0, 2)
    assert [greenlet.ready() for greenlet in waiting] == [True, True, False]
    line.answer(0, 0)
    assert isinstance(waiting[2].exception, FeedExhausted)
    assert [want.held for want in line.asked[:2]] == [(), ((1, 1),)], "what is left is said with each wish"


def test_what_is_not_used_is_given_back() -> None:
    """At the end of a run, and of a worker."""
    line = Line()
    user = users(line.environment, Buyer, 1)[0]
    greenlet = line.spawn(user)
    line.answer(0, 5)
    assert greenlet.get(timeout=30) == "a"
    line.source.give_back()
    assert line.asked[-1] == WantBlock("rows:letters", 0, 10, ((1, 4),))


def test_two_feeds_of_one_name_must_be_the_same() -> None:
    """Rows are counted by name."""
    line = Line()
    line.spawn(users(line.environment, Buyer, 1)[0])
    with pytest.raises(LocustError, match="two feeds are called 'letters'"):
        feed(LETTERS[:3], order="unique", name="letters").next(users(line.environment, Buyer, 1)[0])
