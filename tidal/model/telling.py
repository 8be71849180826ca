"""The whole log as lines, one an entry, news or not: what `tidal log` shows and asks conditions of.

The story (`story.py`) tells what is news to somebody who watches. Here every entry has a line, with what it carries as
facts by name, so that a condition can pick those that matter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tidal.model import events as ev
from tidal.model import story
from tidal.model.codec import LOG, BadEntry, Entry, EntryId, decode
from tidal.model.fold import fold_entry
from tidal.model.samples import LINE_LEVELS
from tidal.model.state import State
from tidal.model.struct import Struct
from tidal.model.terms import TEXT, Fact
from tidal.model.text import clean
from tidal.model.wire import to_wire
from tidal.model.words import number, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

LINE_MAX = 400
VALUE_MAX = 80
FIELDS_MAX = 8
LINES_SHOWN = 3
_STORY_LEVELS = {"warning": "warning", "error": "error", "critical": "error"}
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Line(Struct, frozen=True):
    """One entry, told.

    Attributes:
        offset_ms: plan time at which it was written; negative before the load began, None before anybody knew when.
        name: of its kind, as a word: worker_lost.
        level: info, good, warning, error; "" for what is no news.
        who: the worker that it is about or from; "" for none.
        event: what it carries; None for an entry that was refused or is of an unknown kind.
    """

    stream: str
    id: EntryId
    at_ms: int
    offset_ms: int | None
    kind: str
    name: str
    level: str
    who: str
    text: str
    event: ev.Event | None


def name_of(event_class: type[ev.Event]) -> str:
    """The name of a kind: worker_lost for WorkerLost."""
    return _WORD.sub("_", event_class.__name__).lower()


def _units() -> dict[str, str]:
    """Every fact that a line can have, with what it is measured in."""
    known: dict[str, str] = {}
    for event_class in (*ev.MASTER_EVENTS, *ev.WORKER_EVENTS):
        for name, kind in event_class.__annotations__.items():
            known[name] = TEXT if kind in {"str", "tuple[str, ...]"} else ""
    known |= dict.fromkeys(("stream", "id", "kind", "type", "level", "worker", "text", "error", "why"), TEXT)
    return known | {"at": "s", "requests": "", "failures": "", "users": "", "fail%": "%"}


UNITS = _units()


class Teller:
    """Tells entries in the order of folding: a line says what was known when it came."""

    def __init__(self) -> None:
        self._state = State()

    def tell(self, entry: Entry) -> Line:
        """The entry's line; never raises on what it is fed."""
        log = self._state.log
        try:
            signed = decode(entry)
        except BadEntry as error:
            return self._line(entry, "refused", ("warning", f"an entry that was refused: {error}"))
        if signed is None:
            return self._line(entry, "unknown", ("", f"an entry of the unknown kind {entry.kind}"))
        event = signed.event
        told = (story.tell(log, event) if isinstance(signed, ev.ByMaster) else None) or _beside_the_story(event)
        who = self._who(signed)
        if entry.stream == LOG:
            fold_entry(self._state, entry)
        return self._line(entry, name_of(type(event)), told or ("", _plain(event)), who, event)

    def _who(self, signed: ev.ByMaster | ev.ByWorker | ev.ByOperator) -> str:
        names = self._state.log.incarnations
        if isinstance(signed, ev.ByWorker):
            return clean(names.get(signed.incarnation, signed.incarnation), 60)
        incarnation = getattr(signed.event, "incarnation", "")
        return clean(str(getattr(signed.event, "name", "") or names.get(incarnation, incarnation)), 60)

    def _line(
        self, entry: Entry, name: str, told: tuple[str, str], who: str = "", event: ev.Event | None = None
    ) -> Line:
        began_ms = self._state.log.began_ms
        return Line(
            stream=entry.stream,
            id=entry.id,
            at_ms=entry.id.ms,
            offset_ms=entry.id.ms - began_ms if began_ms else None,
            kind=clean(entry.kind, 20),
            name=name,
            level=clean(told[0], 20),
            who=who,
            text=clean(told[1], LINE_MAX),
            event=event,
        )


def _beside_the_story(event: ev.Event) -> story.Line:
    """What an entry says that is in no story: lines of logging, or a worker's."""
    return _logged(event.lines) if isinstance(event, ev.Logged) else _of_report(event)


def _of_report(event: ev.Event) -> story.Line:
    """What a worker's entry says."""
    if isinstance(event, ev.Reported):
        facts = _counted(event)
        span_s = (event.to_ms - event.from_ms) / 1000
        counted = f"{plural(facts['requests'], 'request')} in {span_s:.1f} s, {number(facts['failures'])} failed"
        level, said = _logged(event.lines)
        return level, f"reports {counted}, {plural(facts['users'], 'user')}" + (f"; {said}" if said else "")
    if isinstance(event, ev.GeneratorLost):
        lost_ms = event.to_ms - event.from_ms
        return "error", f"generator {event.number} died ({event.why}): its last {lost_ms} ms were never sent"
    if isinstance(event, ev.LoadFailed):
        return "error", f"the locustfile does not load: {event.error}: {event.why}"
    if isinstance(event, ev.WorkerFinished):
        return "info", f"its users have stopped: {event.why}"
    if isinstance(event, ev.StopWanted):
        return "warning", f"user code in generator {event.number} wants the end of the run: {event.why}"
    return None


def _logged(lines: Sequence[ev.LogLine]) -> tuple[str, str]:
    """The heaviest level of lines of logging, and what they say; nothing for no lines."""
    if not lines:
        return "", ""
    heaviest = max((line.level for line in lines), key=LINE_LEVELS.index)
    shown = [f"{line.logger}: {' '.join(line.text.split())}" for line in lines[:LINES_SHOWN]]
    more = [f"and {len(lines) - len(shown)} more"] if len(lines) > len(shown) else []
    return _STORY_LEVELS.get(heaviest, ""), f"logs {heaviest}: {'; '.join((*shown, *more))}"


def _counted(event: ev.Reported) -> dict[str, int]:
    tallies = [tally for block in event.blocks for tally in block.tallies.values()]
    return {
        "requests": sum(tally.requests for tally in tallies),
        "failures": sum(tally.failures for tally in tallies),
        "users": sum(event.users.values()),
    }


def _plain(event: ev.Event) -> str:
    """An event that is no news: its name and its first fields."""
    told = []
    for name in event.__struct_fields__[:FIELDS_MAX]:
        value = getattr(event, name)
        if isinstance(value, str | int | float) and value not in ("", None):
            told.append(f"{name} {clean(str(value), VALUE_MAX)}")
        elif isinstance(value, bytes | tuple | dict) and value:
            told.append(f"{name} ({len(value):,})")
    return f"{name_of(type(event)).replace('_', ' ')}: {', '.join(told)}" if told else name_of(type(event))


def facts(line: Line) -> dict[str, Fact]:
    """What a condition can ask of a line: its own columns, and the plain fields of its event."""
    found: dict[str, Fact] = {}
    if line.event is not None:
        for name in line.event.__struct_fields__:
            value = getattr(line.event, name)
            is_names = isinstance(value, tuple) and all(isinstance(one, str) for one in value)
            if is_names or isinstance(value, str | int | float):
                found[name] = value
    if isinstance(line.event, ev.Reported):
        found |= _counted(line.event)
        found["fail%"] = 100 * _ratio(line.event)
    own: dict[str, Fact] = {
        "stream": line.stream,
        "id": str(line.id),
        "kind": (line.kind, line.name),
        "type": line.name,
        "level": line.level,
        "worker": line.who,
        "text": line.text,
        "at": None if line.offset_ms is None else line.offset_ms / 1000,
    }
    return found | own


def _ratio(event: ev.Reported) -> float:
    counted = _counted(event)
    return counted["failures"] / counted["requests"] if counted["requests"] else 0.0


def as_json(line: Line) -> dict[str, Any]:
    """A line for programs: the event as it lies in the log, bytes as their length."""
    return {
        "id": str(line.id),
        "stream": line.stream,
        "at_ms": line.at_ms,
        "offset_ms": line.offset_ms,
        "kind": line.kind,
        "type": line.name,
        "level": line.level,
        "worker": line.who,
        "text": line.text,
        "event": None if line.event is None else _jsonable(to_wire(line.event)),
    }


def _jsonable(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    if isinstance(value, str):
        return "\n".join(clean(part, 8_000) for part in value.split("\n")[:200])
    if isinstance(value, dict):
        return {clean(str(key), 2_000): _jsonable(item) for key, item in value.items()}
    return [_jsonable(item) for item in value] if isinstance(value, list | tuple) else value
