"""The file's own arguments as fields of the start form: what a field shows, and its text as a value. Pure.

A value is what the form hands on: JSON, as `RunOptions.arguments` has it. A field that nobody touched hands on what the
file, the command line and the environment said, whatever its type.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidal.model.pipe import ArgumentSpec

TICKED, EMPTY = "true", "false"
"""What is typed into a box to tick."""
NUMBERS = {"int": (int, "a whole number"), "float": (float, "a number")}
SECRET = "as given"  # noqa: S105 - shown where one is
TEXT_CHARACTERS_MAX = 4_000


def label_of(argument: ArgumentSpec) -> str:
    """What stands before the field: the flag as it is typed on a command line, without its dashes."""
    flags = [flag.strip() for flag in argument.flag.split(",")]
    return max(flags, key=len).lstrip("-") or argument.name


def is_box(argument: ArgumentSpec) -> bool:
    """Whether it is a box to tick; a flag that counts or stores another value has a field of text."""
    return argument.kind == "flag" and type(_current(argument)) is bool


def text_of(argument: ArgumentSpec) -> str:
    """What the field shows at first: the value that it has already; never a secret."""
    value = _current(argument)
    if value is None or argument.is_secret or isinstance(value, dict):
        return ""
    if is_box(argument):
        return TICKED if value else EMPTY
    if isinstance(value, list):
        return shlex.join(map(str, value))
    return str(value)


def hint_of(argument: ArgumentSpec) -> str:
    """What an empty field shows."""
    if argument.choices:
        return " | ".join(argument.choices)
    if argument.is_secret and _current(argument):
        return SECRET
    return " ".join(argument.help.split())


def value_of(argument: ArgumentSpec, typed: str | None) -> str:
    """The argument's value as JSON for what was typed (None: nothing); ValueError says what is wrong with it."""
    if typed is None or typed == text_of(argument):
        value, text = _current(argument), argument.value
    else:
        value = _read(argument, typed[:TEXT_CHARACTERS_MAX])
        text = json.dumps(value)
    if argument.is_required and value in (None, "", []):
        raise ValueError(f"{label_of(argument)}: it must be given")
    return text


def _current(argument: ArgumentSpec) -> Any:
    try:
        return json.loads(argument.value)
    except ValueError:
        return None


def _read(argument: ArgumentSpec, typed: str) -> Any:
    if is_box(argument):
        return typed == TICKED
    if not typed.strip() and (argument.kind != "text" or _current(argument) is None):
        return [] if argument.kind == "list" else None
    words = _words(argument, typed) if argument.kind == "list" else [typed]
    wrong = [word for word in words if argument.choices and word not in argument.choices]
    if wrong:
        raise ValueError(f"{label_of(argument)}: one of {', '.join(argument.choices)}")
    if argument.kind == "list":
        return [_number("float", word, argument) if _has_numbers(argument) else word for word in words]
    return _number(argument.kind, typed, argument) if argument.kind in NUMBERS else typed


def _words(argument: ArgumentSpec, typed: str) -> list[str]:
    try:
        return shlex.split(typed)
    except ValueError:
        raise ValueError(f"{label_of(argument)}: a quote is not closed") from None


def _has_numbers(argument: ArgumentSpec) -> bool:
    """Whether the list that it has already is one of numbers."""
    value = _current(argument)
    return isinstance(value, list) and bool(value) and all(type(item) in (int, float) for item in value)


def _number(kind: str, typed: str, argument: ArgumentSpec) -> int | float:
    convert, what = NUMBERS[kind]
    try:
        number = convert(typed)
        if number != number or abs(number) == float("inf"):  # noqa: PLR0124 - only NaN is not itself
            raise ValueError(typed)  # noqa: TRY301 - said below
    except ValueError:
        raise ValueError(f"{label_of(argument)}: {what}") from None
    return int(number) if kind == "float" and argument.kind == "list" and number == int(number) else number
