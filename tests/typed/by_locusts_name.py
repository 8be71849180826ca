"""A file that imports by Locust's name, for a checker that was told where tidal keeps it."""

from typing import assert_type

from locust import FastHttpUser, HttpUser, SequentialTaskSet, between, events, task
from locust.clients import HttpSession
from locust.env import Environment
from locust.exception import StopUser


@events.init.add_listener
def begin(environment: Environment, **_: object) -> None:
    """A hook."""
    assert_type(environment.host, str | None)


class Steps(SequentialTaskSet):
    """A set of tasks."""

    @task
    def leave(self) -> None:
        """Leave."""
        raise StopUser


class Shopper(HttpUser):
    """A user."""

    wait_time = between(1, 3)
    tasks = [Steps]

    @task
    def look(self) -> None:
        """A request."""
        assert_type(self.client, HttpSession)
        assert_type(self.client.get("/", name="x").status_code, int)


class Fast(FastHttpUser):
    """Another."""

    @task
    def look(self) -> None:
        """A request."""
        assert_type(self.client.get("/").status_code, int)
        self.client.gett("/")  # E: "FastHttpSession" has no attribute "gett"
