"""Change a running load: `tidal set RUN users=500 rate=20`, `tidal set RUN --stage next`.

The wish is absolute and written into the run's log with your name; the answer of the master is printed. Without
`rate` the run keeps the rate at which users come and go. Arrivals are set by `arrivals=N` (a second), at once or in the
time that `over=30s` says; `class=NAME` says whose, where several classes have some. A stage of the plan is meant by its
name, or as `next` or `prev`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import amounts, flags
from tidal.cli.parser import meant
from tidal.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from tidal.model.events import Event

KNOWN = ("users", "rate", "arrivals", "over", "class")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("run", metavar="RUN", help="the run's id or a part of it, or latest")
    parser.add_argument(
        "wishes",
        nargs="*",
        metavar="NAME=VALUE",
        help="users=N, rate=USERS_A_SECOND; or arrivals=N_A_SECOND, over=SPAN, class=NAME",
    )
    parser.add_argument(
        "--stage", metavar="NAME", help="go to the beginning of a stage of the plan: next, prev, a name"
    )
    flags.add_redis(parser, "the runs of this machine")


def run(args: argparse.Namespace) -> int:
    """Hand the wish in and print the answer."""
    from tidal.cli.wish import hand_in

    return hand_in(args, wanted(args.wishes, args.stage))


def wanted(words: Sequence[str], stage: str | None) -> Event:
    """The intent that is meant; UsageError for none, or for two at once."""
    from tidal.model.events import WantRate, WantStage, WantTarget

    found, name = wishes(words)
    if sum((stage is not None, "users" in found or "rate" in found, "arrivals" in found)) != 1:
        raise UsageError("say one thing: users=N, arrivals=N or --stage NAME")
    if stage is not None and not found:
        return WantStage(stage)
    if "arrivals" in found:
        return WantRate(found["arrivals"], int(found.get("over", 0)), name)
    if "users" not in found or name or "over" in found:
        raise UsageError("say how many users: users=N, with rate=N if you like")
    return WantTarget(int(found["users"]), found.get("rate"))


def wishes(words: Sequence[str]) -> tuple[dict[str, float], str]:
    """`NAME=VALUE` words by name, and the class; UsageError for what is not one."""
    found: dict[str, float] = {}
    of_class = ""
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in KNOWN:
            raise UsageError(f"{word!r} is not users=N, rate=N or arrivals=N{meant(name, KNOWN)}")
        if name == "class":
            of_class = value
        else:
            found[name] = amounts.checked(_READERS[name], value)
    return found, of_class


def _arrivals(text: str) -> float:
    """Arrivals a second: 0 or more."""
    return 0.0 if text == "0" else amounts.spawn_rate(text)


_READERS: dict[str, Callable[[str], float]] = {
    "users": amounts.user_count,
    "rate": amounts.spawn_rate,
    "arrivals": _arrivals,
    "over": amounts.span_ms,
}
