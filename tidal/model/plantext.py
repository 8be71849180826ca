"""A plan as people write it: stages in one line, parsed and printed.

    warmup: 0→100 in 30s, 100 for 5m, 100→500 in 1m, peak: 500 for 10m, →0 in 30s        users
    rate 50/s for 2m, 50/s→400/s in 5m                                                    arrivals

    plan  = stage {"," stage}                         a new line or ";" will do as well
    stage = [name ":"] (level "for" (time | "ever")   a level that is held
                      | [level] "→" level "in" time)  a ramp; without a level before the arrow: from where it is
    level = ["rate"] number ["users" | "/s" | "/m" | "/h"]
    time  = "30s", "1h30m", "500ms", "90" (seconds)

"->" is the arrow in ASCII. One plan counts either users or arrivals; "rate", or a unit of time, at its first level says
arrivals. `parsed` raises `BadPlan` alone, with the place; `printed` writes what `parsed` reads as the same plan.
"""

from __future__ import annotations

import re

from tidal.errors import BadPlan
from tidal.model.envelopes import USERS_MAX
from tidal.model.pattern import lazily
from tidal.model.spec import HEIGHT_MAX, STAGE_NAME_MAX, STAGES_MAX, StageSpec, Track
from tidal.model.struct import Struct

USERS, ARRIVALS = "users", "arrivals/s"
TEXT_MAX = 20_000
PARTS_MAX = 1_000
"""Stages of one plan, named or not."""
LENGTH_MS_MAX = 366 * 24 * 3_600_000
"""A year: longer than any run, and short enough for every clock."""
_SPACE = lazily(r"[ \t\r]*")
_NAME = lazily(r"([^,;:\n→>=\"]*?)[ \t]*:")
_NUMBER = lazily(r"\d[\d_]{0,15}(?:\.\d{1,15})?", re.ASCII)
_PER = lazily(r"/[ \t]*(sec|second|s|min|minute|m|hour|h)\b", re.ASCII | re.IGNORECASE)
_WORD = lazily(r"[A-Za-z]+", re.ASCII)
_ARROW = lazily(r"→|->")
_SOME = r"\d{1,15}(?:\.\d{1,15})?"
_UNITS = r"ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d"
_TIME = lazily(rf"(?:{_SOME}[ \t]*(?:{_UNITS})[ \t]*)+(?![A-Za-z])|{_SOME}", re.ASCII)
_TIME_PART = lazily(rf"({_SOME})[ \t]*({_UNITS}|)", re.ASCII)
_SEPARATOR = lazily(r"[,;\n]")
_UNIT_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_PER_S = {"s": 1, "m": 60, "h": 3600}


class Part(Struct, frozen=True):
    """One stage: from a level to a level (the same: held) in so many ms; None: for ever, as the last."""

    start: float
    end: float
    length_ms: int | None
    name: str = ""


class Plan(Struct, frozen=True):
    """The stages of one curve, one after the other; `unit` is that of a `Track`."""

    parts: tuple[Part, ...]
    unit: str = USERS

    @property
    def length_ms(self) -> int | None:
        """How long it takes; None: for ever."""
        lengths = [part.length_ms for part in self.parts]
        return None if None in lengths else sum(length for length in lengths if length is not None)

    @property
    def peak(self) -> float:
        """The highest level."""
        return max(max(part.start, part.end) for part in self.parts)


# ------------------------------------------------------------------ reading


def parsed(text: str) -> Plan:
    """The plan that a text means; BadPlan, with the column, for anything else."""
    if len(text) > TEXT_MAX:
        raise BadPlan(f"a plan of {len(text):,} characters: {TEXT_MAX:,} are the most")
    return _Reader(text).plan()


class _Reader:
    """Reads a plan from left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._unit = text, 0, ""
        self._parts: list[Part] = []

    def plan(self) -> Plan:
        """All of it."""
        while True:
            self._stage()
            self._blank()
            if self._at == len(self._text):
                break
            if not self._take(_SEPARATOR):
                raise self._bad('a comma before the next stage, as in "100 for 5m, 100→0 in 30s"')
            if not self._text[self._at :].strip():
                break  # a comma at the end does no harm
        self._check()
        return Plan(tuple(self._parts), self._unit or USERS)

    def _stage(self) -> None:
        name = self._name()
        if self._parts and self._parts[-1].length_ms is None:
            raise self._bad("nothing: the stage before lasts for ever")
        before = self._parts[-1].end if self._parts else 0.0
        start = None if self._peek(_ARROW) else self._level()
        if self._take(_ARROW):
            end = self._level()
            self._word("in", f'how long the ramp takes, as in "{_sample(before if start is None else start, end)}"')
            self._add(Part(before if start is None else start, end, self._time(), name))
        elif start is not None:
            self._word("for", f'how long, or an arrow, as in "{_number(start)} for 5m" or "{_sample(start, 0)}"')
            self._add(Part(start, start, self._time_or_ever(), name))

    def _add(self, part: Part) -> None:
        self._parts.append(part)
        if len(self._parts) > PARTS_MAX:
            raise self._bad(f"the end: a plan has {PARTS_MAX:,} stages at most")

    def _name(self) -> str:
        self._blank()
        match = _NAME.match(self._text, self._at)
        if match is None:
            return ""
        name = match[1].strip()
        if not 1 <= len(name) <= STAGE_NAME_MAX or not name.isprintable():
            raise self._bad(
                f'a name of 1 to {STAGE_NAME_MAX} characters before the colon, as in "warmup: {_sample(0, 9)}"'
            )
        self._at = match.end()
        return name

    def _level(self) -> float:
        begin = self._at
        says_rate = self._take_word("rate")
        self._blank()
        number = self._take(_NUMBER)
        if not number:
            raise self._bad("a number of users, or of arrivals such as 50/s")
        per, says_users = self._per(), False
        if not per:
            says_users = self._take_word("users") or self._take_word("user")
        unit = ARRIVALS if says_rate or per else USERS if says_users else self._unit or USERS
        if self._unit not in ("", unit):
            self._at = begin
            raise self._bad(f"a level in {self._unit} as before: another unit wants a class and a plan of its own")
        self._unit = unit
        return self._value(number, per, begin)

    def _value(self, number: str, per: int, begin: int) -> float:
        most = HEIGHT_MAX if self._unit == ARRIVALS else USERS_MAX
        value = round(float(number.replace("_", "")) / (per or 1), 6)
        if value > most or (self._unit == USERS and not value.is_integer()):
            self._at = begin
            raise self._bad(f"a {'whole ' * (self._unit == USERS)}number of {self._unit} up to {most:,}")
        return value

    def _per(self) -> int:
        """Seconds of the unit of time after a number; 0: there is none."""
        self._blank()
        match = _PER.match(self._text, self._at)
        if match is None:
            if self._text.startswith("/", self._at):
                raise self._bad('a unit of time after "/": /s, /m or /h')
            return 0
        self._at = match.end()
        return _PER_S[match[1][0].lower()]

    def _time_or_ever(self) -> int | None:
        return None if self._take_word("ever") else self._time()

    def _time(self) -> int:
        self._blank()
        begin = self._at
        text = self._take(_TIME)
        if not text:
            raise self._bad("a time such as 30s, 5m or 1h30m")
        length_ms = round(sum(float(n) * _unit_ms(unit) for n, unit in _TIME_PART.findall(text)))
        if not 1 <= length_ms <= LENGTH_MS_MAX:
            self._at = begin
            raise self._bad("a time from 1ms to 366d")
        return length_ms

    def _check(self) -> None:
        names = {part.name for part in self._parts if part.name}
        if len(names) > STAGES_MAX:
            raise BadPlan(f"{len(names)} stages have names: {STAGES_MAX} are the most")
        if sum(part.length_ms or 0 for part in self._parts) > LENGTH_MS_MAX:
            raise BadPlan("a plan of more than 366 days")

    # ---------------------------------------------------------------- characters

    def _blank(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _peek(self, pattern: re.Pattern[str]) -> bool:
        self._blank()
        return pattern.match(self._text, self._at) is not None

    def _take(self, pattern: re.Pattern[str]) -> str:
        """What matches here, passed over; "" for nothing."""
        self._blank()
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[0]

    def _take_word(self, word: str) -> bool:
        self._blank()
        match = _WORD.match(self._text, self._at)
        if match is None or match[0].lower() != word:
            return False
        self._at = match.end()
        return True

    def _word(self, word: str, wanted: str) -> None:
        if not self._take_word(word):
            raise self._bad(wanted)

    def _bad(self, wanted: str) -> BadPlan:
        self._blank()
        rest = " ".join(self._text[self._at : self._at + 24].split())
        found = f"at {rest!r}" if rest else "at its end"
        return BadPlan(f"plan, column {self._at + 1}, {found}: there should be {wanted}")


# ------------------------------------------------------------------ writing


def printed(plan: Plan) -> str:
    """The plan in one line, as `parsed` reads it."""
    return ", ".join(f"{part.name}: " * bool(part.name) + part_text(part, plan.unit) for part in plan.parts)


def part_text(part: Part, unit: str) -> str:
    """One stage without its name."""
    per = "/s" if unit == ARRIVALS else ""
    if part.start == part.end:
        long = "ever" if part.length_ms is None else span(part.length_ms)
        return f"{_number(part.start)}{per} for {long}"
    return f"{_number(part.start)}{per}→{_number(part.end)}{per} in {span(part.length_ms or 0)}"


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _sample(start: float, end: float) -> str:
    return f"{_number(start)}→{_number(end)} in 30s"


def _unit_ms(word: str) -> int:
    """The milliseconds of a unit, spelled out or not; a lone number counts seconds."""
    return _UNIT_MS["ms" if word == "ms" else word[:1] or "s"]


def span(length_ms: int) -> str:
    """A time in the fewest units: 1h30m, 90s as 1m30s, 500ms."""
    rest, text = length_ms, ""
    for unit, unit_ms in _UNIT_MS.items():
        count, rest = divmod(rest, unit_ms)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


# ------------------------------------------------------------------ curves


def track_of(plan: Plan, name: str = "") -> Track:
    """The plan as a curve; at its end it falls to nothing."""
    points: list[tuple[int, float]] = []
    at_ms = 0
    for part in plan.parts:
        points += [p for p in ((at_ms, part.start),) if p not in points[-1:]]
        if part.length_ms is not None:
            at_ms += part.length_ms
            points.append((at_ms, part.end))
    if plan.length_ms is not None and points[-1][1]:
        points.append((at_ms, 0.0))
    return Track(name, tuple(points), plan.unit)


def stages_of(plan: Plan) -> tuple[StageSpec, ...]:
    """The stages by name, or by number where they have none; neighbours of one name are one.

    One stage without a name is the whole run, and none. Of more than can be kept apart only those with names are.
    """
    found: list[StageSpec] = []
    numbers = [str(n) if 1 < len(plan.parts) <= STAGES_MAX else "" for n, _ in enumerate(plan.parts, 1)]
    at_ms = 0
    for part, number in zip(plan.parts, numbers, strict=True):
        name = part.name or number
        from_ms, at_ms = at_ms, at_ms + (LENGTH_MS_MAX if part.length_ms is None else part.length_ms)
        if found and found[-1].name == name and found[-1].to_ms == from_ms:
            from_ms = found.pop().from_ms
        if name:
            found.append(StageSpec(name, from_ms, at_ms))
    return tuple(found)
