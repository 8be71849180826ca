"""Figures in the model's own sentences: moments of plan time, amounts, shares. The same state, the same words."""

from __future__ import annotations

OTHER = "(other)"
"""The name under which whatever is one too many is counted together."""


def moment(plan_ms: int) -> str:
    """A moment of plan time, and a span of it, as written everywhere: 2:14, 1:02:14; before the start -0:10."""
    whole_s = abs(plan_ms) // 1000
    sign = "-" if plan_ms < 0 and whole_s else ""
    hours, minutes, seconds = whole_s // 3600, whole_s // 60 % 60, whole_s % 60
    return f"{sign}{hours}:{minutes:02}:{seconds:02}" if hours else f"{sign}{minutes}:{seconds:02}"


def number(count: int) -> str:
    """A whole number with commas."""
    return f"{count:,}"


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun: 1 user, 2,000 users; `many` where no s will do."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def user_seconds(user_ms: int) -> str:
    """An amount of user time."""
    if user_ms >= 10_000:
        return f"{(user_ms + 500) // 1000:,} user-seconds"
    tenths = (user_ms + 50) // 100
    return f"{tenths // 10}.{tenths % 10} user-seconds"


def part(some: int, whole: int) -> str:
    """A share in per cent, with one digit."""
    permille = (1000 * some + whole // 2) // whole if whole else 0
    if some and not permille:
        return "below 0.1 %"
    return f"{permille // 10}.{permille % 10} %"
