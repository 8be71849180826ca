"""The terminal in a real browser: drawn, steered by keys, and closed to who may not look."""

from __future__ import annotations

import http.client
import importlib.util
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from browser import BINARY, Browser
from deadline import until
from ports import own_port
from recordings import Shop, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.skipif(importlib.util.find_spec("textual_serve") is None, reason="textual-serve is not installed"),
]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A replay that is served on loopback."""
    port, log = own_port(), tmp_path / "said"
    path = record(tmp_path / "shop.tidal", Shop(seconds=30))
    argv = [sys.executable, "-m", "tidal", "replay", str(path), "--speed", "64", "--serve", f"127.0.0.1:{port}"]
    with log.open("wb") as said:
        child = subprocess.Popen(argv, stdout=said, stderr=said, env={**os.environ, "TIDAL_HOME": str(tmp_path)})
    try:
        until(lambda: b"is served on" in log.read_bytes(), within_s=30, what="it is served")
        yield port, log
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(60)


def status(port: int, path: str = "/", **headers: str) -> int:
    """The answer's status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_who_may_look(served: tuple[int, Path]) -> None:
    """This page from this machine; no page of another site, no other name for this one."""
    port, _ = served
    assert status(port) == 200
    assert status(port, Host=f"evil.example:{port}") == 403
    assert status(port, "/ws", Origin="http://evil.example") == 403
    assert status(port, "/ws", Origin=f"http://127.0.0.1:{port + 1}") == 403


@pytest.mark.skipif(not BINARY, reason="there is no Chromium here")
def test_a_replay_in_a_browser(served: tuple[int, Path], tmp_path: Path) -> None:
    """The page draws the screen, asks nothing of anybody else, and takes keys."""
    port, _ = served
    with Browser() as browser:
        browser.visit(f"http://127.0.0.1:{port}/")
        until(
            lambda: browser.ask("document.body.classList.contains('-first-byte')"),
            within_s=60,
            what="something is drawn",
        )
        quiet = still(browser, tmp_path / "quiet.png")
        browser.drag((700.0, 500.0), (700.0, 500.0))
        browser.press("v")
        until(lambda: pixels(browser, tmp_path / "opened.png") != quiet, within_s=30, what="a key changes the picture")
        still(browser, tmp_path / "opened.png")
        elsewhere = [
            said for said in browser.problems if said.startswith("asked for") and f"127.0.0.1:{port}" not in said
        ]
        assert not [said for said in elsewhere if not said.endswith(("Roboto%20Mono", "fonts.googleapis.com"))]


def pixels(browser: Browser, file: Path) -> bytes:
    """What is on the screen now."""
    browser.picture(file)
    return file.read_bytes()


def still(browser: Browser, file: Path) -> bytes:
    """What is on the screen once it stays so for a second."""
    seen = [pixels(browser, file)]

    def stays() -> bool:
        time.sleep(1)
        seen.append(pixels(browser, file))
        return seen[-1] == seen[-2]

    until(stays, within_s=40, what="the screen stands still")
    return seen[-1]
