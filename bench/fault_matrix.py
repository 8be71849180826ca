"""The same faults on tidal and on the real Locust: same machine, same file, same load, and what the target saw.

    python bench/fault_matrix.py             the loss of one of three workers, on three sides at once: two minutes
    python bench/fault_matrix.py --all       every case, a quarter of an hour
    python bench/fault_matrix.py --write     puts the picture and the table into docs/

30 users at a constant pace of 0.5 s are 60 requests a second, on a target that counts them; the sides have targets of
their own and run beside each other. Missing user-seconds are what the seconds that fell short lacked.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from faults.cases import CASES, LOSS, Case, Seen, play
from faults.picture import draw
from faults.sides import SIDES, Side

DOCS = Path(__file__).parent.parent / "docs"
BEGIN, END = "<!-- made by bench/fault_matrix.py -->", "<!-- end -->"


def twice(side: type[Side], case: Case, folder: Path) -> Seen:
    """Play a case; once more when the side did not come up."""
    try:
        return play(side, case, folder)
    except RuntimeError as error:
        print(error, file=sys.stderr, flush=True)
        return play(side, case, folder.with_name(f"{folder.name}-again"))


def run(case: Case, folder: Path) -> list[Seen]:
    """One case on all sides at once."""
    with ThreadPoolExecutor(len(SIDES)) as pool:
        waiting = [pool.submit(twice, side, case, folder / str(n)) for n, side in enumerate(SIDES)]
        found = [w.result() for w in waiting]
    print(f"\n{case.name}")
    for seen in found:
        print(f"  {seen.side:28} {seen.words()}", flush=True)
    return found


def table(found: dict[str, list[Seen]]) -> str:
    """As Markdown."""
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    rows = [
        f"Measured on {machine}, Locust {version('locust')}: 30 users, 60 requests a second.",
        "",
        "| fault | " + " | ".join(side.name for side in SIDES) + " |",
        "|---" * (len(SIDES) + 1) + "|",
    ]
    rows += [f"| {name} | " + " | ".join(seen.words() for seen in sides) + " |" for name, sides in found.items()]
    return "\n".join(rows)


def write(found: dict[str, list[Seen]]) -> None:
    """Put picture and table where the docs have them."""
    (DOCS / "pictures" / "loss.svg").write_text(draw(found[LOSS.name], "One of three workers is killed"))
    page = DOCS / "faults.md"
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{rest.partition(END)[2]}")


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every case")
    parser.add_argument("--write", action="store_true", help="put picture and table into docs/")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        cases = CASES if args.all else (LOSS,)
        found = {case.name: run(case, Path(folder) / str(n)) for n, case in enumerate(cases)}
    if args.write:
        write(found)
    else:
        print("\n" + table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
