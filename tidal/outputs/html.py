"""The report: one HTML file that opens anywhere, asks no network, and shows a run from its first number to its source.

`render` is pure: the same report gives the same bytes. Text from outside is in one place only, a block of JSON in which
no `<` occurs; the page's script puts it into the document as text, never as markup. A Content-Security-Policy with the
hashes of our script and style lets nothing else run, and nothing be fetched.

Whoever has a run's archive wants `tidal.report.write_html(archive, file)`; it is what `--html` calls.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidal.outputs.html_data import Report

STYLES = ("uPlot.min.css", "report.css")
SCRIPTS = (
    "uPlot.LICENSE", "uPlot.iife.min.js",
    "dom.js", "charts.js", "tables.js", "measured.js", "judged.js", "page.js",
)  # fmt: skip
_PLACE = re.compile(r"@@([A-Z]+)@@")


def render(report: Report) -> str:
    """The page."""
    style, script = _joined(STYLES), _joined(SCRIPTS)
    places = {
        "POLICY": _policy(style, script),
        "TITLE": escape(report.title),
        "STYLE": style,
        "SCRIPT": script,
        "DATA": as_script_data(report.data),
        "PLAIN": escape(report.plain),
    }
    return _PLACE.sub(lambda place: places[place[1]], _static("report.html"))


def as_script_data(value: object) -> str:
    """JSON that can stand in a script element: nothing in it ends the element or begins a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _policy(style: str, script: str) -> str:
    hashes = [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in (script, style)]
    return (
        f"default-src 'none'; script-src {hashes[0]}; style-src {hashes[1]}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _joined(names: tuple[str, ...]) -> str:
    texts = {name: _static(name).strip() for name in names}
    parts = [f"/*\n{text}\n*/" if name.endswith("LICENSE") else text for name, text in texts.items()]
    return "\n" + "\n".join(parts) + "\n"


@cache
def _static(name: str) -> str:
    return (files("tidal.outputs") / "static" / name).read_text(encoding="utf8")
