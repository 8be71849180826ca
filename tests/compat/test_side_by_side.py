"""Each file of tests/compat/files, run by the real Locust and by tidal: what they did must be the same.

A new file is a new test. For one file, with all that was printed:

    python tests/compat/test_side_by_side.py tests/compat/files/NAME.py
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from differences import differences
from headers import Case, cases_of
from sides import HERE, Outcome, Target, run_ours, run_peer, target

if TYPE_CHECKING:
    from collections.abc import Iterator

    Pair = tuple[Target, Target]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

FILES = sorted(path for path in (HERE / "files").glob("*.py") if not path.name.startswith("_"))
CASES = [pytest.param(case, id=name) for path in FILES for name, case in cases_of(path)]


@pytest.fixture(scope="module")
def shops() -> Iterator[Pair]:
    """A target for each side, for all files."""
    with two_targets() as running:
        yield running


@contextmanager
def two_targets() -> Iterator[Pair]:
    """One for Locust, one for tidal."""
    with target() as one, target() as other:
        yield one, other


def both(case: Case, shops: Pair) -> tuple[Outcome, Outcome]:
    """Run both at once: each spends most of its time waiting."""
    with tempfile.TemporaryDirectory(prefix="tidal-", dir="/tmp") as name:  # short: a socket's path is bounded
        folder = Path(name)
        for side in ("peer", "ours"):
            (folder / side).mkdir()
        with ThreadPoolExecutor(2) as pool:
            peer = pool.submit(run_peer, case, shops[0], folder / "peer")
            ours = pool.submit(run_ours, case, shops[1], folder / "ours", folder / "h")
        return peer.result(), ours.result()


def compared(case: Case, shops: Pair) -> tuple[list[str], Outcome]:
    """What both sides differ in, and tidal's.

    A run of two seconds may be over before a busy machine has begun it. So what differs is run once more, for longer:
    what is not the same then is a difference.
    """
    for trial in (case, case.for_longer()):
        peer, ours = both(trial, shops)
        if not (found := differences(trial, peer, ours)):
            break
    return found, ours


@pytest.mark.parametrize("case", CASES)
def test_a_file_does_the_same(case: Case, shops: Pair) -> None:
    """Names, counts, failures, exceptions, exit code, CSV columns, and what the file itself noted."""
    found, ours = compared(case, shops)
    assert not found, "\n".join([*found, "", "--- tidal's stderr", ours.stderr[-2_000:]])


def main(names: list[str]) -> int:
    """Compare files from the shell."""
    apart = 0
    loud = "-v" in names
    with two_targets() as shops:
        for name, case in (each for path in names if path != "-v" for each in cases_of(Path(path).resolve())):
            peer, ours = both(case, shops)
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
