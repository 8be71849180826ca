"""The golden archives: recorded once for each version of the format, replayed for ever.

    python tests/golden.py               writes the archive of this version anew, and what every archive must replay to
    python tests/golden.py --refold      gives the incident keyframes and hashes of this version's fold: entries stay
    python tests/golden.py --postmortem  writes docs/postmortem.md anew from the incident and tests/data/postmortem.md

The first is only for a version that was never released: afterwards the files in `tests/data` are what users have on
their disks. An archive that no longer replays to its figures is a fault of the code, not of the file.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from postmortem import PAGE, page, wrong_with

from tidal.demo import RECORDED
from tidal.model.events import SCHEMA_VERSION
from tidal.portable import refold
from tidal.report import read_frame

DATA = Path(__file__).parent / "data"


def archives() -> list[Path]:
    """Every archive that must replay: one of each version, and the incident that ships with the package."""
    return [*sorted(DATA.glob("*.tidal")), RECORDED]


def expected_path(archive: Path) -> Path:
    """Where it says what an archive replays to."""
    return DATA / f"{archive.stem}.json"


def figures(archive: Path) -> dict[str, object]:
    """What must never change: who, how many, how long, what happened."""
    frame = read_frame(archive)
    columns = ("method", "name", "requests", "failures", "median_us", "p95_us", "p99_us", "min_us", "max_us")
    return {
        "run": frame.run.run,
        "file": frame.run.file,
        "outcome": frame.run.outcome,
        "exit_code": frame.run.exit_code,
        "elapsed_ms": frame.run.elapsed_ms,
        "total": [getattr(frame.total, name) for name in columns],
        "endpoints": [[getattr(row, name) for name in columns] for row in frame.endpoints],
        "workers": [row.name for row in frame.workers],
        "failures": [[row.method, row.name, row.error, row.occurrences] for row in frame.failures],
        "story": [row.kind for row in frame.story],
        "users_planned": list(frame.chart.users_planned),
        "ledger": [frame.ledger.planned_user_ms, frame.ledger.ran_user_ms, frame.ledger.missing_user_ms],
        "bad_entries": frame.bad_entries,
    }


def write_down(archive: Path) -> None:
    """What an archive must replay to from now on."""
    text = json.dumps(figures(archive), indent=1, ensure_ascii=False)
    expected_path(archive).write_text(text + "\n", encoding="utf8")
    print(f"{archive.name}: {archive.stat().st_size} bytes")


def write_page() -> None:
    """The post-mortem of the incident."""
    if wrong := wrong_with(RECORDED):
        raise SystemExit("the page tells another story than the recording:\n- " + "\n- ".join(wrong))
    PAGE.write_text(page(RECORDED), encoding="utf8")
    print(f"{PAGE.name}: of {RECORDED.name}")


def refold_incident() -> None:
    """Keyframes and hashes as this version makes them; what was done and measured stays, byte for byte."""
    draft = RECORDED.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    written = refold(RECORDED, draft)
    draft.replace(RECORDED)
    print(f"{RECORDED.name}: {written.entries} entries, {written.size} bytes")


def record_golden() -> None:
    """The archive of this version, and the figures of all."""
    sys.path.insert(0, str(Path(__file__).parent / "unit"))
    from recordings import Shop  # noqa: PLC0415 - of the script alone
    from test_proof import record  # noqa: PLC0415 - with checkpoints, as a master makes it

    DATA.mkdir(exist_ok=True)
    path = DATA / f"schema-{SCHEMA_VERSION}.tidal"
    path.unlink(missing_ok=True)
    record(path, Shop(seconds=20))
    for archive in archives():
        write_down(archive)


def main() -> None:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--refold", action="store_true")
    parser.add_argument("--postmortem", action="store_true")
    args = parser.parse_args()
    if args.refold:
        refold_incident()
    if args.postmortem:
        write_page()
    if not (args.refold or args.postmortem):
        record_golden()


if __name__ == "__main__":
    main()
