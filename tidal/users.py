"""Users: what a locustfile writes against.

    class Visitor(HttpUser):
        wait_time = between(1, 3)

        @task
        def front_page(self):
            self.client.get("/")

A user is one simulated person in a greenlet of its own: `on_start`, then tasks with waits between them until it is
stopped, then `on_stop`. Besides Locust's attributes it has `number`: the same person has the same number (from 0,
within its class) for the whole run, whichever process runs it, so it can pick its share of test data by it. It is there
before `__init__` begins. A class or a user may have a `number` of its own, as unchanged files do: that one counts then.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import gevent

from tidal.flow import RUNNING, STEERING, STOPPING, WAITING, StopTest, StopUser
from tidal.measuring import Measuring
from tidal.pace import keep_pace
from tidal.rest import RestMixin
from tidal.tasks import DefaultTaskSet, TaskSet, collect_tasks
from tidal.waits import constant

if TYPE_CHECKING:
    from tidal.generator.environment import Environment
    from tidal.generator.http import HttpSession
    from tidal.generator.http_response import RestResponseContextManager  # noqa: F401 - in quotes below: it is heavy


class UserMeta(type):
    """Collects the tasks as the class is made; a class that does not say so is not abstract."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """The class, with `tasks` expanded and `abstract` its own."""
        own = {"tasks": collect_tasks(bases, namespace), "abstract": bool(namespace.get("abstract"))}
        return super().__new__(cls, name, bases, {**namespace, **own})


class _Number:
    """The user's number for who reads it; whatever a file sets under this name goes before it."""

    def __get__(self, user: User | None, owner: type[User]) -> int:
        return 0 if user is None else user._tidal_number  # noqa: SLF001 - our own


class User(Measuring, metaclass=UserMeta):
    """A simulated person.

    Attributes:
        environment: the run as this process sees it.
        number: which one of its class this is, from 0.
    """

    abstract: bool = True
    host: str | None = None
    tasks: Any = []  # noqa: RUF012 - a locustfile writes a list, pairs or a dict; made a list of its own per class
    wait_time: Any = constant(0)
    weight: float = 1
    fixed_count: int = 0
    min_wait: float | None = None
    max_wait: float | None = None
    wait_function: Any = None
    environment: Environment

    number = _Number()
    _tidal_number: int = 0
    _tidal_due: tuple[float, float] | None = None  # when the next iteration is meant to begin, and the period (s)
    _tidal_over: tuple[float, float] | None = None  # the same of the one after that, while one goes on
    _late_us: int | None = None
    _visits = False  # whether it lives for arrivals: one iteration each
    _visit_failed = False
    _pass: Any = None  # of a sequential task set: the one that goes on
    _ticket: Any = None

    def __init__(self, environment: Any) -> None:
        super().__init__()
        self.environment = environment
        self._state: str | None = None
        self._greenlet: Any = None
        self._group: Any = None
        self._taskset_instance: TaskSet | None = None
        self._iterations: list[int] = getattr(environment, "iterations", None) or [0, 0, 0, 0]
        self._cp_last_run = time.perf_counter()
        self._cp_last_wait_time = 0.0

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._tidal_number} {self._state or 'new'}>"

    def on_start(self) -> Any:
        """Called before the first task."""

    def on_stop(self) -> Any:
        """Called when the user is stopped."""

    def run(self) -> None:
        """Live: `on_start`, tasks until something stops the user, `on_stop`. Not to be overridden."""
        self._greenlet = gevent.getcurrent()
        self._state = RUNNING if self._state != STOPPING else STOPPING
        self._taskset_instance = DefaultTaskSet(self)
        if not self._visits:
            keep_pace(self)
        try:
            self._begin()
            self._drive()
        except _Reported:  # it never began: nothing to stop
            raise
        except (gevent.GreenletExit, StopUser, StopTest):
            self.on_stop()
            raise

    def _drive(self) -> None:
        """Run tasks until something stops the user."""
        self._taskset_instance.run()  # type: ignore[union-attr] # it is made before

    def _begin(self) -> None:
        try:
            self.on_start()
        except STEERING:
            raise
        except Exception as error:
            self._report(error, self)
            raise _Reported from error

    def _report(self, error: Exception, where: Any) -> None:
        """Tell whoever counts and listens that the user's code raised."""
        self.environment.events.user_error.fire(user_instance=where, exception=error, tb=error.__traceback__)

    def wait(self) -> None:
        """Sleep for `wait_time`; the user may be stopped meanwhile."""
        if self._taskset_instance is not None:
            self._taskset_instance.wait()

    def start(self, group: Any) -> Any:
        """Run in a new greenlet of the group; returns the greenlet."""
        self._group = group
        self._greenlet = group.spawn(_run_user, self)
        return self._greenlet

    def stop(self, force: bool = False) -> bool:  # noqa: FBT001, FBT002 - Locust's signature
        """Stop: at once when it waits (or when forced), else after the task in hand. Returns whether it was at once."""
        if force or self._state in (None, WAITING):
            self._state = STOPPING
            if self._greenlet is not None:
                self._greenlet.kill(block=False)
            return True
        self._state = STOPPING
        return False

    @property
    def greenlet(self) -> Any:
        """The greenlet that this user runs in."""
        return self._greenlet

    @property
    def group(self) -> Any:
        """The group that `start` was given."""
        return self._group

    def context(self) -> dict[str, Any]:
        """What is added to the context of each request; to be overridden."""
        return {}

    @classmethod
    def json(cls) -> dict[str, Any]:
        """The class in plain values."""
        tasks = [task.__name__ for task in cls.tasks]
        return {"host": cls.host, "weight": cls.weight, "fixed_count": cls.fixed_count, "tasks": tasks}

    @classmethod
    def fullname(cls) -> str:
        """The class's dotted name, with its module."""
        return ".".join(part for part in f"{cls.__module__}.{cls.__qualname__}".split(".") if part != "<locals>")


def made_user(cls: type[User], environment: Any, number: int) -> User:
    """User `number` of a class: it knows its number before its own `__init__` runs."""
    user = cls.__new__(cls, environment)  # type: ignore[call-arg] # a file's own __new__ gets what __init__ gets
    user._tidal_number = number  # noqa: SLF001 - our own
    user.__init__(environment)  # type: ignore[misc] # what calling the class does, with the number in between
    return user


class _Reported(StopUser):
    """Ends a user whose error was told already."""


def _run_user(user: User) -> None:
    """The body of a user's greenlet; plugins find the user in the greenlet's args."""
    with suppress(StopUser, StopTest):
        user.run()


class HttpUser(RestMixin["RestResponseContextManager"], User):
    """A user with `client`: a `requests.Session` that times what it does and keeps its cookies."""

    abstract = True
    pool_manager: Any = None
    client: HttpSession

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        from tidal.generator.http import HttpSession  # noqa: PLC0415 - requests costs 0.1 s: only who needs it pays

        if self.host is None:
            raise StopTest(
                "You must specify the base host. Either in the host attribute in the User class, or on the command line"
                " using the --host option."
            )
        request = self.environment.events.request
        self.client = HttpSession(self.host, request, self, pool_manager=self.pool_manager)
        self.client.trust_env = False  # proxies and .netrc of the machine are not part of the test
