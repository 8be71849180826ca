"""A locustfile as its author types it: every name has a type that an editor can complete."""

from collections.abc import Iterator
from typing import Any, assert_type

import tidal
from tidal import (
    Environment,
    Events,
    FastHttpUser,
    Feed,
    HttpUser,
    LoadTestShape,
    MarkovTaskSet,
    SequentialTaskSet,
    TaskSet,
    User,
    between,
    constant_pacing,
    events,
    tag,
    task,
    transition,
)
from tidal.clients import FastHttpSession, FastResponse, HttpSession, Response

accounts = tidal.feed("accounts.csv")
assert_type(accounts, Feed)
assert_type(events, Events)


@events.test_start.add_listener
def prepare(environment: Environment, **_: Any) -> None:
    """A listener keeps its own type."""
    assert_type(environment.host, str | None)
    assert_type(environment.process_exit_code, int | None)


@events.init_command_line_parser.add_listener
def arguments(parser: Any) -> None:
    """Another."""
    parser.add_argument("--who")


def call_it(environment: Environment) -> None:
    """What is decorated can be called as it is."""
    prepare(environment)


class Shopper(HttpUser):
    """Over requests."""

    host = "http://127.0.0.1:8089"
    wait_time = between(1, 3)
    weight = 3

    def on_start(self) -> None:
        """The client, the environment, the number."""
        assert_type(self.client, HttpSession)
        assert_type(self.environment, Environment)
        assert_type(self.number, int)

    @task
    def look(self) -> None:
        """A response, and what is in it."""
        response = self.client.get("/products", params={"page": 1}, headers={"X": "y"}, name="/products", timeout=3)
        assert_type(response, Response)
        assert_type(response.status_code, int)
        assert_type(response.text, str)
        for method in (self.client.post, self.client.put, self.client.patch, self.client.delete):
            method("/cart", json={"product": 1}, context={"a": 1})
        self.client.request("PURGE", "/x", data=b"x", allow_redirects=False)

    @task(3)
    def declare(self) -> None:
        """The block that declares a request."""
        with self.client.post("/cart", json={"product": 1}, catch_response=True) as response:
            assert_type(response, Response)
            if response.status_code != 201:
                response.failure("not put into the cart")
            else:
                response.success()
        with self.rest("GET", "/products") as answer:
            assert_type(answer.js, Any)
            answer.failure("x")
        with self.client.rename_request("/x"):
            self.client.head("/y")

    @tag("slow", "smoke")
    @task
    def several(self) -> None:
        """Tags keep the function's type."""
        self.look()
        with self.transaction("checkout"):
            self.check("has it", self.number >= 0)
            self.metrics.trend("cart_size").add(3)


class Fast(FastHttpUser):
    """Over the fast client."""

    wait_time = constant_pacing(1)
    network_timeout = 3.0

    @task
    def look(self) -> None:
        """The same words."""
        assert_type(self.client, FastHttpSession)
        response = self.client.get("/products", name="/p", headers={"X": "y"})
        assert_type(response, FastResponse)
        assert_type(response.status_code, int)
        with self.client.post("/cart", json={"a": 1}, catch_response=True) as caught:
            caught.failure("x")
        with self.rest("POST", "/cart", json={"a": 1}) as answer:
            answer.success()
        lines = self.client.iter_lines("/lines/3")
        assert_type(lines, Iterator[str])


class Purchase(SequentialTaskSet):
    """A set of tasks says once whose it is."""

    user: Shopper
    client: HttpSession

    def on_start(self) -> None:
        """From then on everything is known."""
        assert_type(self.user, Shopper)
        assert_type(self.client.get("/"), Response)

    @task
    class Inner(TaskSet):
        """A set may be a task."""

        @task(2)
        def inside(self) -> None:
            """Leave."""
            self.interrupt(reschedule=False)

    @task
    def done(self) -> None:
        """Leave."""
        self.interrupt()


class Chain(MarkovTaskSet):
    """By transitions."""

    @transition("second", weight=2)
    def first(self) -> None:
        """Go on."""

    @transition("first")
    def second(self) -> None:
        """Go back."""


class Buyer(Shopper):
    """Sets of tasks, in every way in which they are written."""

    tasks = [Purchase, Chain]


class Weighted(HttpUser):
    """As a dict."""

    tasks = {Purchase: 1, Chain: 2}


class Own(User):
    """A protocol of one's own."""

    abstract = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.account = accounts.of(self)

    @task
    def call(self) -> None:
        """Timed by the hook."""
        with self.environment.events.request.measure("X", "name") as meta:
            assert_type(meta, dict[str, Any])


class Wave(LoadTestShape):
    """Users and rate, a second at a time."""

    def tick(self) -> tuple[int, float] | None:
        """For a minute."""
        return (10, 2.0) if self.get_run_time() < 60 else None
