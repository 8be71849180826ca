"""How values of Locust's flags are read; what will not do is an ArgumentTypeError that says why."""

from __future__ import annotations

import json
import math
import re
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

_SPAN = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", re.ASCII)
_FORMS = "Invalid time span format. Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc."
CONFIG_BYTES_MAX = 1 << 20


def parse_timespan(text: str) -> int:
    """Seconds of `20`, `20s`, `3m`, `1h20m`; ValueError for anything else."""
    match = _SPAN.fullmatch(text or "")
    # `1h20` without a unit at its end is not one of Locust's forms; only a lone number is
    if not match or not any(match.groups()) or (text[-1].isdigit() and not text.isdigit()):
        raise ValueError(_FORMS)
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def timespan(text: str) -> int:
    """A span of time as argparse wants it."""
    try:
        return parse_timespan(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def above_zero(text: str) -> float:
    """A finite number above 0."""
    value = float(text)
    if not math.isfinite(value):
        raise ArgumentTypeError("must be a finite number")
    if value <= 0:
        raise ArgumentTypeError("must be > 0")
    return value


above_zero.__name__ = "float"  # argparse names the type in its message


def positive_integer(text: str) -> int:
    """A whole number above 0."""
    try:
        value = int(text)
    except ValueError:
        raise ArgumentTypeError(f"invalid int value: '{text[:80]}'") from None
    if value < 1:
        raise ArgumentTypeError(f"({value}) must be a positive number")
    return value


def user_config(text: str) -> list[dict[str, Any]]:
    """`--config-users`: what JSON, or a file of it, says of user classes."""
    try:
        if text.endswith(".json"):
            with Path(text).open(encoding="utf8") as file:
                text = file.read(CONFIG_BYTES_MAX)
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArgumentTypeError(f"The --config-users argument must be a valid JSON string or file: {error}") from None
    except OSError as error:
        raise ArgumentTypeError(str(error)) from None
    configs = found if isinstance(found, list) else [found]
    for config in configs:
        if not isinstance(config, dict) or not isinstance(config.get("user_class_name"), str):
            raise ArgumentTypeError("The user config must specify a user_class_name")
    return configs
