"""What a file of tests/compat/files says about its comparison, in the comments at its head.

    # compat: -u 2 -r 2 -t 3s      flags of both sides (beside -f, -H, --headless and --csv); each such line is a run
    # compat tolerance: 0.15 3     how far counts may be apart: share of the larger, and at least so many (default: 0 0)
    # compat exit: 1               the exit code of both sides (default: whatever both return, if it is the same)
    # compat notes: set            how the lines that the file notes are compared: sorted (default), ordered, set
    # compat print                 only what is printed is compared: --list and its like
    # compat script                the file is run as a script of Python's
    # compat file: {here}/many     what -f gets instead of this file
    # compat host: none            no -H
    # compat env: LOCUST_USERS=2   variables of both sides
    # compat conf: users = 2       a line of ./locust.conf
    # compat says: TEXT            a text that both sides print, log or write into --logfile
    # compat writes: out.json      a file that both sides leave in the working folder
    # compat signal: SIGINT 5      sent when so many requests were served
    # compat ours: --processes 1   flags of tidal alone
    # compat peer: --processes 1   flags of Locust alone
    # compat differs: exit why     a part that is not compared; docs/compatibility.md says why as well

{here} is the folder of the files, {target} the URL of the target.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LINE = re.compile(r"# compat(?: (?P<name>[a-z]+))?(?P<colon>:(?: (?P<value>.*))?)?$")
PARTS = ("requests", "failures", "exceptions", "served", "csv", "heads", "exit", "notes", "wrapper")
"""What is compared; the wrapper is what Locust puts around a failure's own text: `CatchResponseError('…')`."""


@dataclass(frozen=True)
class Case:
    """One comparison."""

    path: Path
    flags: str = ""
    relative: float = 0.0
    slack: float = 0.0
    exit: int | None = None
    notes: str = "sorted"
    mode: str = "run"
    file: str = ""
    host: bool = True
    env: dict[str, str] = field(default_factory=dict)
    conf: str = ""
    says: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    signal: str = ""
    ours: str = ""
    peer: str = ""
    differs: frozenset[str] = frozenset()

    def may_differ(self, one: float, other: float) -> bool:
        """Whether two counts are the same as far as the file says."""
        return abs(one - other) <= max(self.relative * max(one, other), self.slack)

    def for_longer(self) -> Case:
        """The same comparison with four times the run time."""
        env = {name: _longer(text) for name, text in self.env.items()}
        return replace(self, flags=_longer(self.flags), env=env)


def _longer(text: str) -> str:
    return re.sub(r"\b(\d+)s\b", lambda seconds: f"{4 * int(seconds[1])}s", text)


def cases_of(path: Path) -> list[tuple[str, Case]]:
    """The comparisons that a file asks for, each with a name."""
    lines = [match for line in path.read_text().splitlines() if (match := LINE.match(line))]
    said: dict[str, list[str]] = {}
    for match in lines:
        said.setdefault(match["name"] or "", []).append(match["value"] or "")
    runs = said.pop("", [])
    assert runs, f"{path.name} has no line `# compat: FLAGS`"
    cases = [_case(path, flags, said) for flags in runs]
    return [(path.stem if len(runs) == 1 else f"{path.stem}-{n}", case) for n, case in enumerate(cases, 1)]


def _case(path: Path, flags: str, said: dict[str, list[str]]) -> Case:
    unknown = set(said) - {
        "tolerance", "exit", "notes", "print", "script", "file", "host", "env", "conf", "says", "writes", "signal",
        "ours", "peer", "differs",
    }  # fmt: skip
    assert not unknown, f"{path.name}: unknown in its head: {unknown}"
    relative, _, slack = said.get("tolerance", ["0 0"])[0].partition(" ")
    differs = frozenset(line.split()[0] for line in said.get("differs", []))
    assert differs <= set(PARTS), f"{path.name}: {differs - set(PARTS)} is no part of a comparison"
    return Case(
        path=path,
        flags=flags,
        relative=float(relative),
        slack=float(slack or 0),
        exit=int(said["exit"][0]) if "exit" in said else None,
        notes=said.get("notes", ["sorted"])[0],
        mode="print" if "print" in said else "script" if "script" in said else "run",
        file=said.get("file", [""])[0],
        host=said.get("host") != ["none"],
        env=dict(pair.split("=", 1) for line in said.get("env", []) for pair in shlex.split(line)),
        conf="\n".join(said.get("conf", [])),
        says=tuple(said.get("says", [])),
        writes=tuple(name for line in said.get("writes", []) for name in line.split()),
        signal=said.get("signal", [""])[0],
        ours=said.get("ours", [""])[0],
        peer=said.get("peer", [""])[0],
        differs=differs,
    )
