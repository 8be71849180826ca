"""Whole runs with their verdict, and recordings of real masters that are proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from deadline import until
from stage import Stage, end_of, generators_of, options, running, seen

from tidal.archive import Archive
from tidal.errors import TidalError
from tidal.model.events import RunOptions
from tidal.outputs.json import frame_json
from tidal.paths import archive_path
from tidal.proof import demand
from tidal.report import read_frame

if TYPE_CHECKING:
    from pathlib import Path

    from tidal.model.rows import Frame

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
TOO_BUSY = ("CPU", "stood still", "not generated", "read late", "iterations/s")
"""What a machine that does other things as well may be blamed for, and this test is not about."""


def check_ledger(shown: Frame) -> None:
    """Both sides are the same, of user time and of iterations."""
    books = shown.ledger
    assert books.planned_user_ms + books.surplus_user_ms == books.ran_user_ms + books.missing_user_ms
    ends = (books.iterations_finished, books.iterations_failed, books.iterations_cancelled)
    assert books.iterations_started == sum(ends) + books.iterations_in_flight + books.iterations_unknown


def closed(stage: Stage, run: str) -> Frame:
    """The run at its end, live; a replay of its archive shows the same and is proved."""
    feed = stage.watch(run)
    live = end_of(feed)
    until(archive_path(run).exists, what="the archive is whole")
    assert frame_json(read_frame(archive_path(run))) == frame_json(live)
    with Archive.open(archive_path(run)) as archive:
        proof = demand(archive)
        assert proof.agreed >= 2
        assert proof.chain.agreed == proof.agreed
    return live


def flipped(path: Path, out: Path, at: int) -> Path:
    """The archive with one byte that is another."""
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    out.write_bytes(raw)
    return out


def test_a_run_that_nothing_happens_to(stage: Stage) -> None:
    """Nothing is held against it but a busy machine, its ledger balances, and any byte of its archive counts."""
    stage.start_worker()
    master, answer = stage.start_master(stage.folder / "locustfile.py", options(stage, 6_000))
    assert master.wait(60) == 0, stage.log_of(master)
    live = closed(stage, answer["run"])
    check_ledger(live)
    assert live.ledger.losses == ()
    assert [r for r in live.verdict.reasons if not any(words in r for words in TOO_BUSY)] == []
    assert live.verdict.word == "valid" or live.verdict.reasons
    path = archive_path(answer["run"])
    size = path.stat().st_size
    for number in range(64):
        bad = flipped(path, stage.folder / "flipped.tidal", number * (size - 1) // 63)
        with pytest.raises(TidalError), Archive.open(bad) as archive:
            demand(archive)


def test_a_killed_generator_is_in_the_ledger_by_name(stage: Stage) -> None:
    """What it had not sent is named, what was not generated is counted, the run is no pass."""
    worker = stage.start_worker()
    master, answer = stage.start_master(stage.folder / "locustfile.py", options(stage, 90_000))
    feed = stage.watch(answer["run"])
    seen(feed, lambda f: f.run.users_running == 12 and f.total.requests > 60, "all users run")
    generators_of(worker)[0].kill()
    seen(feed, lambda f: f.verdict.word in ("suspect", "invalid"), "the verdict so far is told")
    stage.stop(answer["run"])
    assert master.wait(60) == 0, stage.log_of(master)
    live = closed(stage, answer["run"])
    check_ledger(live)
    assert any(loss.who.startswith("generator ") and "w1" in loss.who for loss in live.ledger.losses)
    assert any("of w1 died at" in reason and "never reported" in reason for reason in live.verdict.reasons)
    assert live.run.exit_code in (60, 61)


def test_a_killed_worker_is_in_the_ledger_by_name(stage: Stage) -> None:
    """When it was lost, what was not generated meanwhile; `--allow-suspect` leaves the code of a suspect run."""
    workers = [stage.start_worker(1), stage.start_worker(1)]
    wanted = RunOptions(
        users=12, spawn_rate=50, run_time_ms=90_000, host=stage.target_url, expect_workers=2, allow_suspect=True
    )
    master, answer = stage.start_master(stage.folder / "locustfile.py", wanted)
    feed = stage.watch(answer["run"])
    seen(feed, lambda f: f.run.users_running == 12 and f.total.requests > 60, "all users run")
    workers[0].kill()
    seen(feed, lambda f: running(f) and any(w.state == "lost" for w in f.workers), "the other has all 12 users")
    stage.stop(answer["run"])
    assert master.wait(90) == 0, stage.log_of(master)
    live = closed(stage, answer["run"])
    check_ledger(live)
    (lost,) = [row.name for row in live.workers if row.state == "lost"]
    assert any(f"worker {lost} lost at" in reason for reason in live.verdict.reasons)
    assert live.ledger.missing_user_ms > 0
    assert live.run.exit_code == (60 if live.verdict.word == "invalid" else 0)


def test_the_recording_of_two_masters_is_proved(stage: Stage) -> None:
    """One was killed, the other took over: neither the verdict nor the proof minds."""
    file = stage.folder / "locustfile.py"
    stage.start_worker()
    master, answer = stage.start_master(file, options(stage, 90_000))
    feed = stage.watch(answer["run"])
    seen(feed, lambda f: f.run.users_running == 12 and f.total.requests > 60, "all users run")
    master.kill()
    master.wait(10)
    successor, _ = stage.start_master(file, options(stage, 90_000), run=answer["run"])
    seen(feed, lambda f: any("took over" in row.text for row in f.story), "there is a successor")
    stage.stop(answer["run"])
    assert successor.wait(60) == 0, stage.log_of(successor)
    live = closed(stage, answer["run"])
    check_ledger(live)
    assert live.ledger.surplus_user_ms <= live.ledger.planned_user_ms // 20
    assert [r for r in live.verdict.reasons if not any(words in r for words in TOO_BUSY)] == []
