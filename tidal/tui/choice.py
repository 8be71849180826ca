"""What is typed into the start form, field by field, as text. What it means is for the command line to say.

PURE: an empty field says nothing, as a flag that is not given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tidal.model.struct import Discreet, replace
from tidal.tui import own

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tidal.model.events import ClassSpec
    from tidal.model.pipe import ArgumentSpec, Loaded

FIELDS = ("users", "rate", "plan", "run_time", "host", "tags", "exclude_tags", "processes", "fleet", "expect_workers")
"""The fields beside the file, the classes and the file's own arguments."""
BETWEEN_PLANS = "|"
REMEMBERED_CHARACTERS_MAX = 4_000
NO_PLAN = "none"


class Typed(Discreet, frozen=True):
    """The fields of the form as they stand."""

    HIDDEN: ClassVar = frozenset({"given"})

    file: str = ""
    users: str = ""
    rate: str = ""
    plan: str = ""  # those of several classes with bars between
    run_time: str = ""
    host: str = ""
    tags: str = ""
    exclude_tags: str = ""
    processes: str = ""
    fleet: str = ""
    expect_workers: str = ""
    classes: tuple[str, ...] = ()  # the chosen ones; none before a file was looked at: all
    weights: tuple[tuple[str, str], ...] = ()  # what was typed: class, text
    counts: tuple[tuple[str, str], ...] = ()
    given: tuple[tuple[str, str], ...] = ()  # for the file's own arguments: name, text
    loaded: Loaded | None = None  # what the file holds

    @property
    def arguments(self) -> tuple[ArgumentSpec, ...]:
        """The file's own arguments that have a field."""
        return tuple(a for a in self.loaded.arguments if a.in_form) if self.loaded is not None else ()

    @property
    def known(self) -> tuple[ClassSpec, ...]:
        """The user classes of the file."""
        return self.loaded.classes if self.loaded is not None else ()

    @property
    def is_planned(self) -> bool:
        """Whether a plan says how many users there are."""
        return self.plan.strip() not in ("", NO_PLAN)


def with_field(typed: Typed, name: str, value: str) -> Typed:
    """The form with another text in one field."""
    changes: dict[str, Any] = {name: value}
    return replace(typed, **changes)


def with_one(typed: Typed, of: str, name: str, text: str) -> Typed:
    """The form with another text for one of `weights`, `counts` or `given`."""
    changes: dict[str, Any] = {of: tuple({**dict(getattr(typed, of)), name: text}.items())}
    return replace(typed, **changes)


def plan_text(plans: Iterable[tuple[str, str]]) -> str:
    """The plans of classes as the field has them."""
    return f" {BETWEEN_PLANS} ".join(f"{name}={text}" if name else text for name, text in plans)


def weight_text(spec: ClassSpec) -> str:
    """A class's weight as a field shows it."""
    return f"{spec.weight:g}"


def count_text(spec: ClassSpec) -> str:
    """A class's fixed count as a field shows it; nothing for none."""
    return str(spec.fixed_count or "")


def settings_typed(typed: Typed) -> dict[str, dict[str, str]]:
    """What was changed of the classes: class → weight, fixed_count, as text."""
    weights, counts = dict(typed.weights), dict(typed.counts)
    found: dict[str, dict[str, str]] = {}
    for spec in typed.known:
        for word, texts, shown in (("weight", weights, weight_text(spec)), ("fixed_count", counts, count_text(spec))):
            text = texts.get(spec.name, shown).strip()
            if text != shown:
                found.setdefault(spec.name, {})[word] = text or "0"
    return found


def classes_chosen(typed: Typed) -> tuple[str, ...]:
    """The classes by name; all of them is the same as none named."""
    names = {spec.name for spec in typed.known}
    return () if names and set(typed.classes) == names else typed.classes


def argument_field(argument: ArgumentSpec) -> str:
    """What the field of an argument is called among the complaints: no other field has such a name."""
    return f"--{argument.name}"


def argument_values(typed: Typed, *, secret: bool) -> dict[str, str]:
    """The file's own arguments that have a field: name, JSON; ValueError for one that will not do."""
    given, asked = dict(typed.given), [a for a in typed.arguments if a.is_secret is secret]
    return {argument.name: own.value_of(argument, given.get(argument.name)) for argument in asked}


# ------------------------------------------------------------------ what is remembered of a file


def memory_name(file: str) -> str:
    """What the fields for a file are remembered under."""
    return f"form.{file}"


def remembered(typed: Typed) -> dict[str, Any]:
    """What is worth remembering, as JSON can carry it: never a secret, nothing of unreasonable length."""
    secret = {a.name for a in typed.arguments if a.is_secret}
    known = {spec.name for spec in typed.known}
    left_out = sorted(known - set(typed.classes)) if typed.classes else []
    pairs = {
        "weights": dict(typed.weights),
        "counts": dict(typed.counts),
        "given": {name: text for name, text in typed.given if name not in secret},
    }
    kept: dict[str, Any] = {name: getattr(typed, name) for name in FIELDS if getattr(typed, name)}
    if "@" in typed.host:  # a name and a password may be in it
        del kept["host"]
    kept |= {name: value for name, value in pairs.items() if value} | ({"left_out": left_out} if left_out else {})
    return kept if len(repr(kept)) <= REMEMBERED_CHARACTERS_MAX else {}


def recalled(typed: Typed, memory: Any, said: Typed, touched: frozenset[str] = frozenset()) -> Typed:
    """The form as it was left for its file; what the command line said, and what was typed by hand, stays.

    Args:
        typed: the form as it stands.
        memory: what `remembered` made once; anything else recalls nothing.
        said: what the command line said.
        touched: fields that were typed into.
    """
    left: Mapping[str, Any] = memory if isinstance(memory, dict) else {}
    changes: dict[str, Any] = {name: getattr(said, name) or _text(left.get(name)) for name in FIELDS}
    changes = {name: text for name, text in changes.items() if name not in touched}
    if said.users or said.rate:
        changes.pop("plan", None)
    if said.plan:
        changes |= {"users": said.users, "rate": said.rate}
    for name in {"weights", "counts", "given"} - touched:
        changes[name] = _pairs(left.get(name))
    names = [spec.name for spec in typed.known]
    out = left.get("left_out")
    chosen = said.classes or tuple(n for n in names if not (isinstance(out, list) and n in out))
    changes["classes"] = tuple(n for n in names if n in chosen) or tuple(names)
    return replace(typed, **changes)


def _text(value: Any) -> str:
    return value[:REMEMBERED_CHARACTERS_MAX] if isinstance(value, str) else ""


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        return ()
    return tuple((name, text) for name, text in value.items() if isinstance(name, str) and isinstance(text, str))
