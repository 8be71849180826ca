"""What generators measured, as the values that batches and reports carry: sums by second, failures, exceptions."""

from __future__ import annotations

from collections.abc import MutableMapping  # noqa: TC003 - annotations are read when it runs
from typing import TYPE_CHECKING, Any

from tidal.model import envelopes
from tidal.model.each import Each
from tidal.model.envelopes import MOMENT_MS_MAX
from tidal.model.measured import Measured
from tidal.model.packed import packed, unpacked
from tidal.model.sent import sent_tallies
from tidal.model.stacked import SentTallies
from tidal.model.stats import Tally
from tidal.model.struct import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT_MAX = envelopes.TEXT_MAX
TRACEBACK_MAX = 8_000
CUT_NAME_MAX = 200
"""Characters of a block's stage or class."""
FAILED_CHARS_MAX = 16_000
"""Characters of one failed request with its answer; they are cut where they are taken."""
LINE_TEXT_MAX, LOGGER_MAX, GENERATORS_MAX = 2_000, 100, 4_096
"""Characters of a line of logging and of its logger's name, and generators that can say one."""
LINE_TEXT_REFUSED = 4 * LINE_TEXT_MAX
"""A longer line is refused; between the two is room for longer names of hosts, where they are masked."""
LINE_LEVELS = ("debug", "info", "warning", "error", "critical")
COUNT_MAX = 1 << 48
"""A count of one report, and a time in it, is below this, so that the counts of a run stay within 63 bits."""


class Block(Struct):
    """What was measured in one second of Redis time, or in `span` of them.

    Either a large fleet's, with the counts of `each` second; or detail was merged away, and nobody knows them.
    """

    second: int
    span: int = 1
    tallies: MutableMapping[tuple[str, str], Tally] = field(default_factory=dict)  # (method, name)
    user_ms: dict[str, int] = field(default_factory=dict)  # user-time that ran, by class
    is_warmup: bool = False  # before everybody was started, in a run that counts from then on (`reset_stats`)
    stage: str = ""  # of the plan, at the moment of completion
    user_class: str = ""  # of the user that sent the requests; "": unknown
    measured: Measured = field(default_factory=Measured)  # transactions, metrics, requests by tags
    each: Each | None = None

    def merge(self, other: Block) -> None:
        """Add the counts of another block of the same second; of other seconds, those of each are known no more."""
        if self.each is not None and other.each is not None and (self.second, self.span) == (other.second, other.span):
            self.each.merge(other.each)
        else:
            self.each = None
        for key, tally in other.tallies.items():
            if key in self.tallies:
                self.tallies[key].merge(tally)
            else:
                self.tallies[key] = tally.copy()
        for name, ran_ms in other.user_ms.items():
            self.user_ms[name] = self.user_ms.get(name, 0) + ran_ms
        self.measured.merge(other.measured)

    def counts_of(self, key: tuple[str, str]) -> Iterator[tuple[int, int, int]]:
        """An endpoint's requests and failures by second; all at the first where those of each are not known."""
        tally = self.tallies[key]
        counts = self.each.of(key) if self.each is not None else [(tally.requests, tally.failures)]
        for second, (requests, failures) in enumerate(counts, self.second):
            yield second, requests, failures

    def to_wire(self) -> list[object]:
        """[second, span, [[method, name, tally] …], {class: ms}], and a map of what is not as usual."""
        more: dict[str, Any] = {name: getattr(self, name) for name in _MORE if getattr(self, name)}
        keys = sorted(self.tallies)
        if self.each is not None:
            columns, who = packed(self.tallies, self.each)
            more |= {"packed": columns} if columns else {}
            keys = [key for key in keys if key not in who]
            more["each"] = self.each.to_wire(keys)
        rows = [[*key, self.tallies[key].to_wire()] for key in keys]
        if self.measured:
            more["measured"] = self.measured.to_wire()
        return [self.second, self.span, rows, self.user_ms, *([more] if more else [])]

    @classmethod
    def from_wire(cls, wire: object) -> Block:
        """The block of `to_wire`, checked."""
        if isinstance(wire, list) and len(wire) == 4:
            wire = [*wire, {}]
        second, span, rows, user_ms, more = _wire_list(wire, 5)
        if type(second) is not int or type(span) is not int or not 0 <= second < 1 << 40 or not 1 <= span < 1 << 20:
            raise ValueError("a block's second or span is out of range")
        if not isinstance(user_ms, dict) or not all(type(k) is str and is_count(v) for k, v in user_ms.items()):
            raise ValueError("a block's user time is not whole milliseconds by class")
        rows = [_wire_list(row, 3) for row in _wire_list(rows)]
        wires = [tally for _, _, tally in rows]
        told = sent_tallies(wires, COUNT_MAX) or [_modest(Tally.from_wire(wire)) for wire in wires]
        keys = [_key_of(method, name) for method, name, _ in rows]
        block = cls(second, span, dict(zip(keys, told, strict=True)), user_ms, **_more_of(more))
        if "each" in more:
            block.each = Each.from_wire(more["each"], keys, wires, block)
        if "packed" in more:
            block._unpack(more["packed"])
        return block

    def _unpack(self, wire: object) -> None:
        """Take in the endpoints that came packed."""
        if self.each is None:
            raise ValueError("packed endpoints are those of a block with the counts of each second")
        told = unpacked(wire, self.span)
        if not self.tallies.keys().isdisjoint(told.keys):
            raise ValueError("an endpoint stands in a block twice")
        sent = SentTallies(told, dict(self.tallies), self.each)
        self.tallies, self.each = sent, sent.whole

    @property
    def sent(self) -> SentTallies | None:
        """Its tallies as they came packed, as long as nobody has looked at one of them or put others in their place."""
        tallies = self.tallies
        is_sent = type(tallies) is SentTallies and tallies.is_untouched and self.each is tallies.whole
        return tallies if is_sent else None  # type: ignore[return-value]  # it is one


_MORE: dict[str, type] = {"is_warmup": bool, "stage": str, "user_class": str}
"""What stands in a block's map only where it is not as usual."""


def _key_of(method: object, name: object) -> tuple[str, str]:
    if type(method) is not str or type(name) is not str:
        raise ValueError("an endpoint's method and name are text")
    return method[:TEXT_MAX], name[:TEXT_MAX]


def _more_of(more: object) -> dict[str, Any]:
    """What a block's map says, checked; names that are not known are ignored."""
    if not isinstance(more, dict) or any(name in more and type(more[name]) is not kind for name, kind in _MORE.items()):
        raise ValueError("a block is of the warm-up or not, its stage and class are text")
    known = {name: more[name] for name in _MORE if name in more}
    known = {name: value[:CUT_NAME_MAX] if isinstance(value, str) else value for name, value in known.items()}
    if "measured" in more:
        known["measured"] = measured = Measured.from_wire(more["measured"])
        measured.check_modest()
    return known


def _wire_list(wire: object, length: int | None = None) -> list[Any]:
    if not isinstance(wire, list) or (length is not None and len(wire) != length):
        raise ValueError("not a list of the right length")
    return wire


def is_count(value: object) -> bool:
    """Whether it is whole, not negative and not too large to be summed for days."""
    return type(value) is int and 0 <= value < COUNT_MAX


def _modest(tally: Tally) -> Tally:
    """A tally whose counts and times can be; sums may be whatever can be written, for users say what a request took."""
    response = tally.response
    if response is not None and response.max_us >= COUNT_MAX:
        raise ValueError("a tally's response times are too large")
    if max(tally.requests, tally.cancelled, tally.min_us, tally.max_us) >= COUNT_MAX:
        raise ValueError("a tally's counts or times are too large")
    return tally


class FailureTally(Struct):
    """Failed requests of one endpoint with one message."""

    method: str
    name: str
    error: str
    occurrences: int
    first_ms: int
    last_ms: int


class FailedRequest(Struct, frozen=True):
    """One failed request and what came back, as text without secrets: one of a few, to be read by people."""

    at_ms: int
    method: str
    name: str
    error: str  # as its FailureTally has it
    url: str = ""
    status: int = 0  # 0: no answer came
    took_us: int | None = None
    user: str = ""  # the user's class
    transaction: tuple[str, ...] = ()  # its path, of the one it was in
    tags: str = ""
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: str = ""
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: str = ""

    def __post_init__(self) -> None:
        """Refuse one that would fill an entry, or that was at no moment."""
        if not 0 <= self.at_ms < MOMENT_MS_MAX or self.size > FAILED_CHARS_MAX:
            raise ValueError(f"a failed request of {self.size} characters at {self.at_ms} ms")

    @property
    def size(self) -> int:
        """How many characters it has."""
        lines = (*self.request_headers, *self.response_headers)
        texts = (self.method, self.name, self.error, self.url, self.user, *self.transaction, self.tags)
        return sum(map(len, (*texts, self.request_body, self.response_body))) + sum(len(n) + len(v) for n, v in lines)


class LogLine(Struct, frozen=True):
    """What the logging of one process said, as text without secrets; or how many lines it left out."""

    at_ms: int
    level: str  # debug, info, warning, error, critical
    logger: str
    text: str  # the message, with the traceback that belongs to it
    number: int = -1  # of the generator; -1: the worker's agent. On the master's side -1 is the master, 0 the hook host
    left_out: int = 0  # so many lines did not get through here; this one is none itself

    def __post_init__(self) -> None:
        """Refuse one that would fill an entry, that was at no moment or is of no known weight."""
        is_long = len(self.text) > LINE_TEXT_REFUSED or len(self.logger) > LINE_TEXT_MAX
        if not 0 <= self.at_ms < MOMENT_MS_MAX or is_long:
            raise ValueError(f"a line of {self.size} characters at {self.at_ms} ms")
        if self.level not in LINE_LEVELS or not -1 <= self.number < GENERATORS_MAX or not is_count(self.left_out):
            raise ValueError(f"a line of level {self.level[:20]!r} by generator {self.number}")

    @property
    def size(self) -> int:
        """How many characters it has."""
        return len(self.text) + len(self.logger)


class ExceptionTally(Struct):
    """Exceptions of user code with one message and traceback."""

    message: str
    traceback: str
    occurrences: int


class PaceTally(Struct):
    """How many iterations users of a class that keep a pace were to begin, and how many they did."""

    user_class: str
    begun: int
    wanted_millionths: int  # iterations, in millionths: one that begins half a period late stands for one and a half
    late: int  # of those begun: later than `LATE_US` after the intended moment

    def __post_init__(self) -> None:
        """Refuse counts that cannot be: of a report, or of a whole run, which may be as large as they like."""
        if min(self.begun, self.wanted_millionths, self.late) < 0 or self.late > self.begun:
            raise ValueError("a pace's counts are not negative, and no more are late than have begun")


LATE_US = 5_000
"""An iteration that begins later than this after its intended moment is late."""
