"""The run in four lines: who and where, how far and how complete, and the figures that matter most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.delays import matters
from tidal.model.struct import Struct
from tidal.tui import text
from tidal.tui.look import OUTCOMES, PHASES, VERDICTS, Look, Mark, mark_of
from tidal.tui.widgets.bignumbers import big, is_drawable
from tidal.tui.widgets.lines import Lines, cells_of, cut, spread

if TYPE_CHECKING:
    from tidal.model.rows import Frame, RunHeader
    from tidal.tui.widgets.canvas import Runs


class Chrome(Struct, frozen=True):
    """What stands around the frame and is not part of it."""

    replay: bool = False
    frozen: bool = False
    read_only: bool = False
    trouble: str = ""
    behind_ms: int = 0  # how far a live run is rewound


def state_mark(run: RunHeader) -> Mark:
    """Glyph, word and tone of the run's state: its outcome once it closed."""
    if run.phase == "closed" and run.outcome:
        return mark_of(OUTCOMES, run.outcome)
    if run.is_paused:
        return ("◐", "PAUSED", "warn")
    return mark_of(PHASES, run.phase)


def header_lines(frame: Frame | None, chrome: Chrome, width: int, look: Look, *, is_tall: bool = False) -> list[Runs]:
    """The header's lines; one more when there is trouble, and figures as large as they can be when it may be tall."""
    if frame is None:
        waiting: Runs = [(" tidal ", "accent"), ("  waiting for the first entry of the run", "dim")]
        lines = [spread(waiting, _badges(chrome), width, look), [], [], []]
    else:
        tiles = big_tiles(frame, width, look) if is_tall and width >= BIG_CELLS else []
        tiles = tiles or [*_tiles(frame, width, look)]
        note = _client(frame)
        if note and any(label == CLIENT for label, *_ in _fitting(frame, width)):
            note = []  # a tile says it
        lines = [_title(frame, chrome, width, look), _progress(frame, note, width, look), *tiles]
    if frame is not None and frame.verdict.reasons:
        lines.append(_why(frame, width, look))
    if chrome.trouble:
        lines.append(cut([(look.own(" ▲ ") + look.outside(chrome.trouble), "loud")], width, look))
    return lines


def _why(frame: Frame, width: int, look: Look) -> Runs:
    """The heaviest reason of the verdict, and how many more there are."""
    reasons, tone = frame.verdict.reasons, mark_of(VERDICTS, frame.verdict.word)[2]
    more = f" and {len(reasons) - 1} more: see the ledger" if len(reasons) > 1 else ""
    return cut([(look.own(" ▲ "), tone), (look.outside(reasons[0]), tone), (more, "dim")], width, look)


def _badges(chrome: Chrome) -> Runs:
    badges: Runs = []
    if chrome.frozen:
        badges += [(" FROZEN ", "frozen-badge"), (" ", "")]
    if chrome.replay:
        badges += [(" REPLAY ", "replay-badge"), (" ", "")]
    if chrome.behind_ms:
        badges += [(f" REWOUND {text.duration(chrome.behind_ms)}, end: now ", "replay-badge"), (" ", "")]
    if chrome.read_only:
        badges += [(" READ-ONLY ", "info-badge"), (" ", "")]
    return badges


def _title(frame: Frame, chrome: Chrome, width: int, look: Look) -> Runs:
    glyph, word, tone = state_mark(frame.run)
    state = look.outside(look.own(f"{glyph} {word}"))
    left: Runs = [(" tidal ", "accent"), (f" {state} ", f"{tone}-badge"), *_verdict(frame, look)]
    left += [(f" {look.outside(frame.run.file)}", "strong")]
    if frame.run.host:
        left += [(look.own(" → "), "dim"), (look.outside(frame.run.host), "")]
    clock = look.own(text.clock(frame.at_ms, look.zone))
    return spread(left, [(" ", ""), *_badges(chrome), (f"{clock} ", "strong")], width, look)


def _verdict(frame: Frame, look: Look) -> Runs:
    """Whether the figures may be believed; while a run is valid it says so only at its end."""
    word = frame.verdict.word
    if not word or (word == "valid" and frame.run.phase != "closed"):
        return []
    glyph, told, tone = mark_of(VERDICTS, word)
    return [(" ", ""), (f" {look.outside(look.own(f'{glyph} {told}'))} ", f"{tone}-badge")]


def _progress(frame: Frame, note: Runs, width: int, look: Look) -> Runs:
    right: Runs = [("  ", ""), *_complete(frame, look), (" ", "")]
    if width - cells_of(right) - cells_of(note) >= NOTED_CELLS:
        right = [*note, *right]
    return spread(_elapsed(frame, width - cells_of(right), look), right, width, look)


def _elapsed(frame: Frame, width: int, look: Look) -> Runs:
    run = frame.run
    if run.phase == "waiting":
        ready = sum(worker.alive for worker in frame.workers)
        expected = max(frame.completeness.workers_expected, ready)
        return [(f" waiting for workers: {ready} of {expected} here", "warn")]
    elapsed = text.duration(run.elapsed_ms)
    if run.phase == "closed" and run.reason:
        return [(f" after {elapsed}", "strong"), (f"  {look.outside(run.reason)}", "dim")]
    if run.planned_ms is None:
        return [(f" {elapsed}", "strong"), (" until stopped", "dim")]
    planned = text.duration(run.planned_ms)
    label: Runs = [(f" {elapsed}", "strong"), (f" of {planned} ".ljust(len(planned) * 2 + 5 - len(elapsed)), "dim")]
    return [*label, *bar(run.elapsed_ms, run.planned_ms, min(width - cells_of(label), 60), look)]


CLIENT = "CLIENT P99"
"""The tile of the client's own delay; where it has no room there is a note, and only when it matters."""
NOTED_CELLS = 24
"""Cells that the time and its bar keep beside such a note."""


def _client(frame: Frame) -> Runs:
    """The client's own part of the slowest latencies, in the same cells whatever it is."""
    if not matters(frame.delay):
        return []
    return [("  client ", "dim"), (f"+{text.latency(frame.delay.p99_us)}".ljust(8), "warn")]


def bar(part: int, whole: int, width: int, look: Look) -> Runs:
    """A bar of `width` cells, filled by part of whole."""
    if width < 4:
        return []
    filled = min(max(part, 0) * width // max(whole, 1), width)
    return [(look.own("━") * filled, "rps"), (look.own("─") * (width - filled), "faint")]


def _complete(frame: Frame, look: Look) -> Runs:
    """How much of the fleet the figures cover, always in words."""
    now = frame.completeness
    whole = now.workers_reporting >= now.workers_expected
    tone = "good" if whole else "warn"
    workers = f"{now.workers_reporting}/{now.workers_expected} workers"
    if not now.complete_to_ms:
        return [(workers, tone), (", nothing reported yet", "dim")]
    run = frame.run
    to_the_end = run.phase == "closed" and now.complete_to_ms >= run.began_ms + run.elapsed_ms
    until = "" if to_the_end else look.own(f" to {text.clock(now.complete_to_ms, look.zone)}")
    return [(look.own("✓ " if whole else "▲ "), tone), (workers, tone), (f", complete{until}", "dim")]


# ------------------------------------------------------------------ tiles

Tile = tuple[str, str, str, int]  # label, value, tone of the value, cells that it needs
TILE_CELLS_MAX = 22
TILES_USUAL = 7


def _tiles(frame: Frame, width: int, look: Look) -> tuple[Runs, Runs]:
    """Two lines: as many figures as fit, each wide enough for what it may grow to."""
    tiles = _fitting(frame, width)
    spare = (width - 1 - sum(cells for *_, cells in tiles)) // len(tiles)
    labels: Runs = [(" ", "")]
    values: Runs = [(" ", "")]
    for label, value, tone, cells in tiles:
        size = max(min(cells + spare, TILE_CELLS_MAX), cells)
        labels.append((look.fit(label, size), "dim"))
        values.append((look.fit(look.own(value), size), tone))
    return cut(labels, width, look), cut(values, width, look)


def _fitting(frame: Frame, width: int) -> list[Tile]:
    """As many figures as there is room for, one at least; more than usual only with air between all of them."""
    tiles = _figures(frame)
    while len(tiles) > 1 and sum(cells + (len(tiles) > TILES_USUAL) for *_, cells in tiles) > width - 1:
        tiles.pop()
    return tiles


def _figures(frame: Frame) -> list[Tile]:
    """The figures, the most important first."""
    run, total = frame.run, frame.total
    failed = "dim" if not total.failures else "bad" if total.failures * 100 >= total.requests else "warn"
    short = run.phase == "running" and run.users_running * 100 < run.users_planned * 95
    users = f"{run.users_running:,} of {run.users_planned:,}"
    first: Tile = ("USERS", users, "warn" if short else "users", max(12, len(users) + 1))
    if run.arrivals_milli and not run.users_planned:  # how many are wanted says more than how many are busy
        first = ("WANTED/S", text.rate(run.arrivals_milli), "users", 12)
    return [
        first,
        ("REQUESTS/S", text.rate(total.rps_milli), "rps", 11),
        ("FAILURES", text.percent(total.failures, total.requests), failed, 9),
        ("P50", text.latency_of(total, total.median_us), "p50", 9),
        ("P95", text.latency_of(total, total.p95_us), "p95", 9),
        ("P99", text.latency_of(total, total.p99_us), "p99", 9),
        ("REQUESTS", text.count(total.requests), "strong", 12),
        ("FAILURES/S", text.rate(total.failures_milli), "failures" if total.failures_milli else "dim", 12),
        ("LOAD HELD", _held(frame), "strong", 12),
        *_client_tile(frame),
        ("MAX", text.latency_of(total, total.max_us), "dim", 12),
    ]


BIG_CELLS = 150
BIG_FIGURES = 6
BIG_GAP = 5


def big_tiles(frame: Frame, width: int, look: Look) -> list[Runs]:
    """The six figures that matter most in three rows each, units beside the names, the others small at the right."""
    if look.ascii_only:
        return []
    figures = [_split(*tile[:3]) for tile in _figures(frame)[:BIG_FIGURES]]
    drawn = [big(value) for _, value, _ in figures]
    sizes = [
        max(len(rows[0]), len(label), BIG_FIGURE_CELLS) + BIG_GAP
        for rows, (label, *_) in zip(drawn, figures, strict=True)
    ]
    if sum(sizes) > width - 2:
        return []
    labels: Runs = [("  ", "")]
    rows: list[Runs] = [[("  ", "")] for _ in range(3)]
    for (label, _, tone), picture, size in zip(figures, drawn, sizes, strict=True):
        labels.append((look.fit(label, size), "dim"))
        for row, said in zip(rows, picture, strict=True):
            row.append((said.ljust(size), tone))
    for row, (label, value, tone, _) in zip([labels, *rows], _figures(frame)[BIG_FIGURES:], strict=False):
        row += [(f"{label:<12}", "dim"), (look.own(value), tone)]
    return [cut(runs, width, look) for runs in ([], labels, *rows)][1:]


BIG_FIGURE_CELLS = 19
"""Five digits and a point: what a tile has room for before its neighbours must move."""


def _split(label: str, value: str, tone: str) -> tuple[str, str, str]:
    """A figure without its unit, which goes to the name; users have the planned ones there."""
    number, _, unit = value.partition(" ")
    shown = number if is_drawable(number) else "-"
    return f"{label} {unit}".strip(), shown, tone


def _client_tile(frame: Frame) -> list[Tile]:
    """How long 99 of 100 answers lay unread at the most; nothing where the kernel does not say."""
    if not frame.delay.answers:
        return []
    return [(CLIENT, f"+{text.latency(frame.delay.p99_us)}", "warn" if matters(frame.delay) else "dim", 12)]


def _held(frame: Frame) -> str:
    """The part of the planned user-time that ran."""
    ledger = frame.ledger
    if not ledger.planned_user_ms:
        return text.NOTHING
    held = ledger.planned_user_ms - ledger.missing_user_ms
    return f"{10_000 * held // ledger.planned_user_ms / 100:.2f} %"  # rounded down: 100.00 means all of it


TALL_ROWS = 42


class Header(Lines):
    """The header on the screen."""

    _frame: Frame | None = None
    _chrome = Chrome()

    def show(self, frame: Frame | None, chrome: Chrome) -> None:
        """Draw another picture."""
        self._frame, self._chrome = frame, chrome
        self._draw()

    def on_resize(self) -> None:
        """Draw anew for another width."""
        self._draw()

    def _draw(self) -> None:
        is_tall = self.app.size.height >= TALL_ROWS
        lines = header_lines(self._frame, self._chrome, self.size.width, self.look, is_tall=is_tall)
        self.show_lines(lines)
        self.styles.height = len(lines)
