"""Intents wait for their answer: given what operators sent and what the log says, these are still to be answered."""

from __future__ import annotations

from tidal.model import events as ev
from tidal.model.codec import INTENTS, EntryId, encode, entry_of
from tidal.model.inbox import LOOK_BACK_MS, PENDING_MAX, Inbox
from tidal.model.state import LogHalf


def intent(number: int, ident: str | None = None) -> tuple[EntryId, dict[bytes, bytes]]:
    """The entry of an operator who wants so many users."""
    signed = ev.ByOperator(ident or f"i{number}", "ann", number, ev.WantTarget(number))
    return EntryId(number, 0), encode(signed)


def test_what_is_answered_waits_no_longer() -> None:
    """By the log alone: another master may have answered it."""
    inbox, log = Inbox(), LogHalf()
    for number in (1, 2, 3):
        inbox.take(entry_of(INTENTS, *intent(number)), log)
    assert [signed.id for signed in inbox.pending(log)] == ["i1", "i2", "i3"]
    log.intents["i2"] = True
    assert [signed.id for signed in inbox.pending(log)] == ["i1", "i3"]
    inbox.take(entry_of(INTENTS, *intent(4, "i2")), log)
    assert [signed.id for signed in inbox.pending(log)] == ["i1", "i3"]


def test_nonsense_and_floods_are_dropped_and_read_past() -> None:
    """No more wait than are kept; the place moves on over each."""
    inbox, log = Inbox(), LogHalf()
    for number in range(PENDING_MAX + 5):
        inbox.take(entry_of(INTENTS, *intent(number)), log)
    inbox.take(entry_of(INTENTS, EntryId(999, 0), {b"k": b"it", b"d": b"\xc1"}), log)
    assert len(inbox.pending(log)) == PENDING_MAX
    assert inbox.at == EntryId(999, 0)


def test_a_successor_looks_back_from_the_last_answer() -> None:
    """A minute, and never before the beginning."""
    inbox = Inbox()
    inbox.begin_after(LOOK_BACK_MS + 5)
    assert inbox.at == EntryId(5, 0)
    inbox.begin_after(5)
    assert inbox.at == EntryId(0, 0)
