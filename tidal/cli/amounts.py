"""Amounts as people write them: spans, moments, sizes, counts, rates. What will not do is an ArgumentTypeError."""

from __future__ import annotations

import argparse
import math
import re
from typing import TYPE_CHECKING

from tidal.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

USERS_MAX = 10_000_000
SIZE_MAX = 1 << 44
SPAN_MAX_MS = 366 * 24 * 3_600_000
_SIZE = re.compile(r"(\d{1,15})([KMG])?I?B?", re.ASCII)
_MOMENT = re.compile(r"(?:(\d{1,4}):(?=\d\d:))?(\d{1,4}):([0-5]\d(?:\.\d+)?)", re.ASCII)
_SPAN = re.compile(r"(?:(\d{1,15})h)?(?:(\d{1,15})m)?(?:(\d{1,15}(?:\.\d+)?)s?)?", re.ASCII)


def span_ms(text: str) -> int:
    """Milliseconds of a span as Locust writes it: `20`, `20s`, `3m`, `1h20m`, also `0.5s`."""
    match = _SPAN.fullmatch(text.strip())
    if not match or not any(match.groups()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a span of time such as 20, 20s, 3m or 1h20m")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    value_ms = round((hours * 3600 + minutes * 60 + seconds) * 1000)
    if value_ms > SPAN_MAX_MS:
        raise argparse.ArgumentTypeError(f"{text!r} is longer than a year")
    return value_ms


def moment_ms(text: str) -> int:
    """A moment of the load: a span since its beginning, `2m30s`, or as it is shown everywhere, `2:30` and `1:02:30`."""
    match = _MOMENT.fullmatch(text.strip().removeprefix("+"))
    if match is None:
        return span_ms(text.removeprefix("+"))
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return span_ms(f"{hours * 3600 + minutes * 60 + seconds:f}")


def positive_span_ms(text: str) -> int:
    """A span that is longer than nothing."""
    value_ms = span_ms(text)
    if not value_ms:
        raise argparse.ArgumentTypeError("a run of no time would do nothing")
    return value_ms


def size_bytes(text: str) -> int:
    """Bytes of a size such as 512MB, 2G or 1048576."""
    match = _SIZE.fullmatch(text.strip().upper())
    size = int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2] or ""] if match else SIZE_MAX + 1
    if size > SIZE_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512MB or 2GB")
    return size


def user_count(text: str) -> int:
    """How many users: 0 or more."""
    if not text.isascii() or not text.isdigit() or len(text) > 15 or int(text) > USERS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of users from 0 to {USERS_MAX:,}")
    return int(text)


def spawn_rate(text: str) -> float:
    """Users a second: above 0."""
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate <= USERS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate of users a second above 0")
    return rate


def process_count(text: str) -> int:
    """How many generators: 0 (or -1, as Locust says it) for as many as cores."""
    if text == "-1":
        return 0
    if not text.isascii() or not text.isdigit() or int(text) > 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes from 0 to 1024")
    return int(text)


def checked(read: Callable[[str], float], text: str) -> float:
    """A value that is no flag's, read as a flag's would be; UsageError when it will not do."""
    try:
        return read(text)
    except argparse.ArgumentTypeError as error:
        raise UsageError(str(error)) from None
