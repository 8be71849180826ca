"""What a form would start: a small curve of users or arrivals over plan time, and what goes with it in words. Pure.

The facts come first where there is little room, the curve grows with the screen.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from tidal.model.capacity import lacking, peak
from tidal.model.held import shared
from tidal.model.plan import height_at, value_at
from tidal.model.plantext import ARRIVALS, USERS, span
from tidal.model.words import plural
from tidal.tui.feed import Company, Outlook
from tidal.tui.widgets.blocks import beside, columns
from tidal.tui.widgets.chart import LABEL_CELLS, Plot, PlotView, Series, draw_body
from tidal.tui.widgets.lines import cells_of, cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tidal.model.events import ClassSpec, Track
    from tidal.model.planning import Planned
    from tidal.tui.look import Look
    from tidal.tui.widgets.canvas import Runs

CHART_ROWS_LEAST, CHART_ROWS_GOOD, CHART_ROWS_MOST = 4, 8, 24
BESIDE_CELLS = 60
POINTS = 400
COUNTED_MAX = 20_000
"""Users that are shared out one by one; of more the shares are told by weight."""
NAMES_MAX = 12
COMMAND_LINES_MAX = 8


def forecast_rows(
    outlook: Outlook, company: Company, width: int, height: int, look: Look, *, fills: bool
) -> list[Runs]:
    """Curve and facts in `height` lines."""
    load, who = _load_facts(outlook, width, look), company_facts(outlook, company, width, look)
    facts = [*load[: max(1, height - len(who[:1]))], *who]
    rows = _curves(outlook.planned, width, height - len(facts[:3]), look, fills=fills) if outlook.planned else []
    lines = [*rows, *facts]
    command = _command(outlook.command, width, look)
    if command and height - len(lines) > len(command):
        lines += [[]] * (height - len(lines) - len(command)) + command
    return [cut(line, width, look) for line in lines[:height]]


def _command(command: str, width: int, look: Look) -> list[Runs]:
    """What starts the same from a shell, in a few lines at most."""
    if not command:
        return []
    lines, words = [""], look.outside(command).split(" ")
    for word in words:
        if cell_len(lines[-1]) + cell_len(word) + 2 > width and lines[-1]:
            lines.append("")
        lines[-1] += f" {word}"
    head: Runs = [(" the same on a command line", "head")]
    return [head, *([(line, "dim")] for line in lines)] if len(lines) <= COMMAND_LINES_MAX else []


def _curves(planned: Planned, width: int, height: int, look: Look, *, fills: bool) -> list[Runs]:
    """Users and arrivals, below each other, or beside each other where that leaves more of them."""
    units = [unit for unit in (USERS, ARRIVALS) if _of(planned, unit)]
    if len(units) > 1 and height < 2 * CHART_ROWS_GOOD and width >= BESIDE_CELLS and height >= CHART_ROWS_LEAST:
        widths = columns(width, [1] * len(units))
        rows = min(height, CHART_ROWS_MOST)
        return beside(
            [_curve(planned, u, w, rows, look, fills=fills) for u, w in zip(units, widths, strict=True)], widths, look
        )
    rows = min(height // max(len(units), 1), CHART_ROWS_MOST)
    if rows < CHART_ROWS_LEAST:
        return []
    return [line for unit in units for line in _curve(planned, unit, width, rows, look, fills=fills)]


def _of(planned: Planned, unit: str) -> list[Track]:
    return [track for track in planned.tracks if track.unit == unit]


# ------------------------------------------------------------------ the curve


def length_ms(planned: Planned) -> int:
    """How much plan time is shown: all of it, or up to its last change and a bit longer."""
    last_ms = max((at_ms for track in planned.tracks for at_ms, _ in track.points), default=0)
    return max(1_000, planned.end_ms if planned.end_ms is not None else last_ms * 5 // 4 + 5_000)


def _curve(planned: Planned, unit: str, width: int, height: int, look: Look, *, fills: bool) -> list[Runs]:
    tracks, whole_ms = _of(planned, unit), length_ms(planned)
    moments = [whole_ms * (2 * i + 1) // (2 * POINTS) for i in range(POINTS)]
    values = tuple(round(1000 * height_at(tracks, at_ms)) for at_ms in moments)
    starts = [s for s in planned.stages if s.from_ms < whole_ms]
    plot = Plot(
        "",
        "",
        (Series("planned", "users", values, "area"),),
        1000,
        step_ms=max(1, whole_ms // POINTS),
        span_ms=whole_ms,
        marks=tuple((s.from_ms, "accent") for s in starts if s.from_ms),
    )
    title: Runs = [
        (" Planned ", "head"),
        ("arrivals /s" if unit == ARRIVALS else "users", "head"),
        (f"  {told_peak(tracks)}", "dim"),
    ]
    names = stage_names([(s.from_ms, s.name) for s in starts], whole_ms, width, look)
    with_names = bool(names) and height > CHART_ROWS_LEAST + 1
    body = draw_body(plot, width, height - with_names, look, fills=fills)
    return [title, *body[: height - 1 - with_names], *([names] if with_names else [])]


def told_peak(tracks: Iterable[Track]) -> str:
    """The highest that curves are, as text."""
    return f"at most {text_of(max((v for t in tracks for _, v in t.points), default=0))}"


def text_of(value: float) -> str:
    """A height without decimals that say nothing."""
    return f"{value:,.6g}" if value < 1e6 else f"{value:,.0f}"


def stage_names(starts: Sequence[tuple[int, str]], whole_ms: int, width: int, look: Look) -> Runs:
    """The stages' names below the moments at which they begin, as far as there is room."""
    cells = width - LABEL_CELLS - 1
    columns = [at_ms * cells // whole_ms for at_ms, _ in starts]
    line: Runs = [(" " * (LABEL_CELLS + 1), "")]
    for (column, after), (_, name) in zip(pairwise([*columns, cells]), starts, strict=False):
        room = after - column
        line.append((look.fit(look.outside(name), max(0, room - 1)) + " " * min(room, 1), "accent"))
    return line if starts else []


# ------------------------------------------------------------------ the load in words


def _load_facts(outlook: Outlook, width: int, look: Look) -> list[Runs]:
    if outlook.told:
        return [[(" ", ""), (look.outside(outlook.told), "dim")]]
    if outlook.planned is None:
        return []
    planned = outlook.planned
    lasts = "until stopped" if planned.end_ms is None else f"{span(planned.end_ms)} in all"
    load = " and ".join(_load_words(planned))
    facts: list[Runs] = [[(f" {load}", "strong"), (f"  {lasts}", "dim")]]
    shares = shares_of(planned, outlook.classes)
    if len(outlook.classes) > 1 and shares:
        facts.append(_shares_line(shares, width, look))
    return facts


def _load_words(planned: Planned) -> Iterable[str]:
    users, arrivals = _of(planned, USERS), _of(planned, ARRIVALS)
    if users:
        most, reached_ms = peak(users), users[0].points[-1][0]
        after = f" after {span(reached_ms)}" if reached_ms and not planned.text else ""
        yield f"{plural(most, 'user')}{after}"
    if arrivals and planned.end_ms is not None:
        yield f"about {plural(_area(arrivals, planned.end_ms), 'arrival')}"
    elif arrivals:
        yield f"{text_of(max(v for t in arrivals for _, v in t.points))} arrivals a second at most"
    if len(planned.stages) > 1:
        yield f"{len(planned.stages)} stages"


def _area(tracks: Iterable[Track], end_ms: int) -> int:
    """How many arrivals the curves come to up to a moment."""
    total = 0.0
    for track in tracks:
        moments = sorted({0, end_ms, *(at_ms for at_ms, _ in track.points if 0 < at_ms < end_ms)})
        for from_ms, to_ms in pairwise(moments):
            middle = value_at(track.points, from_ms) + value_at(track.points, to_ms - 1)
            total += middle / 2 * (to_ms - from_ms) / 1000
    return round(total)


def shares_of(planned: Planned | None, classes: Sequence[ClassSpec]) -> dict[str, int]:
    """How many users of each class there are at the height of the plan; nothing for arrivals."""
    if planned is None:
        return {}
    named = {track.name: peak([track]) for track in planned.tracks if track.name and track.unit == USERS}
    mixed = [track for track in planned.tracks if not track.name and track.unit == USERS]
    own = {track.name for track in planned.tracks if track.name}
    others = [spec for spec in classes if spec.name not in own]
    found = {**(shared(others, peak(mixed), COUNTED_MAX) if mixed and others else {}), **named}
    return {spec.name: found[spec.name] for spec in classes if spec.name in found}


def _shares_line(shares: dict[str, int], width: int, look: Look) -> Runs:
    line: Runs = [(" ", "")]
    for name, users in list(shares.items())[:NAMES_MAX]:
        more: Runs = [(look.outside(name)[:30], "dim"), (f" {users:,}  ", "users")]
        if cells_of(line) + cells_of(more) > width:
            return [*line, (look.own("…"), "dim")]
        line += more
    return line


# ------------------------------------------------------------------ who runs it


def company_facts(outlook: Outlook, company: Company, width: int, look: Look) -> list[Runs]:
    """Who would run it: this machine, or who waits in the fleet, and whether that is enough."""
    if company.cores:
        cores = plural(company.cores, "core")
        return [[(look.own(" ● "), "good"), (f"this machine, {cores}", "dim")]]
    if company.trouble:
        return [[(look.own(" ✗ "), "bad"), (look.outside(look.own(company.trouble)), "bad")]]
    idle = [beat for beat in company.waiting if not beat.run]
    lines = [_fleet_line(len(idle), sum(b.processes for b in idle), company, look)]
    users = peak(outlook.planned.tracks) if outlook.planned is not None else 0
    if idle and (short := lacking(users, [beat.users_max for beat in idle])):
        lines.append([(look.own(" ▲ "), "warn"), (f"they take {users - short:,} of {users:,} users", "warn")])
    host_cells = max((len(look.outside(beat.host)) for beat in idle), default=0)
    for beat in idle:
        takes = f"  up to {plural(beat.users_max, 'user')}" if beat.users_max else ""
        host = look.fit(look.outside(beat.host), min(host_cells, max(10, width - 24 - len(takes))))
        lines.append(
            [
                (look.own("   ○ "), "info"),
                (host, ""),
                (f"  {plural(beat.processes, 'generator').rjust(14)}{takes}", "dim"),
            ]
        )
    return lines


def _fleet_line(workers: int, generators: int, company: Company, look: Look) -> Runs:
    if company.serves:
        return [(look.own(" ▲ "), "warn"), (look.outside(f"the fleet serves run {company.serves}: wait"), "warn")]
    if not workers:
        return [(look.own(" ◌ "), "warn"), ("no worker waits yet: the run would wait for one", "warn")]
    told = f"{plural(workers, 'worker')} wait{'s' * (workers == 1)}, {plural(generators, 'generator')}"
    return [(look.own(" ● "), "good"), (told, "")]


class Forecast(PlotView[tuple[Outlook, Company]]):
    """Shows what a form comes to."""

    def __init__(self, look: Look, **names: Any) -> None:
        super().__init__(look, (Outlook(), Company()), _draw, **names)


def _draw(both: tuple[Outlook, Company], width: int, height: int, look: Look, *, fills: bool) -> list[Runs]:
    rows = forecast_rows(*both, width, height, look, fills=fills)
    return [*rows, *[[(" " * width, "")]] * (height - len(rows))]
