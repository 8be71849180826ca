"""Take the pictures of docs/report.md from a real run's archive: `python docs/pictures/report.py RUN.tidal`.

The run in them: three workers under the bundled shop, one of them killed with SIGKILL, the users raised later on.
A Chromium is needed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "e2e"))

from browser import Browser  # noqa: E402 - it lives with the tests

from tidal.report import write_html  # noqa: E402

SIZE = (1240, 1330)


def main() -> None:
    """One in light, one in dark."""
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        page = Path(folder) / "report.html"
        write_html(Path(sys.argv[1]), page)
        for theme in ("light", "dark"):
            browser.open(page, *SIZE, theme)
            browser.settle()
            browser.picture(HERE / f"report-{theme}.png")


if __name__ == "__main__":
    main()
