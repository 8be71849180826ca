"""`tidal new` and `tidal import` as a user types them: what they write works, with tidal and with the real Locust."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from browser import BINARY
from har_recorder import record

from tidal.drafting.choose import STATIC_NAMES
from tidal.target.child import shop

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SHOP = Path(__file__).resolve().parents[1] / "data" / "shop.har"
TAKEN = "is there already: name another file, or move it away"
NOT_REPLAYED = ("/favicon.ico", "/pictures/logo.png")


def command(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a module of Python in a folder."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("TIDAL_", "LOCUST_"))}
    return subprocess.run(
        [sys.executable, "-m", *argv],
        capture_output=True,
        check=False,
        text=True,
        timeout=150,
        cwd=folder,
        env={**clean, "TIDAL_HOME": str(folder)},
        stdin=subprocess.DEVNULL,
    )


def served(url: str) -> Counter[str]:
    """What the shop was asked for, by endpoint and by status."""
    with urllib.request.urlopen(f"{url}/__counts", timeout=60) as answer:  # noqa: S310 - our own shop
        counts = json.load(answer)
    return Counter({**counts["by_endpoint"], **{f"status {s}": n for s, n in counts["by_status"].items()}})


def recorded(har: dict[str, Any]) -> Counter[tuple[str, str]]:
    """Method and path of what a browser sent, without what is static."""
    requests = (entry["request"] for entry in har["log"]["entries"])
    asked = ((request["method"], "/" + request["url"].split("/", 3)[3]) for request in requests)
    return Counter((method, path) for method, path in asked if not STATIC_NAMES.search(path))


def replayed(folder: Path, har: dict[str, Any]) -> tuple[Counter[str], dict[str, Any]]:
    """What the shop is asked for, and what `tidal check` tells, when a recording is imported and tried."""
    (folder / "visit.har").write_text(json.dumps(har), encoding="utf-8")
    made = command(folder, "tidal", "import", "har", "visit.har", "-o", "visit.py")
    assert made.returncode == 0, made.stderr
    with shop() as url:
        done = command(folder, "tidal", "check", "visit.py", "-H", url, "--json")
        assert done.returncode == 0, done.stderr
        return served(url), json.loads(done.stdout)


def test_a_first_file_passes_its_check(tmp_path: Path) -> None:
    """For the demo's shop and for a host of one's own, with either client; a file that is there stays as it is."""
    with shop() as url:
        for name, more in (("a.py", ()), ("b.py", ("--fast",)), ("c.py", ("--fast", "-H", f"{url}/"))):
            assert command(tmp_path, "tidal", "new", name, *more).returncode == 0
            done = command(tmp_path, "tidal", "check", name, "-H", url)
            assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "c.py").read_text()
    assert f'host = "{url}"' in text
    refused = command(tmp_path, "tidal", "new", "c.py")
    assert (refused.returncode, refused.stderr) == (
        2,
        "tidal: c.py is there already: name another file, or move it away\n",
    )
    assert (tmp_path / "c.py").read_text() == text
    files = [str(path) for path in tmp_path.glob("*.py")]
    assert (
        subprocess.run(
            [sys.executable, "-m", "ruff", "format", "--isolated", "--check", *files], check=False
        ).returncode
        == 0
    )


def test_a_recording_of_a_browser_is_replayed_by_its_file(tmp_path: Path) -> None:
    """The requests that Chromium made, in their order; the hops of redirects are made by the client."""
    har = json.loads(SHOP.read_text())
    counts, told = replayed(tmp_path, har)
    tried = [step for step in told["steps"] if step["what"] == "tried"]
    asked = Counter((step["method"], "/" + step["url"].split("/", 3)[3]) for step in tried)
    hops = {("GET", "/redirect/1"): 1, ("GET", "/echo"): 1}
    assert asked + Counter(hops) == recorded(har)
    assert counts["/redirect/N"] == 2
    assert counts["status 404"] == 1


@pytest.mark.skipif(not BINARY, reason="no Chromium on this machine (.ci/chromium installs one)")
def test_a_browser_of_today_is_recorded_and_replayed(tmp_path: Path) -> None:
    """Recorded now: the shop is asked for the same by the file as it was by the browser."""
    har, counted = record()
    counts, _ = replayed(tmp_path, har)
    by_browser = Counter({**counted["by_endpoint"], **{f"status {s}": n for s, n in counted["by_status"].items()}})
    static = [e for e in har["log"]["entries"] if e["request"]["url"].endswith(NOT_REPLAYED)]
    by_browser.subtract({"(other)": len(static), "status 404": len(static)})
    assert +by_browser == counts


def test_the_file_runs_under_locust_as_it_is(tmp_path: Path) -> None:
    """The real one, in a process of its own: the same requests, again and again, and none fails."""
    made = command(tmp_path, "tidal", "import", "har", str(SHOP), "-o", "visit.py")
    assert made.returncode == 0, made.stderr
    assert command(tmp_path, "tidal", "new", "first.py").returncode == 0
    for file in ("visit.py", "first.py"):
        with shop() as url:
            done = command(tmp_path, "locust", "-f", file, "--headless", "-u", "24", "-r", "24", "-t", "8s", "-H", url)
            counts = served(url)
        assert done.returncode == 0, done.stderr
        wanted = ["GET /", "GET /products/N", "POST /cart"]
        assert all(counts[name] for name in wanted + (["/echo", "/redirect/N"] if file == "visit.py" else [])), counts


def test_an_import_says_what_it_left_out_and_never_writes_over_a_file(tmp_path: Path) -> None:
    """Unless it is told to; without -o the file is printed."""
    made = command(tmp_path, "tidal", "import", "har", str(SHOP), "-o", "visit.py")
    assert "left out: 2 images, styles, scripts and fonts (--static keeps them)" in made.stderr
    again = command(tmp_path, "tidal", "import", "har", str(SHOP), "-o", "visit.py")
    assert (again.returncode, again.stderr) == (
        2,
        "tidal: visit.py is there already: name another file, or move it away\n",
    )
    assert command(tmp_path, "tidal", "import", "har", str(SHOP), "-o", "visit.py", "--replace").returncode == 0
    for words in ((), ("-o", "-")):
        printed = command(tmp_path, "tidal", "import", "har", str(SHOP), *words)
        assert printed.stdout == (tmp_path / "visit.py").read_text()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("har", "absent.har"), 55, "cannot read absent.har: No such file"),
        (("har", __file__), 55, "test_new_and_import.py: not a HAR file"),
        (("curl", "wget x"), 55, "'wget' is no curl command"),
        (("x.har",), 2, "x.har is a recording: tidal import har x.har"),
        (("jmeter", "x"), 2, "'jmeter' is no kind of recording: har or curl"),
        (("curl", "curl x", "--redact", "/(/"), 2, "--redact: '(' is no regular expression"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_said_in_one_line(
    tmp_path: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    """In one line, with its exit code."""
    done = command(tmp_path, "tidal", "import", *words)
    assert done.returncode == code
    assert done.stderr.startswith("tidal: ")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
