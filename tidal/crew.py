"""A worker's generators: children that run users. Started, told, listened to, missed and replaced here.

Nothing blocks: `turn` takes what the children have said and looks who died. What follows from it is the agent's to
decide; the crew only answers with what happened.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tidal.lastwords import CLOSED_OURS, keep_small, why_it_died
from tidal.model.arrivals import in_flight_of
from tidal.model.codec import MESSAGE_BYTES_MAX, BadEntry, PipeReader, pack_message
from tidal.model.events import TEXT_MAX, GeneratorState, MessageReceived, StopWanted
from tidal.model.liveness import STALLED_MS
from tidal.model.loglines import numbered
from tidal.model.pipe import (
    Batch,
    Finish,
    Finished,
    Leave,
    Load,
    Loaded,
    Message,
    NotLoaded,
    Said,
    SetClock,
    SetShare,
    TakeBlock,
    TakeTickets,
    WantBlock,
    WantTickets,
)
from tidal.model.plan import Ownership, bitmap, share_out
from tidal.model.plantext import ARRIVALS
from tidal.model.struct import Struct, field, replace
from tidal.process import Backoff, Child, python_argv
from tidal.whereabouts import Question

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidal.model.events import ClassSpec, Event, PlanSet

SILENT_MS = 2_000
"""After so long a generator is asked where it is, so that the answer is there when it counts as stalled."""
ARRIVALS_LEAD_MS = 250
"""Arrivals move between siblings at a moment that all know of before it comes: none is begun by two."""
BURIED_S = 0.2
"""How long a child may live on whose pipe has ended: it is about to be gone, or has closed it itself."""
HEARD_LATE_MS = 1_000
"""What was due since a plan held, and was not begun because it was heard of so late, is begun late."""
NEVER_MS = 1 << 40
BEHIND_MAX_MS = 86_400_000


class Generator(Struct):
    """One child with what is known of it."""

    number: int
    child: Child
    born_ms: int
    reader: PipeReader = field(default_factory=PipeReader)
    loaded: bool = False
    finished: bool = False
    users: dict[str, int] = field(default_factory=dict)
    lag_ms: int = 0
    behind_ms: tuple[int, int] = (0, 0)  # by its last two batches: a heartbeat comes for every second one
    reached_ms: int = 0  # Redis time up to which it has reported
    in_flight: int = 0  # iterations that it has begun and not ended
    heard_ms: int = 0  # monotonic
    question: Question | None = None  # where it is, once it has said nothing for long
    found: str = ""  # the answer, for as long as this silence lasts
    ended_by_us: str = ""  # why we killed it; "" when it ended by itself

    def __repr__(self) -> str:
        return f"<Generator {self.number} pid {self.child.pid} {sum(self.users.values())} users>"

    def state(self, now_ms: int) -> GeneratorState:
        """How it is, for a report."""
        word = "running" if self.loaded else "starting"
        silent_ms = now_ms - self.heard_ms if self.loaded and not self.finished else 0  # the end was its last word
        if silent_ms > STALLED_MS:
            word = "stalled"
        lag_ms = max(self.lag_ms, silent_ms - 1_000)
        users = sum(self.users.values())
        return GeneratorState(self.number, self.child.pid, word, users, max(0, lag_ms), dict(self.users))


class Died(Struct, frozen=True):
    """A generator is gone, and what is known of its end."""

    number: int
    pid: int
    reached_ms: int
    why: str
    users: int
    loaded: bool
    in_flight: int = 0


class Silent(Struct, frozen=True):
    """A generator that runs users has said nothing for long; `found` is what it was found to do."""

    number: int
    silent_ms: int
    found: str


class Asked(Struct, frozen=True):
    """A generator's users need positions of a counter, or tickets."""

    number: int
    want: WantBlock | WantTickets


class Crew:
    """The generators of one run on this worker.

    Args:
        load: the order that each child gets first; its number, index and client id are completed.
        size: how many children there are to be.
        log_path: where they and user code print.
    """

    def __init__(self, load: Load, size: int, log_path: Path) -> None:
        self._load, self._size, self._log_path = load, size, log_path
        self._root = Path(load.root).resolve()  # as stacks name it
        self._backoffs = {number: Backoff() for number in range(size)}
        self._due_ms: dict[int, int] = dict.fromkeys(range(size), 0)
        self.generators: dict[int, Generator] = {}
        self._last_split: dict[int, int] = {}
        self._told_number = 0  # of the newest plan that the children were told
        self.finishing = False
        self.exit_code: int | None = None  # the highest that user code wants

    def __repr__(self) -> str:
        return f"<Crew {list(self.generators.values())}>"

    @property
    def is_ready(self) -> bool:
        """Whether every child has loaded the locustfile."""
        return len(self.generators) == self._size and all(g.loaded for g in self.generators.values())

    @property
    def is_short(self) -> bool:
        """Whether a child is missing."""
        return len(self.generators) < self._size

    def move(self, root: Path) -> None:
        """Start children in another folder from now on."""
        self._load, self._root = replace(self._load, root=str(root), cwd=""), root.resolve()

    @property
    def is_finished(self) -> bool:
        """Whether no child runs users any more, for good."""
        return self.finishing and all(g.finished or not g.loaded for g in self.generators.values())

    @property
    def is_given_up(self) -> bool:
        """Whether no child lives and none is started any more: each died too often."""
        return not self.generators and all(due_ms >= NEVER_MS for due_ms in self._due_ms.values())

    @property
    def pids(self) -> list[int]:
        """The children's process ids."""
        return [g.child.pid for g in list(self.generators.values())]  # the heartbeat's thread asks too

    @property
    def users(self) -> dict[str, int]:
        """Users running now, by class."""
        total: dict[str, int] = {}
        for generator in list(self.generators.values()):  # the heartbeat's thread asks too
            for name, count in generator.users.items():
                total[name] = total.get(name, 0) + count
        return total

    @property
    def silence(self) -> str:
        """What a generator that says nothing was found to do; "" when all speak."""
        silent = (g for g in list(self.generators.values()) if g.found)  # the heartbeat's thread asks too
        return next((f"generator {g.number} {g.found}" for g in silent), "")

    @property
    def behind_ms(self) -> int:
        """How late the children act on what is due, at worst."""
        return max((max(g.behind_ms) for g in list(self.generators.values())), default=0)

    @property
    def reached_ms(self) -> int | None:
        """Redis time up to which every child that runs users has reported; None when there is none."""
        return min((g.reached_ms for g in self.generators.values() if g.loaded and not g.finished), default=None)

    def states(self, now_ms: int) -> tuple[GeneratorState, ...]:
        """How the children are."""
        generators = dict(self.generators)  # the heartbeat's thread asks too
        here = [g.state(now_ms) for g in generators.values()]
        missing = [GeneratorState(n, 0, "gone", 0) for n in range(self._size) if n not in generators]
        return tuple(sorted([*here, *missing], key=lambda g: g.number))

    def start_missing(self, now_ms: int, redis_ms: int, offset_us: int) -> None:
        """Start the children that are missing and due."""
        for number in range(self._size):
            if number in self.generators or now_ms < self._due_ms[number] or self.finishing:
                continue
            child = self._open_child()
            index, client = self._load.index + number, f"{self._load.client}_{number}"
            load = replace(self._load, number=number, index=index, client=client)
            child.send(pack_message(SetClock(offset_us)) + pack_message(load))
            self.generators[number] = Generator(number, child, now_ms, reached_ms=redis_ms, heard_ms=now_ms)

    def _open_child(self) -> Child:
        return Child(python_argv("tidal.generator"), self._log_path, cwd=self._load.root)

    def turn(self, now_ms: int) -> list[Event | Died | Silent | Asked]:
        """What the children said since the last turn, and who died; `now_ms` is monotonic."""
        news: list[Event | Died | Silent | Asked] = []
        for generator in list(self.generators.values()):
            generator.child.flush()
            news += self._listen(generator, now_ms)
            if generator.child.ended or generator.child.poll() is not None:
                news += self._listen(generator, now_ms)
                news.append(self._bury(generator, now_ms))
            elif generator.loaded and not generator.finished:
                news += self._find(generator, now_ms)
        return news

    def _find(self, generator: Generator, now_ms: int) -> list[Silent]:
        """Where a generator is, once in each of its silences."""
        if generator.found or now_ms - generator.heard_ms < SILENT_MS:
            return []
        if generator.question is None:
            if any(g.question and not g.found for g in self.generators.values()):
                return []  # one at a time: a stack does not say whose it is
            generator.question = Question(generator.child.pid, self._root, self._log_path, now_ms)
        generator.found = generator.question.answer(now_ms) or ""
        return [Silent(generator.number, now_ms - generator.heard_ms, generator.found)] if generator.found else []

    def _listen(self, generator: Generator, now_ms: int) -> list[Event | Asked]:
        heard: list[Event] = []
        while data := generator.child.receive():
            try:
                heard += generator.reader.feed(data)
            except BadEntry:
                generator.ended_by_us = "its code wrote to a descriptor of tidal's"
                generator.child.kill()
                break
        for message in heard:
            self._note(generator, message, now_ms)
        news: list[Event | Asked] = []
        for message in heard:
            if isinstance(message, Batch | NotLoaded | Loaded):
                news.append(message)
            elif isinstance(message, Said):
                news.append(numbered(message, generator.number))
            elif isinstance(message, WantBlock | WantTickets):
                news.append(Asked(generator.number, message))
            elif isinstance(message, Leave):
                news.append(StopWanted(generator.number, message.why[:TEXT_MAX]))
            elif isinstance(message, Message) and len(message.data) <= MESSAGE_BYTES_MAX:
                client = f"{self._load.client}_{generator.number}"
                news.append(MessageReceived(generator.number, client, message.type[:TEXT_MAX], message.data))
        return news

    def _note(self, generator: Generator, message: Event, now_ms: int) -> None:
        generator.heard_ms, generator.question, generator.found = now_ms, None, ""
        if isinstance(message, Loaded):
            generator.loaded = True
        elif isinstance(message, Batch):
            generator.users, generator.lag_ms, generator.reached_ms = message.users, message.lag_ms, message.to_ms
            generator.behind_ms = (min(max(0, message.behind_ms), BEHIND_MAX_MS), generator.behind_ms[0])
            generator.in_flight += message.iterations[0] - sum(message.iterations[1:])
        elif isinstance(message, Finished):
            generator.finished, generator.users = True, {}
            if message.exit_code is not None:
                self.exit_code = max(self.exit_code or 0, message.exit_code)

    def _bury(self, generator: Generator, now_ms: int) -> Died:
        if generator.child.wait(BURIED_S) is None and not generator.ended_by_us:
            generator.ended_by_us = CLOSED_OURS
        code = generator.child.stop(0)
        del self.generators[generator.number]
        wait_s = self._backoffs[generator.number].after((now_ms - generator.born_ms) / 1000)
        self._due_ms[generator.number] = now_ms + (round(wait_s * 1000) if wait_s is not None else NEVER_MS)
        why = generator.ended_by_us or why_it_died(code, self._root, self._log_path)
        users, in_flight = sum(generator.users.values()), max(0, generator.in_flight)
        reached_ms, loaded = generator.reached_ms, generator.loaded
        return Died(generator.number, generator.child.pid, reached_ms, why, users, loaded, in_flight)

    # ------------------------------------------------------------------ orders

    def tell_clock(self, offset_us: int) -> None:
        """Give the children the time, which is also the sign that their agent lives."""
        self._tell(pack_message(SetClock(offset_us)))

    def tell_finish(self, stop_timeout_ms: int) -> None:
        """Have all users stopped, those in a task within the timeout."""
        if not self.finishing:
            self.finishing = True
            self._tell(pack_message(Finish(stop_timeout_ms)))

    def tell_message(self, type_: str, data: bytes, to: str) -> None:
        """Hand a custom message to the child with this client id, or to all ("")."""
        for generator in self.generators.values():
            if to in ("", f"{self._load.client}_{generator.number}"):
                generator.child.send(pack_message(Message(type_, data)))

    def give(self, orders: Iterable[tuple[int, TakeBlock | TakeTickets]]) -> None:
        """Hand positions of counters, and tickets, to the children that they are for."""
        for number, order in orders:
            if number in self.generators:
                self.generators[number].child.send(pack_message(order))

    def _tell(self, data: bytes) -> None:
        for generator in self.generators.values():
            generator.child.send(data)

    def tell_share(
        self, plan: PlanSet, incarnations: Iterable[str], mix: tuple[ClassSpec, ...], began_ms: int, plan_ms: int
    ) -> None:
        """Split what these incarnations own under a plan over the loaded children; siblings keep what they have."""
        owned = Ownership(plan.owners, plan.table)
        slots = sorted(slot for incarnation in incarnations for slot in owned.slots_of(incarnation))
        weights = {g.number: 1 for g in self.generators.values() if g.loaded and not g.finished}
        self._last_split = split = share_out(slots, self._last_split, weights)
        told = plan.number, self._told_number
        self._told_number = max(told)
        from_ms = _holds_from_ms(plan, plan_ms, is_new=told[0] > told[1])
        share = self._share_of(plan, mix, began_ms, from_ms)
        for number in weights:
            slots = [s for s, n in split.items() if n == number]
            most = in_flight_of(self._load.options.max_in_flight, slots, share.slots)
            order = replace(share, mine=bitmap(slots, share.slots), max_in_flight=most)
            self.generators[number].child.send(pack_message(order))

    def _share_of(self, plan: PlanSet, mix: tuple[ClassSpec, ...], began_ms: int, from_ms: int) -> SetShare:
        """What a plan says to every child, nobody's slots yet."""
        options = self._load.options
        return SetShare(
            plan.number,
            from_ms,
            began_ms,
            plan.tracks,
            plan.end_ms,
            len(plan.table) // 2,
            b"",
            mix,
            plan.stages,
            options.spacing,
            options.seed,
            fresh_users=options.fresh_users,
        )

    def tidy(self) -> bool:
        """Have what the children print not fill the disk; True when something of it was removed."""
        return keep_small(self._log_path)

    def stop(self) -> None:
        """End all children at once."""
        for generator in self.generators.values():
            generator.child.close_stdin()
        for generator in self.generators.values():
            generator.child.stop(1.0)
        self.generators.clear()


def _holds_from_ms(plan: PlanSet, plan_ms: int, *, is_new: bool) -> int:
    """From when a plan holds for the children.

    Users go by it at once. Arrivals have a moment each, so every one of them is begun by who has it then: by a new plan
    from its own moment on, also when that has passed; when siblings have changed, from a moment on that all know of.
    """
    if not any(track.unit == ARRIVALS for track in plan.tracks):
        return max(plan.from_ms, plan_ms)
    return max(plan.from_ms, plan_ms - HEARD_LATE_MS if is_new else plan_ms + ARRIVALS_LEAD_MS)
