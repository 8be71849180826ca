"""The pytest style of locustfile: no user class, but `test_*` functions that take `session` or `fastsession`.

    def test_front_page(session):
        session.get("/")

Each function becomes a user class of its name, whose users call it again and again without a wait. pytest itself
collects the functions, so parameters, fixtures of one's own and conftest files work; a fixture that asks for `user`
gets the user. The same file runs under `pytest -p tidal.generator.pytest_plugin --host …` as plain tests.
"""

from __future__ import annotations

import importlib.util
import inspect
import logging
import time
from typing import TYPE_CHECKING, Any

from tidal.flow import RUNNING, STOPPING, CatchResponseError, StopUser
from tidal.generator.discovery import Refused
from tidal.generator.fast_errors import ConnectionError as FastError
from tidal.iterations import CANCELLED, FAILED, FINISHED, begin, end
from tidal.users import User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

logger = logging.getLogger("locust.user.users")

REQUEST_FAILED = (OSError, CatchResponseError, FastError)
"""What ends a call and not its user; every error of requests is an OSError."""
PLUGIN = "tidal.generator.pytest_plugin"
OPTIONS = (
    "-p",
    "no:locust",
    "-p",
    "no:terminal",
    "-p",
    "no:cacheprovider",
    "--assert=plain",
    "--capture=no",
    "-p",
    PLUGIN,
)


class PytestUser(User):
    """Calls test functions, one after the other, until it is stopped.

    Attributes:
        functions: pytest's items.
    """

    abstract = True
    functions: Any = ()

    def run(self) -> None:
        """Live: fixtures once, then the functions; a failed request ends a call, any other exception the user."""
        self._state = RUNNING if self._state != STOPPING else STOPPING
        fixtures = Fixtures(self)
        try:
            calls = [(item.obj, fixtures.arguments(item)) for item in self.functions]
            while self._state != STOPPING:
                for function, arguments in calls:
                    self._call(function, arguments)
            raise StopUser
        finally:
            fixtures.close()

    def _call(self, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        begin(self)
        ended = CANCELLED
        try:
            function(**arguments)
            ended = FINISHED
        except REQUEST_FAILED as error:
            ended = FAILED
            if isinstance(error, ValueError):  # a URL without a schema, say: it would never do
                raise
            logger.debug("%s", error, exc_info=error)
        except Exception:
            ended = FAILED
            raise
        finally:
            end(self, ended)
        time.sleep(0)  # cooperative: the others get a turn even when nothing was sent


class Fixtures:
    """The fixtures of one user: made when they are first asked for, closed with it."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._made: dict[str, Any] = {"user": user}
        self._open: list[Any] = []

    def arguments(self, item: Any) -> dict[str, Any]:
        """What a test function is called with."""
        given = dict(item.callspec.params) if hasattr(item, "callspec") else {}
        names = [name for name in inspect.signature(item.obj).parameters if name not in given]
        return given | {name: self._make(name, item) for name in names}

    def _make(self, name: str, item: Any) -> Any:
        if name not in self._made:
            definition = definition_of(name, item)
            parameters = inspect.signature(definition.func).parameters.values()
            wanted = [p.name for p in parameters if p.default is p.empty or p.name == "user"]
            made = definition.func(**{n: self._make(n, item) for n in wanted})
            if inspect.isgenerator(made):
                self._open.append(made)
                made = next(made)
            self._made[name] = made
        return self._made[name]

    def close(self) -> None:
        """End the fixtures that yield, the last one first; what follows their `yield` is run."""
        while self._open:
            try:
                next(self._open.pop(), None)
            except Exception as error:
                logger.exception("the end of a fixture failed: %s", error)  # noqa: TRY401 - as Locust's lines


def definition_of(name: str, item: Any) -> Any:
    """The fixture of this name as an item sees it; ValueError when there is none."""
    found = item.session._fixturemanager.getfixturedefs(name, item)  # noqa: SLF001 - pytest has no public way
    if not found:
        raise ValueError(f"Could not find fixture for parameter {name!r} in {item.name}")
    return found[-1]


class _Collector:
    """A plugin that keeps what pytest has collected."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def pytest_collection_finish(self, session: Any) -> None:
        """All files were read."""
        self.items = [item for item in session.items if hasattr(item, "obj")]


def pytest_users(modules: Iterable[ModuleType]) -> dict[str, type[User]]:
    """The test functions of modules as user classes; none when there are no such functions."""
    tested = [module for module in modules if any(name.startswith(("test", "Test")) for name in vars(module))]
    if not tested:
        return {}
    if importlib.util.find_spec("pytest") is None:
        name = f"{tested[0].__name__}.py"
        why = f"{name}: test functions and no user class: this style needs pytest, which is not installed"
        raise Refused("FileImportError", why)
    items = [item for module in tested for item in _collect(str(module.__file__))]
    by_name: dict[str, list[Any]] = {}
    for item in items:
        by_name.setdefault(item.name, []).append(item)
    return {name: _user_class(name, own) for name, own in by_name.items()}


def _collect(file: str) -> list[Any]:
    import pytest  # noqa: PLC0415 - only this style of file needs it

    collector = _Collector()
    pytest.main([*OPTIONS, "--collect-only", file], plugins=[collector])
    return collector.items


def _user_class(name: str, items: list[Any]) -> type[User]:
    for item in items:
        given = item.callspec.params if hasattr(item, "callspec") else {}
        for parameter in inspect.signature(item.obj).parameters:
            if parameter not in given:
                _check(parameter, item)
    cls: type[User] = type(name, (PytestUser,), {"functions": items, "__module__": items[0].module.__name__})
    return cls


def _check(parameter: str, item: Any) -> None:
    try:
        definition_of(parameter, item)
    except ValueError as error:
        raise Refused("FileImportError", str(error)) from error
