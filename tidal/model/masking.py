"""Taking out of a run what strangers should not read: hosts, headers, arguments, logs, files. The figures stay.

Whatever an entry or a state carries is walked through as plain values, so a field that comes later is masked, too. The
same host has the same name all through the copy (`host-1`, `host-2` …), so that its story can still be read.
"""

from __future__ import annotations

import re
from typing import Any

from tidal.model import events as ev
from tidal.model.codec import Entry, Signed, encode, entry_of, understood
from tidal.model.state import State
from tidal.model.struct import replace
from tidal.model.wire import from_wire, to_wire

HOSTS, HEADERS, ARGUMENTS, LOGS, FILES = "hosts", "headers", "arguments", "logs", "files"
KINDS = (HOSTS, HEADERS, ARGUMENTS, LOGS, FILES)
GONE = "[redacted]"
HOSTS_MAX = 10_000
RULES_OF_NOBODY = "redacted"
"""Of a checkpoint whose hash cannot be made anew."""
_URL_HOST = re.compile(r"(?<=://)(?:[^/@\s\"'<>]*@)?(\[[0-9a-fA-F:.]+\]|[^/\s:?#\"'<>]+)")
_ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_AT_HOST = re.compile(r"(?<=@)[\w.-]+")
_ARGUMENT_FIELDS = frozenset({"arguments", "class_settings"})


class Mask:
    """Masks entries and states of one run; `learn` of all entries first, so that a name is known wherever it stands.

    Attributes:
        kinds: what is masked.
        dropped: entries that could not be read and so are left out.
    """

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self.kinds = kinds
        self.dropped = 0
        self._names: dict[str, str] = {}
        self._words: re.Pattern[str] | None = None

    def __repr__(self) -> str:
        return f"<Mask of {', '.join(self.kinds)}, {len(self._names)} hosts>"

    # ------------------------------------------------------------------ learning

    def learn(self, entry: Entry) -> None:
        """Note the hosts that an entry names."""
        signed = understood(entry)
        if signed is None or HOSTS not in self.kinds:
            return
        event = signed.event
        if isinstance(event, ev.WorkerSeen):
            self._know(event.host, event.worker)
        elif isinstance(event, ev.MasterTook):
            self._know(event.host)
        elif isinstance(event, ev.RunOpened):
            urls = [event.options.host, *(c.host for c in event.classes)]
            self._know(*(m[1] for url in urls for m in _URL_HOST.finditer(url)))
        for author in (getattr(event, "author", ""), getattr(signed, "author", "")):
            self._know(*_AT_HOST.findall(author if isinstance(author, str) else ""))

    def _know(self, *names: str) -> None:
        for name in names:
            if name and len(self._names) < HOSTS_MAX:
                self._names.setdefault(name, f"host-{len(self._names) + 1}")
        self._words = None

    # ------------------------------------------------------------------ masking

    def entry(self, entry: Entry, anew: ev.Checkpoint | None = None) -> Entry | None:
        """The entry without what is masked; None when it cannot be read. `anew`: what a checkpoint says of the copy."""
        signed = understood(entry)
        if signed is None:
            self.dropped += 1
            return None
        event = self._event(signed.event)
        if isinstance(event, ev.Checkpoint):
            event = anew or replace(event, rules=RULES_OF_NOBODY, chain="")
        masked: Signed = replace(signed, event=event)
        return entry_of(entry.stream, entry.id, encode(masked))

    def _event(self, event: ev.Event) -> ev.Event:
        if isinstance(event, ev.FileChunk):
            return replace(event, data=b"") if FILES in self.kinds else event
        made: ev.Event = from_wire(type(event), self.value(to_wire(event)))
        return made

    def state(self, packed: Any) -> State:
        """A stored state, masked."""
        return State.from_wire(self.value(packed))

    def value(self, value: Any, name: str = "") -> Any:
        """A plain value, masked; `name`: of the field that it is in."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(key): self._field(str(key), item) for key, item in value.items()}
        return [self.value(item, name) for item in value] if isinstance(value, list | tuple) else value

    def _field(self, name: str, value: Any) -> Any:
        if ARGUMENTS in self.kinds and name in _ARGUMENT_FIELDS and isinstance(value, list):
            return [[pair[0], f'"{GONE}"'] if isinstance(pair, list) and len(pair) == 2 else pair for pair in value]
        if HEADERS in self.kinds and ("header" in name or "body" in name):
            return _emptied(value)
        if LOGS in self.kinds and name == "lines":
            return self.value(_silenced(value))
        return self.value(value, name)

    def text(self, text: str) -> str:
        """A text with the hosts in it under their names here."""
        if HOSTS not in self.kinds or not text:
            return text
        text = _URL_HOST.sub(lambda m: self._name(m[1]), text)
        text = _ADDRESS.sub(lambda m: self._name(m[0]), text)
        if self._words is None:
            longest = sorted(self._names, key=lambda name: (-len(name), name))
            self._words = re.compile("|".join(rf"(?<![\w.-]){re.escape(n)}(?![\w-])" for n in longest) or r"(?!)")
        return self._words.sub(lambda m: self._name(m[0]), text)

    def _name(self, host: str) -> str:
        if re.fullmatch(r"host-\d+", host):
            return host
        if host not in self._names:
            if len(self._names) >= HOSTS_MAX:
                return GONE
            self._names[host] = f"host-{len(self._names) + 1}"  # met in a text alone: known where it stands by itself
        return self._names[host]


def _emptied(value: Any) -> Any:
    """The same shape with nothing to read in it: names of headers stay, values go."""
    if isinstance(value, dict):
        return {key: _emptied(item) for key, item in value.items()}
    if isinstance(value, list):
        if len(value) == 2 and all(isinstance(item, str) for item in value):
            return [value[0], GONE]
        return [_emptied(item) for item in value]
    return GONE if isinstance(value, str) and value else b"" if isinstance(value, bytes) else value


def _silenced(value: Any) -> Any:
    """Lines of logging without what they say: who said how many of which weight stays."""
    if isinstance(value, dict):
        return {key: GONE if key == "text" and item else _silenced(item) for key, item in value.items()}
    return [_silenced(item) for item in value] if isinstance(value, list) else value
