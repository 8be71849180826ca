"""One user in this process, each of its requests printed: for debuggers.

    if __name__ == "__main__":
        run_single_user(Visitor)

Hooks are told of `init` and `test_start`, and of nothing after that. Further calls share the environment.
"""

from __future__ import annotations

import datetime as dt
import inspect
import logging
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidal.flow import CatchResponseError, StopTest, StopUser
from tidal.generator.environment import Environment
from tidal.generator.local import log_user_error
from tidal.hooks import events

if TYPE_CHECKING:
    from tidal.users import User

ERROR_MAX = 500

_environments: list[Environment] = []
"""The one environment of all calls, once there is one."""


class PrintListener:
    """Prints a line for each request, its fields with tabs between them."""

    def __init__(
        self,
        env: Environment,
        include_length: bool = False,  # noqa: FBT001, FBT002 - Locust's signature
        include_time: bool = False,  # noqa: FBT001, FBT002 - the same
        include_context: bool = False,  # noqa: FBT001, FBT002 - the same
        include_payload: bool = False,  # noqa: FBT001, FBT002 - the same
    ) -> None:
        self.include_length, self.include_time = include_length, include_time
        self.include_context, self.include_payload = include_context, include_payload
        env.events.request.add_listener(self.on_request)
        time, length = "time                    \t" if include_time else "", "length\t" if include_length else ""
        context, payload = "context\t" if include_context else "", "payload\t" if include_payload else ""
        print(f"\n{time}type\t{'name':<50}\tresp_ms\t{length}exception\t{context}\t{payload}")

    def on_request(  # noqa: PLR0917 - the hook's arguments
        self,
        request_type: Any,
        name: Any,
        response_time: float | None,
        response_length: int | None = 0,
        exception: Any = None,
        context: Any = None,
        start_time: float | None = None,
        response: Any = None,
        **_: Any,
    ) -> None:
        """Print one request."""
        fields = [_moment(start_time)] if self.include_time else []
        time_ms = round(-1 if response_time is None else response_time)
        fields += [str(request_type), f"{name or '':<50}", f"{time_ms!s:<7}"]
        fields += [str(response_length)] if self.include_length else []
        fields.append(f"{error_text(exception):<9}")
        fields += [str(context or "")] if self.include_context else []
        fields += [str(_payload(response))] if self.include_payload else []
        print(*fields, "", sep="\t")


def _moment(start_time: float | None) -> str:
    if start_time is None:
        return str(dt.datetime.now(dt.UTC))
    return str(dt.datetime.fromtimestamp(start_time, tz=dt.UTC))


def error_text(exception: Any) -> str:
    """A failure in one line."""
    if not exception:
        return ""
    text = str(exception) if isinstance(exception, CatchResponseError) else repr(exception)
    return text[:ERROR_MAX].replace("\n", " ")


def _payload(response: Any) -> Any:
    """The body that was sent, wherever the client keeps it."""
    for place in ("_request", "request"):
        request = getattr(response, place, None)
        for name in ("payload", "body"):
            if hasattr(request, name):
                return getattr(request, name)
    return ""


def run_single_user(  # noqa: PLR0917 - Locust's signature
    user_class: type[User],
    include_length: bool = False,  # noqa: FBT001, FBT002 - Locust's signature
    include_time: bool = False,  # noqa: FBT001, FBT002 - the same
    include_context: bool = False,  # noqa: FBT001, FBT002 - the same
    include_payload: bool = False,  # noqa: FBT001, FBT002 - the same
    loglevel: str | None = "WARNING",
) -> None:
    """Run one user of a class until it stops; options come from the command line, as Locust's."""
    if loglevel:
        host = os.uname().nodename.partition(".")[0]
        logging.basicConfig(level=loglevel.upper(), format=f"[%(asctime)s] {host}/%(levelname)s/%(name)s: %(message)s")
    if not _environments:
        environment = _scene(Path(inspect.stack()[1].filename).name)
        PrintListener(environment, include_length, include_time, include_context, include_payload)
        environment.events.user_error.add_listener(log_user_error)
        environment.events.init.fire(environment=environment, runner=None, web_ui=None)
        if environment.events.failures:
            sys.stdout.flush()
            os._exit(1)
        _environments.append(environment)
    _live(_environments[0], user_class)


def _scene(locustfile: str) -> Environment:
    """An environment as the words of the command line say."""
    options = import_module("tidal.compat.locust.argument_parser").get_parser().parse_args()
    options.locustfile = locustfile
    return Environment(events=events, locustfile=locustfile, host=options.host, parsed_options=options)


def _live(environment: Any, user_class: type[User]) -> None:
    environment.user_classes = [user_class]
    environment._filter_tasks_by_tags()  # noqa: SLF001 - Locust's private name
    environment.events.test_start.fire(environment=environment)
    if environment.host:
        user_class.host = environment.host
    environment.single_user_instance = user = user_class(environment)
    try:
        user.run()
    except (StopUser, StopTest) as error:
        if error.__cause__ is not None:  # `on_start` raised: who debugs wants to see it
            raise error.__cause__ from None
