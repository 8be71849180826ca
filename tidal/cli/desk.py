"""The desk behind the start form: texts become flags' values by the flags' own readers, and a run by `launch`.

What a form starts is what the same flags start: `words_of` says which, and a test compares the two.
"""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidal import opening
from tidal.cli import amounts, planflags
from tidal.cli.request import class_settings, load_options, locustfiles
from tidal.errors import TidalError, UsageError
from tidal.keys import is_name
from tidal.launch import Inspection
from tidal.lookout import heartbeat_of
from tidal.measure import cores
from tidal.model.events import RunOptions, Track
from tidal.model.plan import ramp
from tidal.model.planning import Planned, fitting_classes, planned
from tidal.model.redact import DEFAULT
from tidal.model.struct import Struct, replace
from tidal.opening import shipped_root
from tidal.options import ONLY_DESCRIBE
from tidal.tui import own
from tidal.tui.choice import (
    BETWEEN_PLANS,
    Typed,
    argument_field,
    argument_values,
    classes_chosen,
    plan_text,
    settings_typed,
)
from tidal.tui.feed import Company, Outlook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tidal.bus import Bus
    from tidal.launch import LaunchSpec
    from tidal.model.events import ClassSpec
    from tidal.model.pipe import ArgumentSpec, Loaded
    from tidal.tui.feed import Feed, Operator

    Open = Callable[[LaunchSpec], tuple[Feed, Operator]]

WORKERS_MAX = 1_000
"""Workers of a fleet that a form counts."""


def plans_of(text: str) -> tuple[tuple[str, str], ...]:
    """The plans of a field, those of several classes with bars between; a class's second one replaces its first."""
    found: dict[str, str] = {}
    for one in text.split(BETWEEN_PLANS):
        name, stages = planflags.plan_of(one.strip())
        found.pop(name, None)
        found[name] = stages
    return tuple(found.items())


def tags_of(text: str) -> tuple[str, ...]:
    """Tags with blanks or commas between."""
    return tuple(text.replace(",", " ").split())


def fleet_of(text: str) -> str:
    """A fleet's name; UsageError for what could be none."""
    if not is_name(text):
        raise UsageError(f"{text!r} is no name of a fleet: up to 64 letters, digits, dots, dashes, underscores")
    return text


READERS: dict[str, Callable[[str], Any]] = {
    "users": amounts.user_count,
    "rate": amounts.spawn_rate,
    "plan": plans_of,
    "run_time": amounts.positive_span_ms,
    "host": str,
    "tags": tags_of,
    "exclude_tags": tags_of,
    "processes": amounts.process_count,
    "fleet": fleet_of,
    "expect_workers": amounts.user_count,
}
"""By field: what reads its flag."""
FLAGS = {
    "users": "-u",
    "rate": "-r",
    "run_time": "-t",
    "host": "-H",
    "processes": "--processes",
    "fleet": "--fleet",
    "expect_workers": "--expect-workers",
}


class Said(Struct, frozen=True):
    """What the fields say, read; `wrong` names those that say nothing that could be meant."""

    values: dict[str, Any]
    wrong: dict[str, str]


def said_by(typed: Typed) -> Said:
    """Each field by its flag's reader; an empty one is not said, nor are users where a plan is."""
    values, wrong = dict[str, Any](), dict[str, str]()
    for name, read in READERS.items():
        text = getattr(typed, name).strip()
        if text and not (typed.is_planned and name in ("users", "rate")):
            try:
                values[name] = amounts.checked(read, text)
            except TidalError as error:
                wrong[name] = str(error)
    return Said(values, wrong)


class Desk:
    """The form's other side.

    Args:
        spec: what the command line said: the form's fields change it, the rest of it stays.
        open_run: launches a run and says how to watch and steer it.
    """

    def __init__(self, spec: LaunchSpec, open_run: Open) -> None:
        self._spec, self._open = spec, open_run
        self._bus: Bus | None = None
        self.begin = typed_of(spec)
        self.is_local = spec.redis_url is None

    # -------------------------------------------------------------- reading

    def inspect(self, file: str) -> Loaded:
        """What the files hold; those of the command line with what it says of their arguments."""
        first, *more = map(str, locustfiles(file))
        root = str(shipped_root(Path(first), *map(Path, more)))
        if not self._is_named(first, more):
            return Inspection(first, root=root, more_files=tuple(more), words=ONLY_DESCRIBE).awaited()
        words = self._spec.words or ONLY_DESCRIBE
        options = replace(self._spec.options, tags=(), exclude_tags=())  # other tags may leave other classes
        return Inspection(first, root=root, more_files=tuple(more), words=words, options=options).awaited()

    def _is_named(self, first: str, more: Sequence[str]) -> bool:
        return (first, *more) == (self._spec.file, *self._spec.more_files)

    def outlook(self, typed: Typed) -> Outlook:
        """What the form comes to."""
        said = said_by(typed)
        wrong = dict(said.wrong)
        if not typed.file.strip():
            wrong["file"] = "name a locustfile, such as locustfile.py"
        wrong |= _wrong_arguments(typed) | _wrong_classes(typed)
        if wrong:
            return Outlook(wrong)
        try:
            options = self._options(typed, said.values)
        except TidalError as error:
            return Outlook({"plan": str(error)})
        if typed.loaded is None:
            return Outlook(planned=_planned(options), command=shown_words(words_of(typed)))
        return _outlook_of(options, _as_set(typed.loaded, typed), typed)

    # -------------------------------------------------------------- starting

    def spec_of(self, typed: Typed) -> LaunchSpec:
        """The launch; a TidalError says what is wrong."""
        first, *more = map(str, locustfiles(typed.file.strip()))
        said = said_by(typed)
        if said.wrong:
            raise UsageError(next(iter(said.wrong.values())))
        return replace(
            self._spec,
            file=first,
            more_files=tuple(more),
            words=self._spec.words if self._is_named(first, more) else (),
            options=self._options(typed, said.values),
            processes=said.values.get("processes", 0),
            fleet=said.values.get("fleet", "default"),
            secrets=tuple(sorted(argument_values(typed, secret=True).items())),
        )

    def _options(self, typed: Typed, said: dict[str, Any]) -> RunOptions:
        base = self._spec.options
        own_values = {**dict(base.arguments), **argument_values(typed, secret=False)}
        return replace(
            base,
            **load_options(said.get("users"), said.get("rate"), said.get("plan", ())),
            run_time_ms=said.get("run_time"),
            host=said.get("host", ""),
            tags=said.get("tags", ()),
            exclude_tags=said.get("exclude_tags", ()),
            expect_workers=said.get("expect_workers", RunOptions().expect_workers),
            classes=classes_chosen(typed),
            class_settings=_settings(base, typed),
            arguments=tuple(sorted(own_values.items())) if typed.arguments else base.arguments,
        )

    def start(self, typed: Typed) -> tuple[Feed, Operator]:
        """Open the run."""
        return self._open(self.spec_of(typed))

    # -------------------------------------------------------------- who is there

    def company(self, fleet: str) -> Company:
        """This machine's cores, or the fleet's heartbeats as they are now."""
        from tidal.bus import Bus
        from tidal.keys import FleetKeys

        if self.is_local:
            return Company(cores=cores())
        try:
            if self._bus is None:
                self._bus = Bus.connect(self._spec.redis_url, role="viewer")
            keys = FleetKeys(fleet or "default")
            found = self._bus.beats(keys).values()
            serves = self._bus.announced_run(keys) or ""
        except TidalError as error:
            return Company(trouble=str(error))
        beats = [beat for beat in map(heartbeat_of, found) if beat is not None][:WORKERS_MAX]
        return Company(waiting=tuple(sorted(beats, key=lambda b: (b.host, b.worker))), serves=serves)

    def close(self) -> None:
        """Let go of the connection."""
        if self._bus is not None:
            self._bus.close()


# ------------------------------------------------------------------ between texts and options


def typed_of(spec: LaunchSpec) -> Typed:
    """The form's fields for what the command line said; what stands at its default was not said."""
    options, default = spec.options, RunOptions()
    plan = plan_text(options.plan)
    is_said = (options.users, options.spawn_rate) != (default.users, default.spawn_rate)
    if not plan and not options.takes_plan and not is_said:
        plan = planflags.NO_PLAN
    return Typed(
        file=",".join(map(_short_path, filter(None, (spec.file, *spec.more_files)))),
        users="" if options.users == default.users else str(options.users),
        rate="" if options.spawn_rate == default.spawn_rate else f"{options.spawn_rate:.12g}",
        plan=plan,
        run_time="" if options.run_time_ms is None else f"{options.run_time_ms / 1000:.12g}s",
        host=options.host,
        tags=" ".join(options.tags),
        exclude_tags=" ".join(options.exclude_tags),
        processes=str(spec.processes or ""),
        fleet="" if spec.fleet == "default" else spec.fleet,
        expect_workers="" if options.expect_workers == default.expect_workers else str(options.expect_workers),
        classes=options.classes,
    )


def _short_path(name: str) -> str:
    """A path below the working folder without it."""
    with suppress(ValueError, OSError):
        return str(Path(name).relative_to(Path.cwd()))
    return name


def _number(text: str, word: str, name: str) -> float | int:
    """A weight, or a fixed count, as a file would have it; ValueError says what it must be."""
    with suppress(ValueError):
        value = int(text) if word == "fixed_count" else float(text)
        if 0 <= value < amounts.USERS_MAX:
            return int(value) if value == int(value) else value
    raise ValueError(f"{name}: weight and fixed_count are numbers from 0, not {text!r}")


def _configs(typed: Typed) -> list[dict[str, Any]]:
    return [
        {"user_class_name": name, **{word: _number(text, word, name) for word, text in texts.items()}}
        for name, texts in settings_typed(typed).items()
    ]


def _settings(base: RunOptions, typed: Typed) -> tuple[tuple[str, str], ...]:
    """The settings of the command line, and those of the form's fields over them."""
    before = [{"user_class_name": name, **json.loads(text)} for name, text in base.class_settings if name]
    level = tuple(pair for pair in base.class_settings if not pair[0])
    return class_settings([before, _configs(typed)], equal_weights=False) + level


def _as_set(loaded: Loaded, typed: Typed) -> Loaded:
    """What the file holds, with the weights and counts of the fields."""
    changed = {config["user_class_name"]: config for config in _configs(typed)}

    def one(spec: ClassSpec) -> ClassSpec:
        config = changed.get(spec.name, {})
        return replace(
            spec,
            weight=float(config.get("weight", spec.weight)),
            fixed_count=int(config.get("fixed_count", spec.fixed_count)),
        )

    return replace(loaded, classes=tuple(map(one, loaded.classes)))


def _wrong_arguments(typed: Typed) -> dict[str, str]:
    wrong, given = {}, dict(typed.given)
    for argument in typed.arguments:
        try:
            own.value_of(argument, given.get(argument.name))
        except ValueError as error:
            wrong[argument_field(argument)] = str(error)
    return wrong


def _wrong_classes(typed: Typed) -> dict[str, str]:
    if typed.known and not typed.classes:
        return {"classes": f"choose at least one of {', '.join(spec.name for spec in typed.known)}"}
    try:
        _configs(typed)
    except ValueError as error:
        return {"classes": str(error)}
    return {}


def _outlook_of(options: RunOptions, loaded: Loaded, typed: Typed) -> Outlook:
    """What would be found out as the run is opened, found out now, with the field that it is about."""
    about = "classes"
    try:
        classes = opening.chosen(loaded.classes, options.classes)
        about = "plan"
        found = opening.plan_of(options, loaded)
        if found is not None:
            classes = fitting_classes(found, loaded.classes, classes)
        opening.thresholds_of_run([*options.thresholds, *loaded.thresholds], found)
        opening.check_iterations(options, () if found is None else found.tracks)
        about = "host"
        opening.check_host(classes, options.host)
    except TidalError as error:
        return Outlook({about: str(error)})
    command = shown_words(words_of(typed))
    if found is None and loaded.shape:
        told = f"{loaded.shape} of the file says how many users there are, moment by moment"
        return Outlook(classes=classes, told=told, command=command)
    return Outlook(planned=found or _planned(options), classes=classes, command=command)


def _planned(options: RunOptions) -> Planned:
    """What the options alone say: their plan, else the curve of users and a spawn rate."""
    if options.plan:
        return planned(options.plan, options.run_time_ms)
    return Planned((Track("", ramp(0, 0, options.users, options.spawn_rate)),), (), options.run_time_ms, "")


# ------------------------------------------------------------------ the same in words


def words_of(typed: Typed) -> tuple[str, ...]:
    """The words that start the same from a command line, without secrets and without what the form was started with."""
    words = [*classes_chosen(typed), "-f", typed.file.strip()]
    for name, flag in FLAGS.items():
        text = getattr(typed, name).strip()
        if text and not (typed.is_planned and name in ("users", "rate")):
            words += [flag, text]
    plan = typed.plan.strip()
    words += [f"--plan={one.strip()}" for one in (plan.split(BETWEEN_PLANS) if plan else ())]
    for flag, text in (("-T", typed.tags), ("-E", typed.exclude_tags)):
        words += [flag, *tags_of(text)] if text.strip() else []
    configs = _configs(typed)
    words += ["--config-users", *map(json.dumps, configs)] if configs else []
    return (*words, *(word for argument in typed.arguments for word in _own_words(argument, dict(typed.given))))


def _own_words(argument: ArgumentSpec, given: dict[str, str]) -> Iterable[str]:
    text = given.get(argument.name)
    if text is None or text == own.text_of(argument) or argument.is_secret:
        return ()
    flag = max((f.strip() for f in argument.flag.split(",")), key=len)
    if own.is_box(argument):
        return (flag,)
    if argument.kind == "list":
        words = shlex.split(text)
        return (flag, *words) if argument.nargs else (f"{flag}={word}" for word in words)
    return (f"{flag}={text}",)


def shown_words(words: Sequence[str]) -> str:
    """The command in one line, as a shell takes it; a password in a host is masked."""
    return shlex.join(["tidal", "run", *(DEFAULT.url(word) if "://" in word else word for word in words)])
