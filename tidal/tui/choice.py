"""What is typed into the start form, as the choice that the starter gets. Pure: text in, choice or complaints out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tidal.tui.feed import StartChoice
from tidal.tui.screens.questions import USERS_MAX, rate_of
from tidal.tui.text import duration_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidal.model.events import RunOptions

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
    wrong = {}
    for name, check in checks.items():
        try:
            check()
        except ValueError as error:
            wrong[name] = str(error)
    return wrong


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
    )
    return StartChoice(typed.file.strip(), chosen, _whole(typed.processes or "0", "processes", 0, PROCESSES_MAX))
