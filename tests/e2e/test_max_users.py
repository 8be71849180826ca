"""Workers that take so many users, as real processes: shares go by it, and too few are refused before the start."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from secured import Secured

from tidal.archive import Archive
from tidal.model.codec import decode
from tidal.model.events import ByWorker, Reported
from tidal.paths import archive_path

if TYPE_CHECKING:
    from stage import Stage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def ran(stage: Stage, workers: int, *more: str) -> tuple[int, str]:
    """Exit code and output of a run of eight users over workers that take five each."""
    secured, env = Secured(stage, "port 0\n"), {"TIDAL_REDIS_URL": stage.redis_url, "TIDAL_MAX_USERS": "5"}
    for _ in range(workers):
        secured.start("worker", "--processes", "1", **env)
    words = ["-f", "locustfile.py", "-u", "8", "-r", "50", "-t", "3s", "-H", stage.target_url]
    console: Any = secured.start("run", *words, "--expect-workers", str(workers), *more, **env)
    said, _ = console.communicate(timeout=150)
    return console.returncode, said.decode() + stage.log_of(console)


def test_too_few_are_refused_with_what_is_missing(stage: Stage) -> None:
    """Nothing runs."""
    code, said = ran(stage, 1)
    assert (code, "3 of 8 users are too many for the workers (w1 takes 5)" in said) == (45, True), said


def test_nobody_has_more_than_it_takes(stage: Stage) -> None:
    """Two together have room, and the run is whole."""
    code, said = ran(stage, 2, "--json", "out.json")
    frame = json.loads(next(stage.home.rglob("out.json"), stage.folder / "out.json").read_text())
    most: Counter[str] = Counter()  # users of each worker, by what it reported
    with Archive.open(archive_path(frame["run"]["run"])) as archive:
        for signed in map(decode, archive.entries()):
            if isinstance(signed, ByWorker) and isinstance(signed.event, Reported):
                most[signed.incarnation] = max(most[signed.incarnation], sum(signed.event.users.values()))
    assert (len(most), most.total()) == (2, 8), said
    assert max(most.values()) <= 5, said
    assert code in {0, 1, 60, 61}, said  # the verdict on a few seconds is the machine's, too
