"""What is typed into the start form, as the choice that the starter gets. Pure: text in, choice or complaints out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tidal.tui import own
from tidal.tui.feed import StartChoice
from tidal.tui.screens.questions import USERS_MAX, rate_of
from tidal.tui.text import duration_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.model.events import RunOptions
    from tidal.model.pipe import ArgumentSpec

PROCESSES_MAX = 1_024


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of the form as they stand."""

    file: str = ""
    users: str = "1"
    rate: str = "1"
    run_time: str = ""
    host: str = ""
    processes: str = ""
    classes: tuple[str, ...] = ()  # the chosen ones
    known: tuple[str, ...] = ()  # those that the file defines
    arguments: tuple[ArgumentSpec, ...] = ()  # the file's own
    given: tuple[tuple[str, str], ...] = ()  # what was typed for them: name, text


def typed_of(defaults: StartChoice) -> Typed:
    """The form's fields for what the command line said already."""
    options = defaults.options
    run_time = "" if options.run_time_ms is None else f"{options.run_time_ms / 1000:g}s"
    return Typed(
        defaults.file,
        str(options.users),
        f"{options.spawn_rate:g}",
        run_time,
        options.host,
        str(defaults.processes or ""),
        options.classes,
    )


def with_field(typed: Typed, name: str, value: str) -> Typed:
    """The form with another text in one field."""
    changes: dict[str, Any] = {name: value}
    return replace(typed, **changes)


def with_argument(typed: Typed, name: str, text: str) -> Typed:
    """The form with another text for one of the file's own arguments."""
    return replace(typed, given=tuple(({**dict(typed.given), name: text}).items()))


def _whole(typed: str, name: str, low: int, high: int) -> int:
    try:
        number = int(typed.replace(",", "").strip())
    except ValueError:
        raise ValueError(f"{name}: a whole number") from None
    if not low <= number <= high:
        raise ValueError(f"{name}: {low:,} to {high:,}")
    return number


def _rate(typed: str) -> float:
    rate = rate_of(typed)
    if rate is None:
        raise ValueError("spawn rate: users a second, such as 10 or 0.5")
    return rate


def _run_time_ms(typed: str) -> int | None:
    try:
        span_ms = duration_ms(typed)
    except ValueError:
        raise ValueError("run time: 90s, 5m or 1h30m, or empty") from None
    if span_ms == 0:
        raise ValueError("run time: more than nothing")
    return span_ms


def _host(typed: str) -> str:
    host = typed.strip()
    try:
        parts = urlsplit(host)
    except ValueError:
        raise ValueError("host: not a URL") from None
    if host and (parts.scheme not in ("http", "https") or not parts.netloc):
        raise ValueError("host: a URL such as https://example.com")
    return host


def _classes(typed: Typed) -> tuple[str, ...]:
    """The chosen classes; all of them is the same as none named."""
    if typed.known and not typed.classes:
        raise ValueError("user classes: choose at least one")
    return () if set(typed.classes) == set(typed.known) else typed.classes


def complaints(typed: Typed) -> dict[str, str]:
    """What is wrong, by field; empty when the run may start (the file itself is for the inspector)."""
    checks: dict[str, Callable[[], object]] = {
        "file": lambda: None if typed.file.strip() else _refuse("file: the locustfile to run"),
        "users": lambda: _whole(typed.users, "users", 1, USERS_MAX),
        "rate": lambda: _rate(typed.rate),
        "run_time": lambda: _run_time_ms(typed.run_time),
        "host": lambda: _host(typed.host),
        "processes": lambda: _whole(typed.processes or "0", "processes", 0, PROCESSES_MAX),
        "classes": lambda: _classes(typed),
    }
    given = dict(typed.given)
    for argument in typed.arguments:
        checks[argument_field(argument)] = partial(own.value_of, argument, given.get(argument.name))
    wrong = {}
    for name, check in checks.items():
        try:
            check()
        except ValueError as error:
            wrong[name] = str(error)
    return wrong


def argument_field(argument: ArgumentSpec) -> str:
    """What the field of an argument is called among the complaints: no other field has such a name."""
    return f"--{argument.name}"


def _values(typed: Typed, *, secret: bool) -> dict[str, str]:
    """The file's own arguments that have a field: name, JSON."""
    given, asked = dict(typed.given), [a for a in typed.arguments if a.is_secret is secret]
    return {argument.name: own.value_of(argument, given.get(argument.name)) for argument in asked}


def _refuse(why: str) -> None:
    raise ValueError(why)


def choice_of(typed: Typed, options: RunOptions) -> StartChoice:
    """The choice, on top of the options that the form has no field for; ValueError when something is wrong."""
    chosen = replace(
        options,
        users=_whole(typed.users, "users", 1, USERS_MAX),
        spawn_rate=_rate(typed.rate),
        run_time_ms=_run_time_ms(typed.run_time),
        host=_host(typed.host),
        classes=_classes(typed),
        arguments=tuple(sorted({**dict(options.arguments), **_values(typed, secret=False)}.items())),
    )
    processes = _whole(typed.processes or "0", "processes", 0, PROCESSES_MAX)
    return StartChoice(typed.file.strip(), chosen, processes, tuple(sorted(_values(typed, secret=True).items())))
