"""Each file of tests/compat/files, run by the real Locust and by tidal: what they did must be the same.

A new file is a new test. For one file, with all that was printed:

    python tests/compat/test_side_by_side.py tests/compat/files/NAME.py
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from differences import differences
from headers import Case, cases_of
from sides import HERE, Outcome, Target, run_ours, run_peer, target

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]

FILES = sorted(path for path in (HERE / "files").glob("*.py") if not path.name.startswith("_"))
CASES = [pytest.param(case, id=name) for path in FILES for name, case in cases_of(path)]


@pytest.fixture(scope="module")
def shop() -> Iterator[Target]:
    """One target for all files."""
    with target() as running:
        yield running


def both(case: Case, shop: Target) -> tuple[Outcome, Outcome]:
    """Run one after the other: two loads at once would disturb each other."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="tidal-", dir="/tmp") as name:  # short: a socket's path is bounded
        folder = Path(name)
        for side in ("peer", "ours"):
            (folder / side).mkdir()
            began_s = time.monotonic()
            run = run_peer(case, shop, folder / side) if side == "peer" else None
            outcomes.append(run or run_ours(case, shop, folder / side, folder / "h"))
            outcomes[-1].seconds = time.monotonic() - began_s
    return outcomes[0], outcomes[1]


@pytest.mark.parametrize("case", CASES)
def test_a_file_does_the_same(case: Case, shop: Target) -> None:
    """Names, counts, failures, exceptions, exit code, CSV columns, and what the file itself noted."""
    peer, ours = both(case, shop)
    found = differences(case, peer, ours)
    assert not found, "\n".join([*found, "", "--- tidal's stderr", ours.stderr[-2_000:]])


def main(names: list[str]) -> int:
    """Compare files from the shell."""
    apart = 0
    loud = "-v" in names
    with target() as shop:
        for name, case in (each for path in names if path != "-v" for each in cases_of(Path(path).resolve())):
            peer, ours = both(case, shop)
            found = differences(case, peer, ours)
            apart += bool(found)
            print(
                f"{'!=' if found else 'ok'} {name}  Locust {peer.seconds:.1f} s, tidal {ours.seconds:.1f} s", flush=True
            )
            for line in found:
                print(f"     {line}", flush=True)
            for who, side in (("Locust", peer), ("tidal", ours)) if loud else ():
                print(f"--- {who} exit {side.exit}\n{side.stdout}\n{side.stderr}\nrequests {side.requests}")
                print(f"failures {dict(side.failures)}\nexceptions {dict(side.exceptions)}\nserved {dict(side.served)}")
                print("\n".join(side.notes), flush=True)
    return min(apart, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
