"""What is left when something is left out: the very figures of a run that measured only that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import BEGAN_MS, T0, Shop, entries, record

from tidal.archive import Archive, ArchiveWriter
from tidal.cli import cutting as words
from tidal.cli.parser import Parser, parser_of
from tidal.cutting import CutFeed, cut_out, pieces_of
from tidal.errors import UsageError
from tidal.model import events as ev
from tidal.model.codec import decode, encode, entry_of
from tidal.model.compare import compare
from tidal.model.cuts import Cut, Knife, cut_frame
from tidal.model.each import Spans
from tidal.model.fold import fold
from tidal.model.measured import Measured
from tidal.model.metrics import Metric, parts_of
from tidal.model.segments import TOTAL
from tidal.model.state import LogHalf, State
from tidal.model.stats import Spread, Tally
from tidal.model.struct import replace
from tidal.report import read, read_frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tidal.model.rows import Frame

SHOP = Shop(seconds=30)
BEGAN = T0 + BEGAN_MS


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute of a shop."""
    return record(tmp_path_factory.mktemp("cuts") / "shop.tidal", SHOP)


def framed(path: Path, cut: Cut) -> Frame:
    """The last picture of what a cut leaves."""
    with Archive.open(path) as archive:
        found = cut_out(archive, cut)
        return cut_frame(found.left, found.last_ms, cut)


def recomputed(keeps: Callable[[str, int, tuple[str, str]], bool]) -> dict[tuple[str, str], Tally]:
    """By hand: the tallies of what is kept by incarnation, second of the load and endpoint."""
    found: dict[tuple[str, str], Tally] = {}
    for entry in entries(SHOP):
        signed = decode(entry)
        if isinstance(signed, ev.ByWorker) and isinstance(signed.event, ev.Reported):
            for block in signed.event.blocks:
                for key, tally in block.tallies.items():
                    if keeps(signed.incarnation, block.second - BEGAN // 1000, key):
                        found.setdefault(key, Tally()).merge(tally)
    return found


CUTS: list[tuple[Cut, Callable[[str, int, tuple[str, str]], bool]]] = [
    (Cut(workers=("w2",)), lambda who, s, key: who != "inc1"),
    (Cut(endpoints=("GET /",)), lambda who, s, key: key != ("GET", "/")),
    (Cut(endpoints=("/cart", "/")), lambda who, s, key: key[1] not in {"/cart", "/"}),
    (Cut(windows=((5_000, 9_000), (20_000, 60_000))), lambda who, s, key: not 5 <= s < 9 and s < 20),
    (Cut(between=(10_000, 20_000)), lambda who, s, key: 10 <= s < 20),
    (Cut(workers=("w1",), between=(3_000, 12_000)), lambda who, s, key: who != "inc0" and 3 <= s < 12),
]


@pytest.mark.parametrize(("cut", "keeps"), CUTS, ids=[cut.told for cut, _ in CUTS])
def test_a_cut_is_counted_exactly(whole: Path, cut: Cut, keeps: Callable[[str, int, tuple[str, str]], bool]) -> None:
    """Every count and percentile is that of merging only what is left, by hand."""
    expected = recomputed(keeps)
    rows = {(r.method, r.name): r for r in framed(whole, cut).endpoints if r.requests}
    assert rows.keys() == expected.keys()
    for key, tally in expected.items():
        row = rows[key]
        assert (row.requests, row.failures, row.min_us, row.max_us) == (
            tally.requests, tally.failures, tally.min_us, tally.max_us,
        )  # fmt: skip
        assert (row.median_us, row.p95_us, row.p99_us) == tally.percentiles_us(0.5, 0.95, 0.99)


def test_a_rate_is_that_of_the_time_that_is_left(whole: Path) -> None:
    """Ten seconds of thirty: requests over ten."""
    shown = framed(whole, Cut(between=(10_000, 20_000)))
    assert shown.total.total_rps_milli == shown.total.requests * 100
    assert shown.verdict.word == ""
    assert shown.verdict.remarks == ("what if: between 0:10 and 0:20",)
    assert len(shown.chart.rps_milli) <= 12


def test_a_class_goes_with_its_blocks_and_its_user_time() -> None:
    """Blocks say whose they are."""
    tally = Tally()
    tally.add(1_000, 1, failed=False)
    blocks = [
        ev.Block(BEGAN // 1000, 1, {("GET", "/"): tally}, {name: 500}, user_class=name) for name in ("Buyer", "Reader")
    ]
    said = ev.Reported(BEGAN, BEGAN + 1000, tuple(blocks), users={"Buyer": 3, "Reader": 4})
    left = Knife(Cut(classes=("Buyer",)), {}, BEGAN).of(ev.ByWorker("inc0", 1, 1, BEGAN, said))
    assert left is not None
    assert isinstance(left.event, ev.Reported)
    assert [(len(b.tallies), b.user_ms) for b in left.event.blocks] == [(0, {}), (1, {"Reader": 500})]
    assert left.event.users == {"Reader": 4}


def told(**more: object) -> ev.ByWorker:
    """A report of eight seconds from the start on, in which something was in each of them."""
    blocks = tuple(ev.Block(BEGAN // 1000 + n, 1, {}, {"Buyer": 1_000}) for n in range(8))
    made = ev.Reported(BEGAN, BEGAN + 8_000, blocks, users={"Buyer": 1}, **more)  # type: ignore[arg-type]
    return ev.ByWorker("inc0", 1, 1, BEGAN + 8_000, made)


def test_arrivals_go_with_their_seconds() -> None:
    """Begun, dropped, and users that were let go: each by its own second, and the sums with them."""
    dated = {BEGAN // 1000 + n: (1, n % 2, n // 4) for n in range(8)}
    sent = told(arrivals=(12, 8, 4), ended=(5, 1, 4), dated=dated)
    left = Knife(Cut(windows=((2_000, 5_000),)), {}, BEGAN).of(sent)
    assert left is not None
    event = reported(left)
    assert [second - BEGAN // 1000 for second in event.dated] == [0, 1, 5, 6, 7]
    assert (event.arrivals, event.ended) == ((12, 5, 3), (5, 1, 3))
    nothing = Knife(Cut(between=(20_000, 30_000)), {}, BEGAN).of(sent)
    assert nothing is not None
    assert (reported(nothing).arrivals, reported(nothing).dated) == ((12, 0, 0), {})
    assert Knife(Cut(), {}, BEGAN).of(sent) == sent
    undated = replace(sent, event=replace(reported(sent), dated={}))
    assert Knife(Cut(between=(0, 9_000)), {}, BEGAN).of(undated) == undated


def test_what_is_known_of_a_report_alone_goes_by_its_middle() -> None:
    """How late arrivals began, how long answers lay, the paces of classes: figures of what was left out are in none."""
    spread, pace = Spread(5, 5, 5, {5: 1}), ev.PaceTally("Buyer", 3, 4_000_000, 1)
    more = {"lateness": spread, "late": 1, "delay": spread, "undelayed": spread, "pacing": (pace,), "hook_failures": 2}
    sent = told(**more)
    gone = Knife(Cut(windows=((3_000, 6_000),)), {}, BEGAN).of(sent)
    kept = Knife(Cut(windows=((5_000, 6_000),)), {}, BEGAN).of(sent)
    assert gone is not None
    assert kept is not None
    assert [getattr(reported(gone), name) for name in more] == [None, 0, None, None, (), 0]
    assert [getattr(reported(kept), name) for name in more] == list(more.values())
    of_others = Knife(Cut(classes=("Buyer",)), {}, BEGAN).of(sent)
    assert of_others is not None
    assert reported(of_others).pacing == ()


def test_rates_of_stages_classes_and_own_figures_are_of_the_time_that_is_left() -> None:
    """Ten seconds, of which two and five go: what is left has its rate over the other three."""
    curve = ev.Track("", ((0, 1.0),))
    stages = (ev.StageSpec("up", 0, 4_000), ev.StageSpec("hold", 4_000, 10_000))
    plan = ev.PlanSet(1, 0, (curve,), 10_000, (), b"", stages=stages)
    tally = Tally()
    tally.add(1_000, 1, failed=False)
    state = State(LogHalf(began_ms=BEGAN, plans=[plan], opened_ms=T0, phase="running"))
    cut = Cut(windows=((2_000, 4_000), (5_000, 10_000)))
    for second in range(10):
        stage = stages[second >= 4].name
        measured = Measured(metrics={("counter", "orders", "", ""): one_of("counter", 4)})
        rest = {"stage": stage, "user_class": "Buyer", "measured": measured}
        block = ev.Block(BEGAN // 1000 + second, 1, {("GET", "/"): tally}, {"Buyer": 1}, **rest)  # type: ignore[arg-type]
        made = ev.Reported(BEGAN + 1_000 * second, BEGAN + 1_000 * (second + 1), (block,), pacing=(pace(),))
        signed = Knife(cut, {}, BEGAN).of(ev.ByWorker("inc0", second + 1, second + 1, BEGAN, made))
        assert signed is not None
        fold(state, signed)
    shown = cut_frame(state, BEGAN + 10_000, cut)
    assert (shown.total.requests, shown.total.total_rps_milli) == (3, 1_000)
    assert [row.total.total_rps_milli for row in shown.classes] == [1_000]
    assert [(row.name, row.lasted_ms, row.total.total_rps_milli) for row in shown.stages] == [
        ("up", 2_000, 1_000), ("hold", 1_000, 1_000),
    ]  # fmt: skip
    assert [row.endpoints[0].total_rps_milli for row in shown.stages] == [1_000, 1_000]
    assert [(row.wanted_milli, row.achieved_milli) for row in shown.pacing] == [(2_000, 1_000)]
    assert [row.rate for row in shown.metrics] == [4.0]


def one_of(kind: str, value: int) -> Metric:
    """A metric with one value."""
    made = Metric()
    made.add(kind, value if kind == "check" else parts_of(value), 0)
    return made


def pace() -> ev.PaceTally:
    """A second of a class that began one of two iterations."""
    return ev.PaceTally("Buyer", 1, 2_000_000, 0)


def test_what_a_class_measured_itself_goes_with_it_and_tagged_requests_with_their_endpoint() -> None:
    """Transactions, metrics and checks of a block are of its class."""
    tally = Tally()
    tally.add(1_000, 1, failed=False)
    own = Measured(metrics={("check", "has id", "", ""): one_of("check", 1)})
    own.tagged = {("GET", name, "eu"): tally for name in ("/", "/cart")}
    blocks = tuple(ev.Block(BEGAN // 1000, 1, {}, {}, user_class=name, measured=own) for name in ("Buyer", "Reader"))
    signed = ev.ByWorker("inc0", 1, 1, BEGAN, ev.Reported(BEGAN, BEGAN + 1_000, blocks))
    left = Knife(Cut(classes=("Buyer",), endpoints=("/cart",)), {}, BEGAN).of(signed)
    assert left is not None
    assert [(len(b.measured.metrics), [*b.measured.tagged]) for b in reported(left).blocks] == [
        (0, []), (1, [("GET", "/", "eu")]),
    ]  # fmt: skip
    assert len(own.tagged) == 2


def test_failed_requests_go_with_their_second_class_and_endpoint() -> None:
    """Each says all three."""
    failed = tuple(
        ev.FailedRequest(BEGAN + ms, "GET", name, "boom", user=user)
        for ms, name, user in (
            (500, "/", "Buyer"),
            (2_500, "/", "Buyer"),
            (500, "/cart", "Buyer"),
            (500, "/", "Reader"),
        )
    )
    cut = Cut(endpoints=("/cart",), classes=("Reader",), windows=((2_000, 3_000),))
    left = Knife(cut, {}, BEGAN).of(told(failed=failed))
    assert left is not None
    assert reported(left).failed == failed[:1]


def test_nothing_cut_is_the_run(whole: Path) -> None:
    """The same tables as without a cut."""
    shown, plain = framed(whole, Cut()), read_frame(whole)
    assert (shown.endpoints, shown.chart, shown.failures) == (plain.endpoints, plain.chart, plain.failures)


def test_a_cut_replays_to_the_same_by_any_way(whole: Path) -> None:
    """Forward, backward and in jumps, a moment of it is that moment; playing it does not change it."""
    cut = Cut(workers=("w3",), windows=((5_000, 8_000),))
    with Archive.open(whole) as archive:
        feed = CutFeed(archive, cut, clock=lambda: 0.0)
        straight = {}
        for second in range(0, 32, 2):
            feed.seek(BEGAN + second * 1000)
            straight[second] = feed.frame()
        for second in (30, 4, 18, 0, 16, 6):
            feed.seek(BEGAN + second * 1000)
            assert feed.frame() == straight[second]
        feed.seek(feed.last_ms)
        assert feed.frame() == framed(whole, cut)


def test_a_report_of_a_cut_shows_it(whole: Path) -> None:
    """The page's figures are those of what is left."""
    cut = Cut(endpoints=("/cart",))
    report = read(whole, lambda state: cut).report()
    names = [row["name"] for row in report.data["endpoints"]["rows"]]
    assert "/cart" not in names
    assert "/" in names


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=4),
    st.none() | st.tuples(st.integers(0, 100), st.integers(0, 100)),
)
def test_the_time_that_is_left_is_counted(windows: list[tuple[int, int]], between: tuple[int, int] | None) -> None:
    """As many ms as there are moments that are kept."""
    cut = Cut(windows=tuple(windows), between=between)
    assert cut.kept_ms(80) == sum(cut.has_moment(ms) for ms in range(80))


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 20_000)), max_size=3),
    st.none() | st.tuples(st.integers(0, 20_000), st.integers(0, 20_000)),
    st.integers(-3_000, 15_000),
    st.integers(1, 12),
)
def test_seconds_in_a_row_are_kept_by_each_of_them(
    windows: list[tuple[int, int]], between: tuple[int, int] | None, from_ms: int, seconds: int
) -> None:
    """All of them, none of them, or None for some."""
    cut = Cut(windows=tuple(windows), between=between)
    kept = {cut.has_moment(from_ms + 1_000 * n) for n in range(seconds)}
    assert cut.has_seconds(from_ms, seconds) == (kept.pop() if len(kept) == 1 else None)


def wide(path: Path) -> Path:
    """The shop's run as a large fleet reports it: eight seconds together, each report handed in twice."""
    writer, kept = ArchiveWriter(path, {"run": "r"}), dict[str, list[ev.ByWorker]]()
    for number, entry in enumerate(entries(SHOP)):
        signed = decode(entry)
        if not isinstance(signed, ev.ByWorker) or not isinstance(signed.event, ev.Reported):
            writer.add(entry)
            continue
        mine = kept.setdefault(signed.incarnation, [])
        mine.append(signed)
        if signed.event.to_ms // 1000 % 8 == 0 or signed.last == SHOP.seconds:
            blocks = Spans(8).joined([b for one in mine for b in reported(one).blocks])
            event = replace(signed.event, from_ms=reported(mine[0]).from_ms, blocks=blocks)
            fields = encode(replace(signed, first=mine[0].first, event=event))
            for again in (0, 100):
                writer.add(entry_of(entry.stream, type(entry.id)(entry.id.ms, again + number), fields))
            mine.clear()
    writer.close(final=True)
    return path


def reported(signed: ev.ByWorker) -> ev.Reported:
    """The report in an envelope."""
    assert isinstance(signed.event, ev.Reported)
    return signed.event


def test_seconds_that_were_reported_together_stay_only_together(tmp_path: Path) -> None:
    """What a cut takes along at its edges is counted, once, and said by every way to its figures."""
    path = wide(tmp_path / "wide.tidal")
    cut = Cut(windows=((9_000, 20_000),))
    shown, lost = read(path, lambda state: cut).frame(), 0
    for entry in entries(SHOP):
        signed = decode(entry)
        if isinstance(signed, ev.ByWorker) and isinstance(signed.event, ev.Reported):
            seconds = {block.second: block for block in signed.event.blocks}
            lost += sum(
                t.requests
                for s, b in seconds.items()
                if s - BEGAN // 1000 in {7, 8, 20, 21, 22}
                for t in b.tallies.values()
            )
    total = read_frame(path).total.requests
    kept = recomputed(lambda who, s, key: s < 7 or s > 22)
    assert shown.total.requests == sum(tally.requests for tally in kept.values()) < total
    (remark,) = shown.verdict.remarks
    assert remark.startswith(f"what if: without 0:09 to 0:20; {lost:,} requests at its edges had to be left out, too")
    with Archive.open(path) as archive:
        feed = CutFeed(archive, cut, clock=lambda: 0.0)
        for at_ms in (feed.last_ms, BEGAN + 3_000, feed.last_ms):
            feed.seek(at_ms)
            told = feed.frame()
        assert told is not None
        assert told.verdict == shown.verdict
        assert pieces_of(archive, cut)[1].cut_off == lost
        assert pieces_of(archive)[1].cut_off == 0


def test_a_report_of_which_a_part_is_not_believed_is_counted(tmp_path: Path) -> None:
    """What went along at the edges of a cut is told of the rest of it, too."""
    writer = ArchiveWriter(tmp_path / "far.tidal", {"run": "r"})
    for entry in entries(SHOP):
        signed = decode(entry)
        if isinstance(signed, ev.ByWorker) and signed.incarnation == "inc2" and signed.first == 10:
            (block,) = reported(signed).blocks
            far = replace(block, second=block.second + 40_000_000)
            both = replace(block, span=8, second=block.second // 8 * 8)
            event = replace(reported(signed), blocks=(both, far))
            writer.add(entry_of(entry.stream, entry.id, encode(replace(signed, event=event))))
            lost = sum(tally.requests for tally in block.tallies.values())
            window = (both.second * 1000 - BEGAN, both.second * 1000 - BEGAN + 2_000)
        else:
            writer.add(entry)
    writer.close(final=True)
    with Archive.open(tmp_path / "far.tidal") as archive:
        assert cut_out(archive, Cut(windows=(window,))).across == lost > 0


# ------------------------------------------------------------------ words


def asked(*said: str) -> Callable[..., Cut | None] | None:
    """What the flags ask for."""
    parser = Parser("test")
    words.add(parser)
    return words.of(parser.read(list(said)))


def test_words_become_a_cut(whole: Path) -> None:
    """Each kind, and more than one."""
    with Archive.open(whole) as archive:
        state = cut_out(archive, Cut()).whole
    cut_of = asked(
        "--without", "worker=w2", "--without", "time=5s..8s", "--without", "class=Buyer", "--between", "0s", "1m"
    )
    assert cut_of is not None
    assert cut_of(state) == Cut(("w2",), (), ("Buyer",), ((5_000, 8_000),), (0, 60_000))
    assert asked() is None
    for word in ("worker=w9", "endpoint=/crat", "class=Byer"):
        cut_of = asked("--without", word)
        assert cut_of is not None
        with pytest.raises(UsageError, match="the run has no"):
            cut_of(state)


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("w2", "it takes worker=…, endpoint=…, class=…, time=…"),
        ("worker", "it takes worker=…"),
        ("worker=", "it takes worker=…"),
        ("people=ann", "it takes worker=…"),
        ("time=5s", "it takes FROM..TO, as 1m..2m30s"),
        ("time=8s..5s", "the end is not after the beginning"),
        ("time=5s..5s", "the end is not after the beginning"),
    ],
)
def test_words_that_are_no_cut(word: str, why: str) -> None:
    """One line each, that says what would do."""
    with pytest.raises(UsageError, match=re.escape(why)):
        asked("--without", word)


def test_only_a_time_is_a_cut_too(whole: Path) -> None:
    """Nothing else need be said."""
    with Archive.open(whole) as archive:
        state = cut_out(archive, Cut()).whole
    cut_of = asked("--between", "5s", "8s")
    assert cut_of is not None
    assert cut_of(state) == Cut(between=(5_000, 8_000))


def test_what_a_run_has_is_offered_for_what_it_has_not(whole: Path) -> None:
    """The name that was meant, or those that there are."""
    with Archive.open(whole) as archive:
        state = cut_out(archive, Cut()).whole
    for word, offer in (("endpoint=/crat", "/cart"), ("worker=nobody", "there are w1, w2")):
        cut_of = asked("--without", word)
        assert cut_of is not None
        with pytest.raises(UsageError, match=offer):
            cut_of(state)


# ------------------------------------------------------------------ pieces, and a comparison


def test_pieces_are_the_run_second_by_second(whole: Path) -> None:
    """All that was measured in a phase is there, once."""
    with Archive.open(whole) as archive:
        state, pieces = pieces_of(archive)
    assert [phase.name for phase in pieces.phases] == ["ramp to 60 users", "60 users"]
    total = sum(piece.requests for phase in pieces.phases for piece in pieces.row(phase, TOTAL))
    assert total == sum(r.tally.requests for r in state.reports.endpoints.values())


def test_repeats_are_counted_once(tmp_path: Path) -> None:
    """What a worker handed in again is in no piece twice."""
    writer = ArchiveWriter(tmp_path / "twice.tidal", {"run": "r"})
    for number, entry in enumerate(entries(SHOP)):
        writer.add(entry)
        if entry.stream == "reports":
            writer.add(replace(entry, id=type(entry.id)(entry.id.ms, 100 + number)))
    writer.close(final=True)
    with Archive.open(tmp_path / "twice.tidal") as archive:
        state, pieces = pieces_of(archive)
    total = sum(piece.requests for phase in pieces.phases for piece in pieces.row(phase, TOTAL))
    assert total == sum(r.tally.requests for r in state.reports.endpoints.values()) > 0


def diff(*said: object) -> int:
    """Run `tidal diff`."""
    parser = parser_of("diff")
    return parser.run(parser.read([str(word) for word in said]))


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes of a shop whose checkout takes half as long again."""
    endpoints = (("GET", "/", 9), ("GET", "/product/[id]", 17), ("POST", "/cart", 24), ("POST", "/checkout", 165))
    return record(tmp_path_factory.mktemp("slow") / "slow.tidal", Shop(seconds=120, endpoints=endpoints, source=b"x"))


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes of the shop as it is."""
    return record(tmp_path_factory.mktemp("usual") / "usual.tidal", Shop(seconds=120))


def test_rates_of_a_comparison_are_of_the_time_that_is_left(usual: Path) -> None:
    """Half of a steady phase left out: as many requests a second as before, not half as many."""
    with Archive.open(usual) as archive:
        whole, cut = (pieces_of(archive, each)[1] for each in (None, Cut(windows=((0, 66_000),))))
        between = pieces_of(archive, Cut(between=(20_000, 30_000)))[1]
    rates = [row for row in compare(whole, cut).rows if (row.metric, row.phase, row.name) == ("req/s", "60 users", "")]
    assert [round(row.ratio, 2) for row in rates] == [1.0]
    (row,) = [row for row in compare(whole, between).rows if (row.metric, row.name) == ("req/s", "")][-1:]
    assert round(row.ratio, 2) == 1.0
    assert between.lasted_ms(between.phases[-1]) == 10_000


def test_what_cannot_be_compared_is_no_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two seconds tell nothing: a pipeline hears of it, and each phase says so."""
    short = record(tmp_path / "short.tidal", Shop(seconds=2)), record(tmp_path / "again.tidal", Shop(seconds=2))
    assert diff(*short) == 0
    assert diff(*short, "--fail-on", "regression") == 63
    told = capsys.readouterr().out
    assert "nothing could be compared" in told
    assert "beyond noise" not in told


def test_a_slower_run_fails_a_pipeline(usual: Path, slow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only when that is asked for; the same run against itself never does."""
    told = ("--without", "time=50s..1m30s")
    assert diff(usual, slow, *told, "--fail-on", "regression") == 64
    assert "POST /checkout" in capsys.readouterr().out
    assert diff(usual, slow, *told) == 0
    assert diff(usual, usual, "--fail-on", "regression") == 0
    assert "no regression" in capsys.readouterr().out


def test_the_page_escapes_everything_and_fetches_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names come from the network."""
    hostile = record(tmp_path / "hostile.tidal", Shop(seconds=60, said="<script>alert(1)</script>"))
    assert diff(hostile, hostile, "--html", "-") == 0
    page = capsys.readouterr().out
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page


def test_json_for_programs(usual: Path, slow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object for all runs against the baseline."""
    import json  # noqa: PLC0415 - of this test alone

    assert diff(usual, slow, usual, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [len(one["phases"]) for one in told["comparisons"]] == [2, 2]
    assert told["comparisons"][1]["regressions"] == 0


def test_one_run_is_no_comparison(usual: Path) -> None:
    """Two at the least."""
    with pytest.raises(UsageError, match="two runs"):
        diff(usual)
