"""Transactions, metrics, checks and tags, as a locustfile writes them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import gevent
import pytest
from gevent.pool import Pool
from measured_sums import metric_of, tagged_of, transaction_of

import tidal
from tidal import User, task
from tidal.flow import RescheduleTask, StopUser
from tidal.generator.environment import Environment
from tidal.generator.measures import NAMES_MAX
from tidal.generator.recorder import Recorder
from tidal.generator.scopes import TAG_COUNT_MAX, current
from tidal.measuring import Metrics, measures_of
from tidal.model.measured import DEPTH_MAX, TAG_SETS_MAX, Measured
from tidal.model.metrics import PARTS
from tidal.model.words import OTHER
from tidal.tasks import TaskSet

if TYPE_CHECKING:
    from collections.abc import Callable

NOW_US = 1_700_000_000_000_000


class Buyer(User):
    """A user with nothing of its own."""


class Scene:
    """A user, and the recorder that counts what it does."""

    def __init__(self) -> None:
        self.recorder = Recorder(lambda: NOW_US)
        self.environment = Environment()
        self.environment.measures = self.recorder.measures
        self.user = Buyer(self.environment)

    def ask(self, name: str = "/", *, failed: bool = False) -> None:
        """A request ends."""
        self.recorder.sample("GET", name, 5.0, 10, exception="no" if failed else None)

    def measured(self) -> Measured:
        """All that was measured."""
        made = Measured()
        for block in self.recorder.take().blocks:
            made.merge(block.measured)
        return made


@pytest.fixture
def scene() -> Scene:
    """A fresh one."""
    return Scene()


# ------------------------------------------------------------------ transactions


def test_requests_inside_belong_to_it_and_to_those_around_it(scene: Scene) -> None:
    """The inner one is a branch of the outer one."""
    with scene.user.transaction("checkout"):
        scene.ask()
        with scene.user.transaction("pay"):
            scene.ask()
    scene.ask()
    measured = scene.measured()
    assert sorted(measured.transactions) == [(("checkout",), ""), (("checkout", "pay"), "")]
    outer, inner = (transaction_of(measured, path) for path in [("checkout",), ("checkout", "pay")])
    assert (outer.whole.requests, outer.requests, inner.requests) == (1, 2, 1)
    assert outer.whole.failures == inner.whole.failures == 0


def test_a_failed_request_fails_all_that_are_around_it(scene: Scene) -> None:
    """But not what has ended before."""
    with scene.user.transaction("a"):
        with scene.user.transaction("b"):
            scene.ask()
        with scene.user.transaction("c"):
            scene.ask(failed=True)
    measured = scene.measured()
    failures = {path: row.whole.failures for (path, _), row in measured.transactions.items()}
    assert failures == {("a",): 1, ("a", "b"): 0, ("a", "c"): 1}
    assert transaction_of(measured, ("a",)).failed_requests == 1


def test_an_exception_fails_what_it_ends(scene: Scene) -> None:
    """What catches it in between goes on."""
    with scene.user.transaction("outer"), pytest.raises(KeyError), scene.user.transaction("inner"):
        raise KeyError
    measured = scene.measured()
    assert transaction_of(measured, ("outer", "inner")).whole.failures == 1
    assert transaction_of(measured, ("outer",)).whole.failures == 0
    assert current() is None


@pytest.mark.parametrize("steer", [StopUser, RescheduleTask])
def test_what_steers_a_user_is_no_failure(scene: Scene, steer: type[Exception]) -> None:
    """A task may leave in the middle."""
    with pytest.raises(steer), scene.user.transaction("left"):
        raise steer
    whole = transaction_of(scene.measured(), ("left",)).whole
    assert (whole.requests, whole.failures) == (1, 0)


def test_a_stopped_user_cancels_it(scene: Scene) -> None:
    """It is in no other figure, as with requests."""
    with pytest.raises(gevent.GreenletExit), scene.user.transaction("cut"):
        raise gevent.GreenletExit
    whole = transaction_of(scene.measured(), ("cut",)).whole
    assert (whole.cancelled, whole.requests, whole.failures) == (1, 0, 0)


def test_a_block_may_say_that_it_failed(scene: Scene) -> None:
    """Whatever its requests did."""
    with scene.user.transaction("odd") as run:
        run.failure()
    assert transaction_of(scene.measured(), ("odd",)).whole.failures == 1


def test_waiting_is_taken_out_of_the_busy_time(scene: Scene) -> None:
    """Never more than there was."""
    with scene.user.transaction("outer"), scene.user.transaction("inner") as run:
        run.waited(60_000_000)
    measured = scene.measured()
    for path in [("outer",), ("outer", "inner")]:
        row = transaction_of(measured, path)
        assert (row.busy.total_us, row.busy.requests) == (0, 1)


def test_greenlets_that_are_started_inside_belong_to_it(scene: Scene) -> None:
    """Spawned or in a pool; a transaction in one of them is a branch."""

    def fetch(name: str) -> None:
        with scene.user.transaction(name):
            scene.ask(f"/{name}")

    with scene.user.transaction("page"):
        gevent.joinall([gevent.spawn(fetch, "style"), gevent.spawn(fetch, "script")])
        Pool(2).map(fetch, ["image", "image"])
    late = gevent.spawn(scene.ask)
    late.join()
    measured = scene.measured()
    assert transaction_of(measured, ("page",)).requests == 4
    assert transaction_of(measured, ("page", "image")).whole.requests == 2


def test_what_ends_later_is_not_counted_in_it(scene: Scene) -> None:
    """A child that outlives the transaction."""
    go = gevent.event.Event()

    def slow() -> None:
        go.wait()
        scene.ask(failed=True)

    with scene.user.transaction("short"):
        child = gevent.spawn(slow)
    go.set()
    child.join()
    row = transaction_of(scene.measured(), ("short",))
    assert (row.requests, row.whole.failures) == (0, 0)


def test_users_do_not_see_each_others_transactions(scene: Scene) -> None:
    """Each greenlet is in the middle of its own."""
    met = gevent.event.Event()

    def one() -> None:
        with scene.user.transaction("one"):
            met.wait()

    def two() -> None:
        with scene.user.transaction("two"):
            scene.ask()
        met.set()

    gevent.joinall([gevent.spawn(one), gevent.spawn(two)], raise_error=True)
    measured = scene.measured()
    assert transaction_of(measured, ("one",)).requests == 0
    assert transaction_of(measured, ("two",)).requests == 1


def test_the_decorator_counts_where_its_user_does(scene: Scene) -> None:
    """With a name, or under the function's own; in a task set as well; it stays a task."""

    class Shop(TaskSet):
        @task(3)
        @tidal.transaction("named", region="eu")
        def buy(self) -> str:
            scene.ask()
            return "bought"

        @tidal.transaction
        def look(self) -> None:
            scene.ask()

    shop = Shop(scene.user)
    assert shop.buy() == "bought"
    shop.look()
    assert len(Shop.tasks) == 3
    assert Shop.look.__name__ == "look"
    assert sorted(scene.measured().transactions) == [(("look",), ""), (("named",), "region=eu")]


def test_one_object_may_be_begun_again_inside_itself(scene: Scene) -> None:
    """And by several greenlets at once."""
    again = scene.user.transaction("again")

    def twice() -> None:
        with again:
            gevent.idle()
            with again:
                gevent.idle()

    gevent.joinall([gevent.spawn(twice), gevent.spawn(twice)], raise_error=True)
    measured = scene.measured()
    assert transaction_of(measured, ("again",)).whole.requests == 2
    assert transaction_of(measured, ("again", "again")).whole.requests == 2


def test_deep_nests_are_cut(scene: Scene) -> None:
    """A recursion is no tree without end."""

    def dig(depth: int) -> None:
        if depth:
            with scene.user.transaction(f"level {depth}"):
                dig(depth - 1)

    dig(DEPTH_MAX + 4)
    paths = [path for path, _ in scene.measured().transactions]
    assert max(map(len, paths)) == DEPTH_MAX
    assert len(paths) == DEPTH_MAX + 1
    assert sum(path[-1] == OTHER for path in paths) == 1


def test_a_process_without_a_recorder_counts_for_itself() -> None:
    """A script that uses tidal as a library."""
    environment = Environment()
    user = Buyer(environment)
    with user.transaction("alone"):
        user.metrics.counter("seen").add()
    total: Measured = environment.measures.total  # type: ignore[attr-defined] # an `Alone`
    assert transaction_of(total, ("alone",)).whole.requests == 1
    assert metric_of(total, "counter", "seen").count == 1


# ------------------------------------------------------------------ metrics and checks


def test_each_kind_counts_what_it_is_for(scene: Scene) -> None:
    """In exact parts."""
    metrics = scene.user.metrics
    metrics.counter("orders").add()
    metrics.counter("orders").add(2.5)
    metrics.gauge("queue", unit="jobs").set(9)
    metrics.rate("hit").add(hit := "yes")
    metrics.rate("hit").add("")
    metrics.trend("size").add(-3)
    measured = scene.measured()
    assert metric_of(measured, "counter", "orders").total == 7 * PARTS // 2
    assert (metric_of(measured, "gauge", "queue").last, metric_of(measured, "gauge", "queue").last_us) == (
        9 * PARTS,
        NOW_US,
    )
    assert (metric_of(measured, "rate", "hit").total, metric_of(measured, "rate", "hit").count) == (len(hit[:1]), 2)
    assert metric_of(measured, "trend", "size").low == -3 * PARTS
    assert ("gauge", "queue", "jobs", "") in measured.metrics


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (lambda m: m.counter("c").add(-1), "'c' only grows"),
        (lambda m: m.trend("t").add(float("nan")), "nan is no number"),
        (lambda m: m.trend("t").add("7"), "str is no number"),
        (lambda m: m.gauge("g").set(None), "NoneType is no number"),
        (lambda m: (m.trend("x"), m.counter("x")), "'x' is a trend already"),
        (lambda m: (m.trend("x", unit="ms"), m.trend("x", unit="s")), "has the unit 'ms' already"),
        (lambda m: (m.trend("x"), m.trend("x", unit="s")), "has no unit already"),
        (lambda m: m.trend(""), "needs a name"),
        (lambda m: m.trend("t").add(1, **{f"k{n}": n for n in range(TAG_COUNT_MAX + 1)}), "9 tags where 8"),
    ],
)
def test_a_mistake_is_told_where_it_is_made(scene: Scene, use: Callable[[Metrics], Any], told: str) -> None:
    """In one sentence; nothing is counted."""
    with pytest.raises((ValueError, TypeError), match=told):
        use(scene.user.metrics)
    assert not scene.measured()


def test_a_unit_said_once_is_known(scene: Scene) -> None:
    """It need not be repeated."""
    scene.user.metrics.trend("weight", unit="kg").add(1)
    scene.user.metrics.trend("weight").add(2)
    assert metric_of(scene.measured(), "trend", "weight").count == 2
    assert scene.user.metrics.trend("weight").unit == "kg"


def test_a_check_counts_and_says_what_was_so(scene: Scene) -> None:
    """A function is called; what it raises is not so. No request fails by it."""
    user = scene.user
    assert user.check("is one", 1 == 1) is True  # noqa: PLR0133 - any expression
    assert user.check("is one", []) is False
    assert user.check("is one", lambda: {}["missing"]) is False
    assert user.check("is one", lambda: "yes") is True
    with pytest.raises(StopUser):
        user.check("leaves", lambda: (_ for _ in ()).throw(StopUser()))
    check = metric_of(scene.measured(), "check", "is one")
    assert (check.total, check.count) == (2, 4)


def test_a_task_set_measures_like_its_user(scene: Scene) -> None:
    """All four words."""
    tasks = TaskSet(scene.user)
    with tasks.tags(region="eu"), tasks.transaction("t"):
        tasks.check("c", True)  # noqa: FBT003 - as users write it
        tasks.metrics.counter("n").add()
    measured = scene.measured()
    assert {tags for *_, tags in [*measured.metrics, *measured.transactions]} == {"region=eu"}


def test_what_a_file_has_under_these_names_counts() -> None:
    """Unchanged Locust files may use them for something else."""

    class Own(User):
        tags = ("mine",)
        transaction = "text"

        def check(self) -> str:  # type: ignore[override] # a file's own
            return "own"

    user = Own(Environment())
    user.metrics = {"mine": 1}  # type: ignore[assignment,method-assign] # a file's own
    assert (user.tags, user.transaction, user.check(), user.metrics) == (("mine",), "text", "own", {"mine": 1})


def test_an_environment_of_a_files_own_does_no_harm() -> None:
    """A user in a test of its author's, say."""
    user = Buyer(SimpleNamespace(iterations=None))
    with user.transaction("t"):
        pass
    assert measures_of(user) is measures_of(None)


# ------------------------------------------------------------------ tags


def test_tags_hold_inside_and_add_up(scene: Scene) -> None:
    """For requests, transactions, metrics and checks; the inner value counts."""
    user = scene.user
    with user.tags(region="eu"):
        scene.ask("/cart")
        with user.transaction("buy", tier="pro"):
            user.metrics.trend("size").add(1, region="us")
        user.check("ok", True)  # noqa: FBT003 - as users write it
    scene.ask("/cart")
    measured = scene.measured()
    assert list(measured.transactions) == [(("buy",), "region=eu,tier=pro")]
    assert list(measured.metrics) == [("trend", "size", "", "region=us,tier=pro"), ("check", "ok", "", "region=eu")]
    assert tagged_of(measured, "region=eu", ("GET", "/cart")).requests == 1


def test_too_many_tags_go_together(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """A user's number is no tag: it is said once, and nothing is lost."""
    for number in range(TAG_SETS_MAX + 20):
        with scene.user.tags(user=number):
            scene.ask()
            scene.user.metrics.counter("n").add()
            with scene.user.transaction("t"):
                pass
    measured = scene.measured()
    assert tagged_of(measured, OTHER).requests == 20
    assert metric_of(measured, "counter", "n", OTHER).count == 20
    assert transaction_of(measured, ("t",), OTHER).whole.requests == 20
    assert metric_of(measured, "counter", "n").count == TAG_SETS_MAX + 20
    assert sum("too many combinations of tags" in line for line in caplog.messages) == 3


def test_too_many_names_go_together(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """As with tags."""
    for number in range(NAMES_MAX + 5):
        scene.user.metrics.counter(f"n{number}").add()
        with scene.user.transaction(f"t{number}"):
            pass
    measured = scene.measured()
    assert metric_of(measured, "counter", OTHER).count == 5
    assert transaction_of(measured, (OTHER,)).whole.requests == 5
    assert sum("further ones are counted under (other)" in line for line in caplog.messages) == 2


def test_names_and_values_are_bounded_and_cannot_pretend(scene: Scene) -> None:
    """A tag's text ends no tag; a lone surrogate can be sent."""
    with scene.user.tags(region="eu,tier=pro", long="x" * 500, odd="\ud800"):
        scene.user.metrics.counter("n" * 999).add()
    ((_, name, _, tags),) = scene.measured().metrics
    assert len(name) == 200
    assert tags == f"long={'x' * 60},odd=?,region=eu_tier_pro"
