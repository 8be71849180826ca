"""The rows of the start form: a label and a field, two of them, a user class, one of the file's own arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.suggester import SuggestFromList
from textual.widgets import Label

from tidal.tui import own
from tidal.tui.choice import BETWEEN_PLANS
from tidal.tui.widgets.entry import Entry
from tidal.tui.widgets.tick import Tick

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidal.model.pipe import ArgumentSpec
    from tidal.tui.look import Look

OWN, CLASS, WEIGHT, COUNT = "own-", "class-", "weight-", "count-"
"""What the ids of fields begin with of which there are several; a number follows."""
LABEL_CELLS = 14
LABELS = {
    "file": "File",
    "users": "Users",
    "rate": "Spawn rate /s",
    "plan": "or stages",
    "run_time": "Run time",
    "host": "Host",
    "tags": "Only tags",
    "exclude_tags": "Without tags",
    "processes": "Processes",
    "fleet": "Fleet",
    "expect_workers": "Workers first",
}
HINTS = {
    "file": "locustfile.py",
    "users": "1",
    "rate": "1",
    "plan": f"0->100 in 30s, 100 for 5m   rate 50/s for 2m   A=… {BETWEEN_PLANS} B=…",
    "run_time": "till stopped",
    "host": "the file's own",
    "tags": "all tasks",
    "exclude_tags": "none",
    "processes": "one per core",
    "fleet": "default",
    "expect_workers": "1",
}


def row_of(values: Mapping[str, str], look: Look) -> Horizontal:
    """A line with one field or two beside each other."""
    fields = [_field(name, value, look) for name, value in values.items()]
    return fields[0] if len(fields) == 1 else Horizontal(*fields, classes="pair")


def _field(name: str, value: str, look: Look) -> Horizontal:
    entry = Entry(value, placeholder=look.own(HINTS[name]), id=name, compact=True)
    return Horizontal(Label(LABELS[name]), entry, classes="field")


def class_row(index: int, name: str, ticked: bool, weight: str, count: str) -> Horizontal:  # noqa: FBT001 - a box has no other state
    """A user class: whether it runs, its weight, its fixed count, and how many users that makes."""
    return Horizontal(
        Label("" if index else "User classes"),
        Tick(name, ticked=ticked, id=f"{CLASS}{index}"),
        Label("weight", classes="word"),
        Entry(weight, id=f"{WEIGHT}{index}", compact=True, classes="number"),
        Label("fixed", classes="word"),
        Entry(count, placeholder="-", id=f"{COUNT}{index}", compact=True, classes="number"),
        Label("", id=f"share-{index}", classes="share"),
        classes="field class-row",
    )


def own_row(index: int, argument: ArgumentSpec, text: str, look: Look) -> Horizontal:
    """One of the file's own arguments."""
    label = Label(look.fit(look.outside(own.label_of(argument)), LABEL_CELLS), markup=False)
    hint, field = look.outside(own.hint_of(argument)), f"{OWN}{index}"
    if own.is_box(argument):
        return Horizontal(label, Tick(hint, ticked=text == own.TICKED, id=field), classes="field")
    entry = Entry(
        text,
        placeholder=hint,
        password=argument.is_secret,
        suggester=SuggestFromList(argument.choices) if argument.choices else None,
        id=field,
        compact=True,
    )
    return Horizontal(label, entry, classes="field")
