from __future__ import annotations

import zlib
from contextlib import suppress

import pytest
from draws import COUNT, TEXT, built
from histories import T0, block, by, opened, reported, running
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model import pipe
from tidal.model.codec import (
    COMPRESS_ABOVE,
    ENTRY_BYTES_MAX,
    INTENTS,
    LOG,
    REPORTS,
    ZERO_ID,
    BadEntry,
    Entry,
    EntryId,
    EntryTooNew,
    PipeReader,
    Signed,
    decode,
    encode,
    entry_of,
    inflate,
    pack,
    pack_message,
    unpack,
)
from tidal.model.fold import fold_entry
from tidal.model.state import State
from tidal.model.struct import replace

STREAMS = st.sampled_from([LOG, REPORTS, INTENTS])
KINDS = sorted(e.KIND for e in (*ev.MASTER_EVENTS, *ev.WORKER_EVENTS, *ev.OPERATOR_EVENTS))
WIRE_INTEGER = st.integers(-(1 << 63), (1 << 64) - 1)
PLAIN = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(1 << 63), (1 << 64) - 1), st.floats(), TEXT, st.binary(max_size=9)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)
SIGNED: dict[str, st.SearchStrategy[Signed]] = {
    LOG: st.builds(ev.ByMaster, COUNT, COUNT, COUNT, st.one_of(*map(built, ev.MASTER_EVENTS))),
    REPORTS: st.builds(
        lambda who, first, more, at_ms, event: ev.ByWorker(who, first, first + more, at_ms, event),
        TEXT.filter(bool),
        st.integers(1, 1 << 40),
        st.integers(0, 9),
        COUNT,
        st.one_of(*map(built, ev.WORKER_EVENTS)),
    ),
    INTENTS: st.builds(ev.ByOperator, TEXT, TEXT, COUNT, st.one_of(*map(built, ev.OPERATOR_EVENTS))),
}
ANY = st.one_of(*[st.tuples(st.just(stream), signed) for stream, signed in SIGNED.items()])


def _entry(stream: str, signed: Signed) -> Entry:
    return entry_of(stream, EntryId(T0, 0), encode(signed))


def _survives(entry: Entry) -> None:
    """Decoding gives an event, None or BadEntry; folding it never raises, and the state can still be kept."""
    with suppress(BadEntry):
        decode(entry)
    if entry.stream != INTENTS:
        state = State()
        fold_entry(state, entry)
        assert State.from_wire(unpack(state.packed())).packed() == state.packed()


# ------------------------------------------------------------------ round trips


@settings(max_examples=150, deadline=None)
@given(ANY)
def test_every_event_survives_the_codec(told: tuple[str, Signed]) -> None:
    """What is decoded equals what was encoded, and encodes to the same bytes."""
    stream, signed = told
    again = decode(_entry(stream, signed))
    assert again == signed
    assert again is not None
    assert encode(again) == encode(signed)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(*map(built, (*pipe.ORDERS, *pipe.ANSWERS))), max_size=4), st.data())
def test_messages_survive_a_pipe_however_it_cuts_them(messages: list[ev.Event], data: st.DataObject) -> None:
    """The bytes come in pieces of any size; the messages come out whole and in order."""
    stream, reader, heard = b"".join(map(pack_message, messages)), PipeReader(), []
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        heard += reader.feed(stream[begin:end])
    assert heard == messages


def test_small_entries_are_plain_and_large_ones_squeezed() -> None:
    """The flag byte says which."""
    small = encode(ev.ByMaster(1, 1, T0, ev.Noted("ann", "info", "x")))[b"d"]
    large = encode(ev.ByMaster(1, 1, T0, ev.Noted("ann", "info", "x" * 2 * COMPRESS_ABOVE)))[b"d"]
    assert (small[:1], large[:1], len(large) < COMPRESS_ABOVE) == (b"\x00", b"\x01", True)


def test_a_chunk_of_a_file_fits_an_entry() -> None:
    """Even of bytes that cannot be squeezed."""
    data = b"".join(zlib.crc32(bytes([i & 255, i >> 8])).to_bytes(4, "big") for i in range(ev.CHUNK_BYTES // 4))
    chunk = ev.FileChunk("0" * 64, 0, 1, data)
    decoded = decode(_entry(LOG, ev.ByMaster(1, 1, T0, chunk)))
    assert decoded is not None
    assert decoded.event == chunk


def test_a_field_of_a_later_version_is_ignored_and_a_missing_one_takes_its_default() -> None:
    """So that versions of one schema understand each other."""
    wire = [1, 1, T0, {"author": "ann", "level": "info", "text": "x", "colour": "red"}]
    assert decode(Entry(LOG, ZERO_ID, "nt", 1, b"\x00" + pack(wire))) == ev.ByMaster(
        1, 1, T0, ev.Noted("ann", "info", "x")
    )
    want = decode(Entry(INTENTS, ZERO_ID, "it", 1, b"\x00" + pack(["i1", "ann", T0, {"users": 3}])))
    assert want == ev.ByOperator("i1", "ann", T0, ev.WantTarget(3))


def test_text_that_is_no_unicode_does_not_stop_a_report() -> None:
    """A lone surrogate (a file name, a body read with surrogateescape) is written as its escape."""
    signed = ev.ByWorker("w1.1", 1, 1, T0, ev.LoadFailed("FileImportError", "no \udc80 here"))
    decoded = decode(_entry(REPORTS, signed))
    assert decoded is not None
    assert decoded.event == ev.LoadFailed("FileImportError", "no \\udc80 here")
    (message,) = PipeReader().feed(pack_message(pipe.NotLoaded("FileImportError", "\udc80")))
    assert message == pipe.NotLoaded("FileImportError", "\\udc80")


# ------------------------------------------------------------------ hostile bytes


@settings(max_examples=200, deadline=None)
@given(STREAMS, st.sampled_from([*KINDS, "", "zz"]), st.integers(-1, 2), st.binary(max_size=60))
def test_random_bytes_are_refused(stream: str, kind: str, version: int, data: bytes) -> None:
    """BadEntry and nothing else, and the fold goes on."""
    for flag in (b"", b"\x00", b"\x01"):
        _survives(Entry(stream, EntryId(5, 0), kind, version, flag + data))


@settings(max_examples=200, deadline=None)
@given(STREAMS, st.sampled_from(KINDS), PLAIN)
def test_values_of_the_wrong_shape_are_refused(stream: str, kind: str, wire: object) -> None:
    """Any msgpack value in the place of an envelope."""
    _survives(Entry(stream, EntryId(5, 0), kind, 1, b"\x00" + pack(wire)))


@settings(max_examples=150, deadline=None)
@given(ANY, st.data())
def test_an_entry_with_one_value_changed_is_believed_or_refused(told: tuple[str, Signed], data: st.DataObject) -> None:
    """Put anything in the place of any value of a good entry."""
    stream, signed = told
    entry = _entry(stream, signed)
    plain = entry.data[1:] if entry.data[:1] == b"\x00" else inflate(entry.data[1:], ENTRY_BYTES_MAX)
    wire = unpack(plain)
    place, holders = wire, []
    while isinstance(place, list | dict) and place:
        key = data.draw(st.sampled_from(sorted(place, key=str) if isinstance(place, dict) else range(len(place))))
        holders.append((place, key))
        place = place[key]
    holder, key = data.draw(st.sampled_from(holders))
    holder[key] = data.draw(PLAIN)
    _survives(replace(entry, data=b"\x00" + pack(wire)))


@settings(max_examples=150, deadline=None)
@given(ANY, st.integers(0, 1 << 16), st.integers(0, 255))
def test_an_entry_with_one_byte_changed_is_believed_or_refused(told: tuple[str, Signed], where: int, byte: int) -> None:
    """A torn or flipped entry stops nothing."""
    stream, signed = told
    entry = _entry(stream, signed)
    where %= len(entry.data)
    _survives(replace(entry, data=entry.data[:where] + bytes([byte]) + entry.data[where + 1 :]))
    _survives(replace(entry, data=entry.data[:where]))


def _nested(depth: int) -> bytes:
    return b"\x91" * depth + b"\xc0"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x02",
        b"\x00",
        b"\x00" + _nested(100_000),
        b"\x00" + b"\x81\x91\x01\x01",
        b"\x00" + b"\xdd\xff\xff\xff\xff",
        b"\x00" + b"\xdf\xff\xff\xff\xff",
        b"\x00" + b"\xc7\x01\x05\x00",
        b"\x00" * (ENTRY_BYTES_MAX + 1),
        b"\x01" + zlib.compress(b"\x00" * 200_000_000, 9),
        b"\x01" + zlib.compress(pack([1, 2, 3]))[:-2],
        b"\x01" + zlib.compress(_nested(200_000)),
        b"\x00" + pack({0: 1}),
        b"\x00" + pack("text"),
        b"\x00" + pack([]),
        b"\x00" + pack([1, 1]),
    ],
    ids=lambda data: f"{data[:6].hex()}-{len(data)}",
)
def test_bombs_and_torsos_are_refused(data: bytes) -> None:
    """Bombs, deep nesting, lying lengths, extension types, maps with lists as keys."""
    with pytest.raises(BadEntry):
        decode(Entry(LOG, EntryId(5, 0), "nt", 1, data))
    _survives(Entry(REPORTS, EntryId(5, 0), "rp", 1, data))


def _report_with(**changes: object) -> Entry:
    wire = unpack(_plain(encode(reported("w1", 1, requests=3, failures=1))[b"d"]))
    wire[-1].update(changes)
    return Entry(REPORTS, EntryId(5, 0), "rp", 1, b"\x00" + pack(wire))


def _plain(data: bytes) -> bytes:
    return data[1:] if data[:1] == b"\x00" else inflate(data[1:], ENTRY_BYTES_MAX)


FAILURE = {"method": "GET", "name": "/", "error": "no", "occurrences": 1, "first_ms": 1, "last_ms": 2}


@pytest.mark.parametrize(
    "changes",
    [
        {"blocks": [[1, 1, [], {"Buyer": -1}]]},
        {"blocks": [[-1, 1, [], {}]]},
        {"blocks": [[1, 0, [], {}]]},
        {"blocks": [[1 << 40, 1, [], {}]]},
        {"blocks": [[1.5, 1, [], {}]]},
        {"blocks": [[1, 1, [["GET", "/", [1, 0, 0, 0, 5, 5, 5, 0, [2_800], b"\x01"]]], {}]]},
        {"blocks": [[1, 1, [["GET", "/", [1, 0, 0, 0, 1 << 63, 5, 5, 0, b"\x05", b"\x01"]]], {}]]},
        {"blocks": [[1, 1, [], {"Buyer": 1 << 62}]]},
        {"blocks": [[1, 1, [["GET", 7, []]], {}]]},
        {"failures": [FAILURE | {"occurrences": -1}]},
        {"failures": [FAILURE | {"occurrences": 1 << 62}]},
        {"failures": [FAILURE | {"first_ms": -1}]},
        {"exceptions": [{"message": "", "traceback": "", "occurrences": -4}]},
        {"iterations": [1, -1, 0, 0]},
        {"iterations": [1, 1, 0]},
        {"iterations": [1 << 62, 0, 0, 0]},
        {"arrivals": [0, 0, -1]},
        {"users": {"Buyer": -1}},
        {"users": {"Buyer": float("nan")}},
        {"users": {7: 1}},
        {"from_ms": -1},
        {"from_ms": 9, "to_ms": 8},
        {"to_ms": 1 << 62},
    ],
    ids=str,
)
def test_a_report_of_impossible_numbers_is_refused(changes: dict[str, object]) -> None:
    """Negative, not whole, out of range or beyond what adds up in 64 bits: refused where it is decoded."""
    with pytest.raises(BadEntry):
        decode(_report_with(**changes))
    assert decode(_report_with()) == reported("w1", 1, requests=3, failures=1)


@pytest.mark.parametrize(
    "head", [[-1, 1, T0], [1, -1, T0], [1, 1, -1], [1, 1, 1 << 62], [1, True, T0], [1, 1], ["1", 1, 1]]
)
def test_a_masters_envelope_of_impossible_numbers_is_refused(head: list[object]) -> None:
    """A moment beyond the year 4000 would have the fold plan for two thousand years."""
    with pytest.raises(BadEntry):
        decode(Entry(LOG, ZERO_ID, "nt", 1, b"\x00" + pack([*head, {"author": "", "level": "", "text": ""}])))


@pytest.mark.parametrize("head", [["", 1, 1, 1], ["a", 0, 0, 1], ["a", 2, 1, 1], ["a", 1, 1 << 63, 1], [7, 1, 1, 1]])
def test_a_report_without_a_usable_identity_is_refused(head: list[object]) -> None:
    """No incarnation, no range, a range that runs backwards or beyond 63 bits."""
    with pytest.raises(BadEntry):
        decode(Entry(REPORTS, ZERO_ID, "wf", 1, b"\x00" + pack([*head, {"why": ""}])))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    """They pass msgpack and would spoil every sum."""
    wire = [1, 1, T0, {"users": 1, "spawn_rate": number, "author": "ann"}]
    with pytest.raises(BadEntry, match="finite"):
        decode(Entry(LOG, ZERO_ID, "ts", 1, b"\x00" + pack(wire)))


def test_many_reports_of_greatest_numbers_leave_a_state_that_can_be_kept() -> None:
    """No worker can make sums that no keyframe holds."""
    made = block()
    tally = made.tallies["GET", "/"]
    tally.total_us = tally.max_us = tally.bytes = tally.cancelled = (1 << 48) - 1
    made.user_ms["Buyer"] = (1 << 48) - 1
    state = State()
    for seq in range(1, 200):
        event = ev.Reported(T0, T0 + 1, (made,), iterations=((1 << 48) - 1,) * 4)
        fold_entry(state, _entry(REPORTS, by("w1", seq, event)))
    assert state.reports.refused.count == 0
    assert State.from_wire(unpack(state.packed())) == state


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {b"k": b"nt", b"v": b"1"},
        {b"k": b"\xff", b"v": b"1", b"d": b""},
        {b"k": b"nt", b"v": b"one", b"d": b""},
        {b"k": b"nt", b"v": b"9" * 3_000, b"d": b""},
        {b"k": b"nt", b"v": b"-1", b"d": b""},
    ],
    ids=lambda fields: str(fields)[:40],
)
def test_what_is_not_an_entry_becomes_one_that_is_refused(fields: dict[bytes, bytes]) -> None:
    """So that it is archived and counted like any other, by live and replay alike."""
    entry = entry_of(LOG, EntryId(5, 0), fields)
    assert entry == Entry(LOG, EntryId(5, 0), "", ev.SCHEMA_VERSION, b"")
    with pytest.raises(BadEntry, match="not an entry"):
        decode(entry)


def test_kinds_belong_to_their_stream() -> None:
    """A worker that writes a master's event writes a kind that nobody knows there."""
    fields = encode(opened())
    assert decode(entry_of(REPORTS, ZERO_ID, fields)) is None
    assert decode(entry_of(LOG, ZERO_ID, fields)) is not None


def test_a_newer_schema_is_told_from_nonsense() -> None:
    """Its reader says: use a newer tidal."""
    with pytest.raises(EntryTooNew, match="version 2"):
        decode(Entry(LOG, ZERO_ID, "nt", 2, b""))


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=40), PLAIN.map(pack)))
def test_nonsense_on_a_pipe_is_refused(body: bytes) -> None:
    """User code sits behind one end: BadEntry and nothing else."""
    try:
        PipeReader().feed(len(body).to_bytes(4, "big") + body)
    except BadEntry:
        return
    pytest.fail("nonsense was taken for a message")


def test_a_message_that_claims_to_be_endless_is_refused() -> None:
    """Before a byte of it is kept."""
    with pytest.raises(BadEntry, match="on a pipe"):
        PipeReader().feed(b"\xff\xff\xff\xff")


# ------------------------------------------------------------------ ids


@given(st.lists(st.tuples(st.integers(0, 1 << 48), st.integers(0, 99))))
def test_ids_order_as_redis_orders_them(pairs: list[tuple[int, int]]) -> None:
    """By time, then by number; and they survive being written."""
    ids = [EntryId(*pair) for pair in pairs]
    assert [tuple(i) for i in sorted(ids)] == sorted(pairs)
    assert [EntryId.parse(str(i)) for i in ids] == ids
    assert [EntryId.parse(str(i).encode()) for i in ids] == ids


def test_a_history_needs_no_keyframe_to_be_read_twice() -> None:
    """Encoding is a function: the same event gives the same bytes."""
    events = running("w1", "w2")
    assert [encode(e) for e in events if isinstance(e, ev.ByMaster)] == [
        encode(e) for e in running("w1", "w2") if isinstance(e, ev.ByMaster)
    ]
