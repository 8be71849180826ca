"""What a user measures beside its requests: transactions, metrics, checks, tags.

    class Buyer(HttpUser):
        @task
        def buy(self):
            with self.transaction("checkout"):
                self.client.get("/cart")
                with self.transaction("pay"):
                    r = self.client.post("/pay")
            self.check("has an id", "id" in r.json())
            self.metrics.trend("cart_value", unit="EUR").add(r.json()["total"])

These are tidal's own: Locust has none of them, and a file that uses them does not run there. A class, a user or a task
set may have something of its own under these names, as unchanged files do: that counts then.
"""

from __future__ import annotations

import time
from functools import wraps
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from tidal.flow import STEERING
from tidal.generator.measures import Alone, Measures
from tidal.generator.scopes import Run, Scope, current, enter, run_of, short_name, tags_with
from tidal.model.metrics import CHECK, COUNTER, GAUGE, RATE, TREND, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

Function = TypeVar("Function", bound="Callable[..., Any]")

_here: list[Measures] = [Alone(lambda: time.time_ns() // 1_000)]


def measure_with(measures: Measures) -> None:
    """From now on this process counts there what is measured without a user."""
    _here[0] = measures


def measures_of(owner: Any = None) -> Measures:
    """Where a user or task set counts; the process's own place for anybody else."""
    environment = getattr(owner, "environment", None) or getattr(getattr(owner, "user", None), "environment", None)
    found = vars(environment).get("measures") if hasattr(environment, "__dict__") else None
    return found if isinstance(found, Measures) else _here[0]


class Transaction:
    """A group of what a user does, with statistics of its own: a `with` block, or a decorator.

    It lasts from the beginning of the block to its end. It has failed when a request inside has failed, when an
    exception ends the block (those that steer a user, such as `StopUser`, aside), or when the block says `failure()`.
    When the user is stopped in it, it counts as cancelled and in no other figure. Transactions inside are its branches;
    requests of greenlets that are started inside belong to it as long as it lasts.
    """

    def __init__(self, name: Any, tags: dict[str, Any], measures: Measures | None = None) -> None:
        self._name = short_name(name, "transaction")
        self._tags = tags
        self._measures = measures

    def __repr__(self) -> str:
        return f"<Transaction {self._name}>"

    def __enter__(self) -> Run:
        """Begin; the run can be told `failure()`."""
        run = Run(self, self._name, self._tags)
        enter(run.scope)
        return run

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        """End, and count it."""
        run = run_of(self)
        if run is None:
            return
        whole_us = round((perf_counter() - run.began_s) * 1e6)
        run.is_over = True
        enter(run.before)
        is_error = kind is not None and issubclass(kind, Exception)
        if kind is not None and is_error and not issubclass(kind, STEERING):
            run.is_failed = True
        (self._measures or _here[0]).ended(run, whole_us, cancelled=kind is not None and not is_error)

    def __call__(self, function: Function) -> Function:
        """The function with a transaction around it; a method's counts where its user does."""

        @wraps(function)
        def inside(*arguments: Any, **named: Any) -> Any:
            measures = measures_of(arguments[0]) if arguments else self._measures
            with Transaction(self._name, self._tags, measures):
                return function(*arguments, **named)

        return cast("Function", inside)


@overload
def transaction(name: Function, /) -> Function: ...
@overload
def transaction(name: str, /, **tags: Any) -> Transaction: ...
def transaction(name: Any, /, **tags: Any) -> Any:
    """Make a method a transaction, or a block where no user is at hand.

        @task
        @transaction("checkout")
        def checkout(self):
            self.client.get("/cart")
            self.client.post("/pay")

    `@transaction` alone takes the method's name, and `with transaction("checkout"):` is a block.

    Args:
        name: what it is counted under, below the transactions around it; of a bare `@transaction` the function's name.
        tags: tags that are in force inside.

    Raises:
        ValueError: it has no name, or more than eight tags are in force.
    """
    return Transaction(name.__name__, {})(name) if callable(name) else Transaction(name, tags)


class Tagging:
    """A `with` block in which tags are in force."""

    def __init__(self, tags: dict[str, Any]) -> None:
        self._tags = tags
        self._before: list[Scope | None] = []

    def __enter__(self) -> None:
        before = current()
        enter(Scope(before, more=self._tags))
        self._before.append(before)

    def __exit__(self, *_: object) -> None:
        enter(self._before.pop())


# ------------------------------------------------------------------ metrics


class Instrument:
    """A metric with a name, to be recorded from anywhere."""

    kind = ""

    def __init__(self, measures: Measures, name: Any, unit: str) -> None:
        self._measures = measures
        self.name = short_name(name, "metric")
        self.unit = measures.declare(self.kind, self.name, str(unit)[:40])

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"

    def _record(self, parts: int, tags: dict[str, Any]) -> None:
        self._measures.record(self.kind, self.name, self.unit, tags_with(tags), parts)


class Counter(Instrument):
    """How much there was: its sum over the run, and for each second."""

    kind = COUNTER

    def add(self, value: Any = 1, /, **tags: Any) -> None:
        """Add to it: `self.metrics.counter("orders").add()`, `.add(3, region="eu")`.

        Raises:
            ValueError: the value is negative, not finite, or beyond 10^15.
            TypeError: it is no number.
        """
        parts = parts_of(value)
        if parts < 0:
            raise ValueError(f"the counter {self.name!r} only grows: a gauge or a trend takes {value!r}")
        self._record(parts, tags)


class Gauge(Instrument):
    """What there is now: its last value, the least and the greatest."""

    kind = GAUGE

    def set(self, value: Any, /, **tags: Any) -> None:
        """What it is now: `self.metrics.gauge("queue").set(12)`. Over all workers the latest by Redis time counts.

        Raises:
            ValueError: the value is not finite, or beyond 10^15.
            TypeError: it is no number.
        """
        self._record(parts_of(value), tags)


class Rate(Instrument):
    """How often something was so."""

    kind = RATE

    def add(self, hit: Any, /, **tags: Any) -> None:
        """Whether it was so this time: `self.metrics.rate("cache_hit").add(r.headers.get("x-cache") == "HIT")`."""
        self._record(int(bool(hit)), tags)


class Trend(Instrument):
    """How a value is spread: mean, least, greatest and percentiles within 0.5 %, in any unit."""

    kind = TREND

    def add(self, value: Any, /, **tags: Any) -> None:
        """Record a value: `self.metrics.trend("cart_size").add(3)`.

        Raises:
            ValueError: the value is not finite, or beyond 10^15.
            TypeError: it is no number.
        """
        self._record(parts_of(value), tags)


class Metrics:
    """The metrics of a file's own, by name; the same name is the same metric on every worker."""

    def __init__(self, measures: Measures | None = None) -> None:
        self._own = measures

    @property
    def _measures(self) -> Measures:
        return self._own or _here[0]

    def counter(self, name: str, unit: str = "") -> Counter:
        """How much there was: `self.metrics.counter("orders").add()`."""
        return Counter(self._measures, name, unit)

    def gauge(self, name: str, unit: str = "") -> Gauge:
        """What there is now: `self.metrics.gauge("queue", unit="jobs").set(12)`."""
        return Gauge(self._measures, name, unit)

    def rate(self, name: str) -> Rate:
        """How often something was so: `self.metrics.rate("cache_hit").add(True)`."""
        return Rate(self._measures, name, "")

    def trend(self, name: str, unit: str = "") -> Trend:
        """How a value is spread: `self.metrics.trend("cart_size", unit="items").add(3)`."""
        return Trend(self._measures, name, unit)


metrics = Metrics()
"""The metrics, for code that has no user at hand: a listener, a helper."""


class _OfOwner:
    """`self.metrics`: made for who reads it; whatever a file sets under this name goes before it."""

    def __get__(self, owner: Any, kind: Any = None) -> Metrics:
        return metrics if owner is None else Metrics(measures_of(owner))


class Measuring:
    """What users and task sets have in common: `transaction`, `metrics`, `check` and `tags`."""

    metrics = _OfOwner()

    def transaction(self, name: str, /, **tags: Any) -> Transaction:
        """A group of what this user does, with statistics of its own.

            with self.transaction("checkout"):
                self.client.get("/cart")
                self.client.post("/pay")

        Args:
            name: what it is counted under, below the transactions around it.
            tags: tags that are in force inside.

        Raises:
            ValueError: it has no name, or more than eight tags are in force.
        """
        return Transaction(name, tags, measures_of(self))

    def check(self, name: str, ok: Any, /, **tags: Any) -> bool:
        """Count whether something is as it should be; no request fails by it, and the user goes on.

            if self.check("has an id", "id" in r.json()):
                ...
            self.check("has an id", lambda: "id" in r.json())  # what it raises counts as not so

        Args:
            name: what should be so.
            ok: whether it is: anything that is true or false, or a function that says it.
            tags: tags of this one.

        Returns:
            Whether it was so.
        """
        passed = _said(ok) if callable(ok) else bool(ok)
        measures_of(self).record(CHECK, short_name(name, "check"), "", tags_with(tags), int(passed))
        return passed

    def tags(self, **tags: Any) -> Tagging:
        """Tags for all that is measured in a block: requests, transactions, metrics, checks.

            with self.tags(region="eu"):
                self.client.get("/cart")

        Requests are counted under their endpoint as ever, and under the tags besides. A name keeps a hundred
        combinations of tags apart; more are counted under "(other)", and that is said.

        Raises:
            ValueError: on entering: more than eight tags are in force.
        """
        return Tagging(tags)


def _said(function: Callable[[], Any]) -> bool:
    try:
        return bool(function())
    except STEERING:
        raise
    except Exception:  # noqa: BLE001 - a response that is not what was expected may raise anything
        return False
