"""The picture of the loss of a worker, as SVG: the target's rate over time, one line a system. No library."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from faults.sides import PLAN_RPS, USERS

if TYPE_CHECKING:
    from faults.cases import Seen

WIDTH, HEIGHT = 860, 380
LEFT, RIGHT, TOP, BOTTOM = 56, 20, 78, 48
COLORS = ("#0b7285", "#d9480f", "#7048e8")
DASHES = ("", "6 4", "2 3")
TOP_RPS = PLAN_RPS * 1.25


def draw(lines: list[Seen], title: str) -> str:
    """The whole picture."""
    first = min(s for seen in lines for s, _ in seen.seconds)
    last = max(s for seen in lines for s, _ in seen.seconds)

    def x(second: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (second - first) / (last - first)

    def y(rps: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(rps, TOP_RPS) / TOP_RPS

    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="15" fill="#212529">{escape(title)}</text>',
    ]
    for rps in range(0, int(TOP_RPS) + 1, 15):
        parts.append(_line((LEFT, y(rps)), (WIDTH - RIGHT, y(rps)), "#e9ecef"))
        parts.append(_text(LEFT - 8, y(rps) + 4, str(rps), anchor="end"))
    parts += [_text(x(second), HEIGHT - BOTTOM + 20, f"{second} s") for second in range(0, last + 1, 10)]
    parts.append(_line((x(0), TOP), (x(0), HEIGHT - BOTTOM), "#868e96", "3 3"))
    parts.append(_text(x(0) + 4, HEIGHT - BOTTOM - 6, "kill -9", anchor="start"))
    parts.append(_text(LEFT, HEIGHT - 8, "requests/s at the target, by second since the fault", anchor="start"))
    for number, seen in enumerate(lines):
        points = " ".join(f"{x(s):.1f},{y(n):.1f}" for s, n in seen.seconds)
        dash = f' stroke-dasharray="{DASHES[number]}"' if DASHES[number] else ""
        color = COLORS[number]
        parts.append(f'<polyline fill="none" stroke="{color}" stroke-width="2"{dash} points="{points}"/>')
        parts.append(_line((LEFT, 34 + 15 * number), (LEFT + 30, 34 + 15 * number), color, DASHES[number], 2))
        parts.append(_text(LEFT + 38, 38 + 15 * number, _legend(seen), anchor="start", color=color))
    return "\n".join([*parts, "</svg>", ""])


def _legend(seen: Seen) -> str:
    short = f"short for {seen.short_s} s"
    return f"{seen.side}: {short}, {seen.missing_user_s:.0f} user-seconds missing of {USERS} users"


def _line(a: tuple[float, float], b: tuple[float, float], color: str, dash: str = "", width: int = 1) -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}"'
    return f'<line {ends} stroke="{color}" stroke-width="{width}"{dashes}/>'


def _text(x: float, y: float, text: str, *, anchor: str = "middle", color: str = "#495057") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape(text)}</text>'
