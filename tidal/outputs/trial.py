"""A locustfile that was tried out, as text while it happens and as JSON at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidal.model.pipe import Loaded
from tidal.model.struct import Struct, asdict, field
from tidal.model.text import clean
from tidal.model.trial import ENDS, Ended, Outline, Printed, Raised, Step, Tried
from tidal.model.words import plural
from tidal.outputs.layout import NOTHING, latency, shorten, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tidal.model.events import Event
    from tidal.model.pipe import ArgumentSpec
    from tidal.model.trial import ClassRow, TaskRow

INDENT = "  "
BODY_LINES_MAX = 60
LINE_MAX = 500
LINK = {"set": " (a set)", "sequence": " (in order)", "markov": " (a chain)", "task": ""}


class Account(Struct):
    """Everything that was told, counted.

    Attributes:
        depth: of the last step, so that what belongs to it stands below it.
    """

    is_traced: bool = False
    told: list[Event] = field(default_factory=list)
    loaded: Loaded | None = None
    depth: int = 0
    requests: int = 0
    failed: int = 0
    errors: int = 0
    checks: int = 0  # soft: they fail nothing
    unheld: int = 0
    hook_failures: int = 0
    unfinished: str = ""
    exit_code_of_file: int | None = None

    def take(self, event: Event) -> Iterator[str]:
        """Count what was told; the lines that say it."""
        if isinstance(event, Loaded):
            self.loaded = event
            return
        self.told.append(event)
        if isinstance(event, Outline):
            yield from outline_lines(event.classes)
            yield from loaded_lines(self.loaded) if self.loaded else ()
        elif isinstance(event, Step):
            self.checks += event.kind in ("check", "unheld")
            self.unheld += event.kind == "unheld"
            self.depth = self.depth if event.kind in ENDS else event.depth
            yield from step_lines(event)
        elif isinstance(event, Tried):
            self.requests += 1
            self.failed += bool(event.error)
            yield from tried_lines(event, self._indent(), is_traced=self.is_traced)
        elif isinstance(event, Printed):
            yield f"{self._indent()}| {clean(event.text, LINE_MAX)}"
        elif isinstance(event, Raised):
            self.errors += 1
            yield from raised_lines(event, self._indent())
        elif isinstance(event, Ended):
            self.hook_failures, self.unfinished = event.hook_failures, event.unfinished
            self.exit_code_of_file = event.exit_code

    def _indent(self) -> str:
        return INDENT * (self.depth + 1)

    @property
    def exit_code(self) -> int:
        """What the file says, else 1 when anything failed."""
        if self.exit_code_of_file is not None:
            return self.exit_code_of_file
        return int(bool(self.failed or self.errors or self.hook_failures or self.unfinished))

    def ending(self) -> Iterator[str]:
        """The last lines."""
        if self.unfinished:
            yield f"✖ {clean(self.unfinished, LINE_MAX)}"
        parts = [f"{plural(self.requests, 'request')}, {self.failed} failed"]
        parts += [plural(self.errors, "exception")] if self.errors else []
        checks = f"{self.unheld:,} of {plural(self.checks, 'check')} did not hold"
        parts += [checks] if self.unheld else []
        hooks = f"{plural(self.hook_failures, 'listener')} raised"
        parts += [hooks] if self.hook_failures else []
        yield "; ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, in the order in which it happened."""
        classes = next((e.classes for e in self.told if isinstance(e, Outline)), ())
        happened = [e for e in self.told if not isinstance(e, Outline | Ended)]
        loaded = self.loaded or Loaded(())
        return {
            "classes": [asdict(row) for row in classes],
            "arguments": [_argument(argument) for argument in loaded.arguments],
            "shape": loaded.shape,
            "hooks": list(loaded.hooks),
            "needs": list(loaded.needs),
            "steps": [{"what": event.KIND, **asdict(event)} for event in happened],
            "requests": self.requests,
            "failed": self.failed,
            "exceptions": self.errors,
            "checks": self.checks,
            "unheld": self.unheld,
            "hook_failures": self.hook_failures,
            "unfinished": self.unfinished,
            "exit_code": self.exit_code,
        }


def _argument(argument: ArgumentSpec) -> dict[str, Any]:
    """An argument of the file's own; what is secret stays so."""
    return {**asdict(argument), "value": "" if argument.is_secret else argument.value}


# ------------------------------------------------------------------ what the file has


def loaded_lines(loaded: Loaded) -> Iterator[str]:
    """What the file has besides its classes."""
    for argument in loaded.arguments:
        now = "" if argument.is_secret or argument.value in ("null", '""') else f" = {shorten(argument.value, 40)}"
        needed = " (required)" if argument.is_required and not now else ""
        said = f"   {shorten(argument.help, 60)}" if argument.help else ""
        yield f"argument  {clean(argument.flag or argument.name)}{now}{needed}{said}"
    if loaded.shape:
        options = " (with users, spawn rate and run time)" if loaded.shape_uses_options else ""
        yield f"shape     {clean(loaded.shape)}{options}"
    if loaded.hooks:
        yield f"hooks     {', '.join(map(clean, loaded.hooks))}"
    if len(loaded.needs) > 0:
        yield f"needs     {', '.join(clean(name) for name in loaded.needs)}"


def outline_lines(classes: Iterable[ClassRow]) -> Iterator[str]:
    """Classes and their tasks, with shares, tags and places."""
    for row in classes:
        many = plural(row.fixed_count, "user") if row.fixed_count else f"weight {row.weight:g}"
        yield f"{clean(row.name)}  {clean(row.base)}, {many}, {clean(row.host) or 'no host'}{_at(row.place)}"
        yield from map(_task_line, row.tasks)
        yield from (f"{INDENT}! {clean(note)}" for note in row.notes)


def _task_line(row: TaskRow) -> str:
    share = f"{row.share:>4.0%}" if row.share < 1 else "    "
    tags = f"  #{' #'.join(map(clean, row.tags))}" if row.tags else ""
    return f"{INDENT * (row.depth + 1)}{share} {clean(row.name)}{LINK.get(row.kind, '')}{tags}{_at(row.place)}"


def _at(place: str) -> str:
    return f"   {clean(place)}" if place else ""


# ------------------------------------------------------------------ what happened


def step_lines(step: Step) -> Iterator[str]:
    """A user, a task: what follows belongs to it."""
    if step.kind == "user":
        yield ""
        yield clean(step.name)
    elif step.kind == "skipped":
        yield f"{INDENT * step.depth}{clean(step.name)}: not come to"
    elif step.kind in ENDS:
        yield f"{INDENT * step.depth}{'✔' if ENDS[step.kind] else '✖'} {_end(step)}"
    elif step.kind == "note":
        yield f"{INDENT * step.depth}! {clean(step.name)}"
    else:
        yield f"{INDENT * step.depth}{clean(step.name)}"


def _end(step: Step) -> str:
    """A check, or a transaction with its time and what was in it."""
    if step.kind in ("check", "unheld"):
        return f"check {clean(step.name)}"
    inside = plural(step.requests, "request")
    return f"transaction {clean(step.name)}: {inside}, {latency(step.took_us)}"


def tried_lines(tried: Tried, indent: str, *, is_traced: bool) -> Iterator[str]:
    """A request in one line, with what failed below it, and what was sent and came when that is wanted."""
    mark = "✖" if tried.error else "✔"
    took = NOTHING if tried.took_us is None else latency(tried.took_us)
    status = str(tried.status) if tried.status else NOTHING
    method = shorten(tried.method, 12)
    yield f"{indent}{mark} {method:<6} {shorten(tried.name):<32} {status:>3} {took:>9} {size(tried.size):>9}"
    if tried.error:
        yield f"{indent}  {clean(tried.error, LINE_MAX)}"
    if is_traced:
        yield from _traced(tried, f"{indent}    ")
    elif tried.got_body:
        yield f"{indent}  {clean(tried.got_body, LINE_MAX)}"


def _traced(tried: Tried, indent: str) -> Iterator[str]:
    yield f"{indent}> {clean(tried.method)} {clean(tried.url, LINE_MAX)}"
    yield from (f"{indent}> {clean(name)}: {clean(value, LINE_MAX)}" for name, value in tried.sent)
    yield from _body(tried.sent_body, f"{indent}> ")
    yield f"{indent}< {tried.status or 'no answer'}"
    yield from (f"{indent}< {clean(name)}: {clean(value, LINE_MAX)}" for name, value in tried.got)
    yield from _body(tried.got_body, f"{indent}< ")


def _body(body: str, indent: str) -> Iterator[str]:
    lines = body.splitlines()
    if lines:
        yield indent.rstrip()
    yield from (f"{indent}{clean(line, 4 * LINE_MAX)}" for line in lines[:BODY_LINES_MAX])
    if len(lines) > BODY_LINES_MAX:
        yield f"{indent}… ({len(lines) - BODY_LINES_MAX} more lines)"


def raised_lines(raised: Raised, indent: str) -> Iterator[str]:
    """An exception with the user's own lines."""
    yield f"{indent}✖ {clean(raised.where)} raised {clean(raised.message, LINE_MAX)}"
    for place in raised.places:
        yield from (f"{indent}    {INDENT * bool(n)}{clean(line)}" for n, line in enumerate(place.splitlines()))
