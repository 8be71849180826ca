"""Tickets: each is the right to begin one iteration, so that a run has exactly as many as it was told to. PURE.

    generator ─WantTickets─▶ agent ─TicketsWanted─▶ master: issue ─TicketsLent─▶ agent ─TakeTickets─▶ generator

There is one book for the whole run (`--iterations`), under the key ("", 0), or one for each user
(`--iterations-per-user`), under its class and number. Everything that is said is a total of one life (of a generator,
of an incarnation) that only rises: how many it wants to have been lent, has given back unused, knows to have ended,
knows to be lost. So a repeat or an older word does no harm, and what follows is a matter of sums:

    lent - returned = done + lost + still out        of every incarnation and key

What is still out where an incarnation has ended is *unknown*: begun or not, nobody can say. It is not lent again,
unless the run was told to redo what is unknown: then the goal grows by as many. A user that moves begins where its book
stands. A run ends when nothing can be lent any more and nothing is out.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from tidal.model import phases
from tidal.model.events import TicketsLent
from tidal.model.plan import Mix
from tidal.model.plantext import USERS
from tidal.model.struct import Struct
from tidal.model.words import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidal.model.events import TicketsWanted
    from tidal.model.state import IncarnationRecord, LogHalf, State

Key = tuple[str, int]
"""A user, by class and number; ("", 0) is the whole run."""
RUN: Key = ("", 0)
KEYS_MAX = 100_000
"""Users with a book of their own; a run of more is refused before it begins."""
ITERATIONS_MAX = 1_000_000_000
ROWS_MAX = 5_000
"""Rows of one entry."""
_NOTHING = (0, 0, 0, 0)


def is_limited(log: LogHalf) -> bool:
    """Whether iterations need tickets in this run."""
    return bool(log.options.iterations or log.options.iterations_per_user)


def fold_lent(log: LogHalf, event: TicketsLent, _: int) -> None:
    """Tickets are an incarnation's, or free again."""
    rows = log.tickets.setdefault(event.incarnation, {})
    for name, n, lent, returned in event.rows:
        before = rows.get((name, n), (0, 0))
        if (name, n) in rows or len(rows) < KEYS_MAX:
            rows[name, n] = (max(before[0], lent), max(before[1], returned))


def fold_wanted(record: IncarnationRecord, event: TicketsWanted) -> None:
    """What an incarnation wants, and what became of what it had."""
    for name, n, *totals in event.rows:
        before = record.tickets.get((name, n), _NOTHING)
        if (name, n) in record.tickets or len(record.tickets) < KEYS_MAX:
            upto, returned, done, lost = map(max, before, totals)
            record.tickets[name, n] = (upto, returned, done, lost)


# ------------------------------------------------------------------ the books


class Book(Struct):
    """Of one key, over all incarnations."""

    lent: int = 0  # and not given back
    done: int = 0
    unknown: int = 0
    out: int = 0  # with those who live

    def goal(self, wanted: int, *, redo: bool) -> int:
        """How many may be lent in all."""
        return wanted + (self.unknown if redo else 0)


def books_of(state: State) -> dict[Key, Book]:
    """The book of every key that anybody ever had."""
    books: dict[Key, Book] = {}
    for incarnation, lent_rows in state.log.tickets.items():
        record = state.reports.incarnations.get(incarnation)
        told = record.tickets if record is not None else {}
        is_gone = incarnation in state.log.ended
        for key, (lent, returned) in lent_rows.items():
            book = books.setdefault(key, Book())
            _, _, done, lost = told.get(key, _NOTHING)
            out = max(0, lent - returned - done - lost)
            book.lent += max(0, lent - returned)
            book.done += done
            book.unknown += lost + (out if is_gone else 0)
            book.out += 0 if is_gone else out
    return books


class Sums(Struct, frozen=True):
    """Of the whole run: wanted + redone = completed + unknown + open."""

    wanted: int = 0
    redone: int = 0
    completed: int = 0
    unknown: int = 0
    open: int = 0  # not begun, or not known to have ended
    is_done: bool = False  # nothing can be lent any more, and nothing is out


def sums(state: State) -> Sums:
    """Where the run stands; zeros when iterations are not counted."""
    log = state.log
    if not is_limited(log) or not log.plans:
        return Sums()
    each, redo = _each(log), log.options.redo_unknown
    books = books_of(state)
    keys = 1 if log.options.iterations else max(len(books), users(log))
    completed, unknown = sum(b.done for b in books.values()), sum(b.unknown for b in books.values())
    redone = unknown if redo else 0
    short = keys - sum(book.lent >= book.goal(each, redo=redo) for book in books.values())
    is_done = short <= state.reports.ended[2] and not any(book.out for book in books.values())
    still_open = max(0, each * keys + redone - completed - unknown)
    return Sums(each * keys, redone, completed, unknown, still_open, is_done)


def _each(log: LogHalf) -> int:
    """How many iterations a key has."""
    return log.options.iterations or log.options.iterations_per_user


def why_done(state: State) -> str:
    """Why there is nothing more to do; "" while there is."""
    now = sums(state) if is_limited(state.log) else Sums()
    if not now.is_done:
        return ""
    unknown = f", {number(now.unknown)} of them unknown" if now.unknown and not now.redone else ""
    done = "the one iteration is" if now.wanted == 1 else f"all {number(now.wanted)} iterations are"
    return f"{done} done{unknown}" if not now.open else "nobody is left to go on"


def ticket_cells(state: State) -> dict[str, int]:
    """Of the ledger's row."""
    now = sums(state)
    return {
        "tickets_wanted": now.wanted,
        "tickets_redone": now.redone,
        "tickets_done": now.completed,
        "tickets_unknown": now.unknown,
        "tickets_open": now.open,
    }


def users(log: LogHalf) -> int:
    """How many users the plan ever has."""
    if log.plan is None:
        return 0
    own = {t.name for t in log.plan.tracks if t.name}
    limit = Mix(c for c in log.classes if c.name not in own).limit
    total = 0
    for track in log.plan.tracks:
        if track.unit == USERS:
            most = max((ceil(value) for _, value in track.points), default=0)
            total += most if track.name or limit is None else min(most, limit)
    return total


# ------------------------------------------------------------------ decide


def issue(state: State) -> list[TicketsLent]:
    """Answers to those who want tickets, as far as there are any; what was given back is free first."""
    log = state.log
    if not is_limited(log) or log.phase != phases.RUNNING:
        return []
    pending = list(_pending(state))
    books = books_of(state) if pending else {}
    for want in pending:
        books.setdefault(want.key, Book()).lent -= want.returned - want.kept
    rows: dict[str, list[tuple[str, int, int, int]]] = {}
    for want in pending:
        grant = 0 if want.incarnation in log.ended else _grant(log, books[want.key], want)
        if grant or want.returned > want.kept:
            books[want.key].lent += grant
            rows.setdefault(want.incarnation, []).append((*want.key, want.lent + grant, want.returned))
    return [
        TicketsLent(incarnation, tuple(told[i : i + ROWS_MAX]))
        for incarnation, told in rows.items()
        for i in range(0, len(told), ROWS_MAX)
    ]


def _grant(log: LogHalf, book: Book, want: Want) -> int:
    """How many a wish gets: the fewer are left of the run's, the less, so that nobody hoards them."""
    free = book.goal(_each(log), redo=log.options.redo_unknown) - book.lent
    if log.options.iterations and log.plan is not None:
        sharing = sum(owner not in log.ended for owner in log.plan.owners)
        free = -(-free // (2 * sharing)) if sharing > 1 else free
    return max(0, min(want.upto - want.lent, free))


class Want(Struct, frozen=True):
    """What an incarnation wants of a key, and what the log has given it and taken back."""

    incarnation: str
    key: Key
    lent: int
    kept: int  # given back, by the log
    upto: int
    returned: int  # given back, by itself


def _pending(state: State) -> Iterator[Want]:
    """The wishes that are not answered."""
    log = state.log
    for incarnation, record in sorted(state.reports.incarnations.items()):
        if incarnation not in log.incarnations or log.ended.get(incarnation, "left") != "left":
            continue  # what a lost one gives back may have been lent anew as unknown
        lent_rows = log.tickets.get(incarnation, {})
        for key, (upto, back, _, _) in sorted(record.tickets.items()):
            lent, kept = lent_rows.get(key, (0, 0))
            returned = min(back, lent)
            if upto > lent or returned > kept:
                yield Want(incarnation, key, lent, kept, upto, max(kept, returned))
