"""Lines of logging: so many get through, the rest is counted; the state keeps the newest of each, within bounds."""

from __future__ import annotations

import pytest
from draws import LINE
from histories import T0, at, by, folded, keyframed, life, opened, report, running
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model import events as ev
from tidal.model.codec import LOG, REPORTS, BadEntry, EntryId, PipeReader, decode, encode, entry_of, pack_message
from tidal.model.fold import fold
from tidal.model.frame import frame
from tidal.model.gather import Gathering, fits, fitting, merge_reports
from tidal.model.loglines import (
    A_SECOND,
    BURST,
    FEW_CHARS,
    FEW_LINES,
    LINE_CHARS,
    MARK_MS,
    ROOM_CHARS,
    Intake,
    Lines,
    few,
    level_word,
    log_line,
)
from tidal.model.pipe import Said
from tidal.model.samples import LINE_TEXT_MAX
from tidal.model.struct import replace
from tidal.model.wire import from_wire, to_wire

NOW_MS = T0 + 60_000


def line(n: int = 0, text: str = "", **more: object) -> ev.LogLine:
    """A warning, n ms after T0."""
    return replace(ev.LogLine(T0 + n, "warning", "shop", text or f"line {n}"), **more)  # type: ignore[arg-type]


def said(intake: Intake, now_ms: int, count: int) -> int:
    """Say so many at once; returns how many there was room for."""
    through = 0
    for n in range(count):
        if intake.has_room(now_ms):
            intake.put(line(n))
            through += 1
    return through


# ------------------------------------------------------------------ where they are said


def test_a_process_says_some_at_once_and_then_a_few_a_second() -> None:
    """Room comes back with time, never beyond the burst."""
    intake = Intake()
    assert said(intake, 1_000, BURST + 30) == BURST
    intake.take(1_000, T0)
    assert said(intake, 3_000, 100) == 2 * A_SECOND
    intake.take(3_000, T0)
    assert said(intake, 10_000_000, 1_000) == BURST


def test_what_is_left_out_is_counted_in_a_line_now_and_then() -> None:
    """At once, while it goes on every few seconds, and the rest at the end: no line is lost uncounted."""
    intake = Intake()
    through = said(intake, 1_000, BURST + 30)
    lines = list(intake.take(1_000, T0))
    assert (len(lines), lines[-1].left_out) == (BURST + 1, 30)
    through += said(intake, 1_001, 7)
    assert [one for one in intake.take(1_250, T0) if one.left_out] == []
    through += said(intake, 1_000 + MARK_MS, 100)
    lines += intake.take(1_000 + MARK_MS, T0)
    through += said(intake, 1_001 + MARK_MS, 9)
    lines += intake.take(1_001 + MARK_MS, T0, is_last=True)
    assert sum(one.left_out for one in lines) + through == BURST + 30 + 7 + 100 + 9


def test_without_anybody_who_takes_lines_they_are_bounded() -> None:
    """An agent without a run says no more than its burst."""
    intake = Intake()
    assert sum(said(intake, now_ms, 10) for now_ms in range(0, 10_000_000, 60_000)) == BURST


def test_lines_get_redis_time_when_they_are_taken() -> None:
    """By how long ago they were said; nothing is of a moment to come."""
    intake = Intake()
    intake.put(ev.LogLine(4_000, "info", "a", "before"))
    intake.put(ev.LogLine(9_000, "info", "a", "from the future"))
    assert [one.at_ms for one in intake.take(5_000, T0)] == [T0 - 1_000, T0]


def test_a_line_is_cut_and_says_no_secret() -> None:
    """By the rules that hold for failed requests; what no bytes can carry is replaced."""
    made = log_line(5, "error", "x" * 500, "password=hunter2 \ud800" + "y" * 5_000)
    assert "hunter2" not in made.text
    assert len(made.text) == LINE_TEXT_MAX
    made.text.encode()


@pytest.mark.parametrize(
    ("number", "word"),
    [(-5, "debug"), (0, "debug"), (10, "debug"), (25, "info"), (30, "warning"), (40, "error"), (999, "critical")],
)
def test_every_level_has_a_word(number: int, word: str) -> None:
    """Python's levels are any numbers."""
    assert level_word(number) == word


# ------------------------------------------------------------------ on their way


@pytest.mark.parametrize(
    "nonsense",
    [{"at_ms": -1}, {"at_ms": 1 << 46}, {"level": "loud"}, {"number": -2}, {"number": 1 << 20}, {"left_out": -1},
     {"text": "x" * 8_001}, {"logger": "x" * 2_001}],
)  # fmt: skip
def test_a_line_of_nonsense_is_none(nonsense: dict[str, object]) -> None:
    """Neither as it is built, nor as it is read."""
    with pytest.raises(ValueError, match="line"):
        line(**nonsense)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="line"):
        from_wire(ev.LogLine, to_wire(line()) | nonsense)


def test_what_a_child_says_is_checked() -> None:
    """A pipe is no more to be believed than Redis."""
    good = pack_message(Said((line(),), 5))
    assert PipeReader().feed(good) == [Said((line(),), 5)]
    with pytest.raises(BadEntry):
        PipeReader().feed(good.replace(b"warning", b"shouted"))


@settings(max_examples=80, deadline=None)
@given(st.lists(LINE, max_size=300))
def test_few_lines_stand_for_all(lines: list[ev.LogLine]) -> None:
    """Bounded, and every line that is not there is counted."""
    kept = few(lines)
    assert len(kept) <= FEW_LINES + 1
    assert sum(one.left_out or 1 for one in kept) == sum(one.left_out or 1 for one in lines)


def test_long_lines_are_fewer() -> None:
    """Their characters are bounded, too."""
    kept = few(line(n, "x" * 2_000) for n in range(50))
    assert sum(one.size for one in kept) <= FEW_CHARS
    assert kept[-1].left_out == 50 - len(kept) + 1


def test_lines_travel_with_a_report_of_nothing_else() -> None:
    """A file that complains while it is imported is heard before anything was measured."""
    gathering = Gathering(T0)
    gathering.hear([line(1)])
    assert not gathering.is_empty
    assert gathering.report(T0 + 1_000, {}, (), 0, 0).lines == (line(1),)
    assert gathering.is_empty
    assert gathering.report(T0 + 2_000, {}, (), 0, 0).lines == ()


def test_merged_reports_keep_lines_and_parts_of_one_share_them() -> None:
    """What is merged while Redis is away is bounded; what is cut for its size says each line once."""
    one, other = (report(lines=tuple(line(n) for n in range(b, b + 80)), to_ms=b + 1_000) for b in (0, 80))
    merged = merge_reports(one, other)
    assert merged.lines == few([*one.lines, *other.lines])
    wide = tuple(line(n, "ä" * 2_000) for n in range(100))
    parts = fitting(report(lines=wide))
    assert len(parts) > 1
    assert all(fits(part) for part in parts)
    assert [each for part in parts for each in part.lines] == list(wide)


# ------------------------------------------------------------------ in the state


def test_lines_of_all_sides_are_in_the_picture_in_order() -> None:
    """The master's and its hook host's, an agent's and its generator's; a keyframe keeps them."""
    state = folded(
        *running("w1"),
        at(9_000, ev.Logged((line(4, "from the master"), line(1, "from the hook host", number=0)))),
        by("w1", 1, report(lines=(line(3, "from the agent"), line(2, "from a generator", number=1)))),
    )
    rows = frame(state, NOW_MS).logs
    assert [(row.who, row.worker, row.text) for row in rows] == [
        ("hooks", "", "from the hook host"),
        ("w1/1", "w1", "from a generator"),
        ("w1", "w1", "from the agent"),
        ("master", "", "from the master"),
    ]
    assert [row.offset_ms for row in rows] == [1, 2, 3, 4]
    assert frame(keyframed(state), NOW_MS).logs == rows


def test_a_report_that_is_repeated_says_its_lines_once() -> None:
    """As everything in it."""
    once = by("w1", 1, report(lines=(line(1),)))
    assert len(frame(folded(*running("w1"), once, once), NOW_MS).logs) == 1


def test_a_line_from_the_future_is_of_the_moment_of_its_sending() -> None:
    """A clock that is wrong hides nothing at the end of a list."""
    state = folded(*running("w1"), by("w1", 1, report(lines=(line(50_000_000),))))
    assert [row.at_ms for row in frame(state, NOW_MS).logs] == [T0 + 1_000]


def test_who_says_most_makes_room() -> None:
    """The oldest lines of the noisiest go, a quiet worker keeps its own; what went is counted."""
    state = folded(opened())
    fold(state, by("w2", 1, report(lines=(line(0, "the one word of w2"),))))
    for seq in range(1, 30):
        fold(state, by("w1", seq, report(lines=tuple(line(n) for n in range(FEW_LINES)))))
    lines = state.reports.lines
    assert lines.chars == sum(each.size + LINE_CHARS for _, each in lines.kept) <= ROOM_CHARS
    assert (life("w2"), line(0, "the one word of w2")) in lines.kept
    assert len(lines.kept) + lines.dropped == 1 + 29 * FEW_LINES
    assert frame(state, NOW_MS).logs_dropped == lines.dropped > 0


def test_what_was_left_out_is_told() -> None:
    """In a line where it happened, and in all."""
    state = folded(*running("w1"), by("w1", 1, report(lines=(line(1), line(2, left_out=37)))))
    picture = frame(state, NOW_MS)
    assert picture.logs_left_out == 37
    assert picture.logs[-1].text.startswith("37 lines left out")


def test_a_hostile_report_is_bounded() -> None:
    """Whoever may write reports may not fill the state."""
    state = folded(opened())
    fold(state, by("w1", 1, report(lines=tuple(line(0) for _ in range(9_000)))))
    assert len(state.reports.lines.kept) == FEW_LINES + 1
    assert state.reports.lines.left_out == 9_000 - FEW_LINES


def test_hostile_counts_of_lines_left_out_do_not_end_the_fold() -> None:
    """Each is as large as may be, and those beyond the hundredth are added up."""
    most = 2**48 - 1
    lines = tuple(line(0, left_out=most) for _ in range(FEW_LINES + 2))
    state = folded(*running("w1"), ev.Logged(lines))
    fold(state, by("w1", 1, report(lines=lines)))
    assert all(row.left_out <= most for row in few(lines))
    assert frame(state, NOW_MS).logs


@pytest.mark.parametrize("at_ms", [-1, -(10**9), 1 << 46])
def test_a_workers_envelope_of_no_moment_is_refused(at_ms: int) -> None:
    """Its lines and its seconds are set right by that moment."""
    with pytest.raises(ValueError, match="envelope is of"):
        replace(by("w1", 1, report()), at_ms=at_ms)


def test_hostile_text_is_clean_in_the_picture() -> None:
    """Escape sequences and the like; a traceback keeps its lines."""
    state = folded(
        *running("w1"), by("w1", 1, report(lines=(line(1, "a\x1b[31m\nb\u202e" + "c" * 900, logger="x\x07"),)))
    )
    (row,) = frame(state, NOW_MS).logs
    assert row.logger == "x"
    assert row.text.split("\n")[0] == "a"
    assert row.text.split("\n")[1].startswith("bccc")
    assert len(row.text) < 600


def test_lines_survive_the_codec() -> None:
    """Both kinds of entries."""
    for signed in (at(5, ev.Logged((line(1), line(2, number=0))), n=1), by("w1", 1, report(lines=(line(3),)))):
        fields = encode(signed)
        stream = LOG if isinstance(signed, ev.ByMaster) else REPORTS
        assert decode(entry_of(stream, EntryId(1, 1), fields)) == signed


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(LINE, max_size=20)), max_size=20))
def test_the_room_is_never_exceeded(told: list[tuple[str, list[ev.LogLine]]]) -> None:
    """Whoever says what."""
    lines = Lines()
    for who, some in told:
        lines.add(who, some, NOW_MS)
    assert lines.chars == sum(each.size + LINE_CHARS for _, each in lines.kept) <= ROOM_CHARS
