"""A real Chromium without a window, steered over a pipe in its own protocol (CDP): nothing to install beside it."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

BINARY = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
    "--disable-extensions", "--disable-background-networking", "--disable-component-update",
    "--force-color-profile=srgb", "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE_S = 120.0
BOX = "e => { const b = e.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2] }"
KEYS = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39, "Tab": 9}


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are out of the way of those that the browser expects."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


class Browser:
    """One browser with one page.

    Attributes:
        problems: whatever the page complained of: exceptions, console errors, refused or attempted requests.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tidal-chromium-", ignore_cleanup_errors=True)
        hears, self._write = _pipe()
        self._read, says = _pipe()
        script = f'exec "$@" 3<&{hears} 4>&{says}'  # where the browser looks for its pipes; sh knows one digit only
        argv = ["bash", "-c", script, "bash", BINARY, *FLAGS, f"--user-data-dir={self._folder.name}", "about:blank"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(argv, pass_fds=(hears, says), **quiet)
        os.close(hears)
        os.close(says)
        self._count, self._rest, self._session = 0, b"", ""
        self.problems: list[str] = []
        self._events: list[str] = []

    def __enter__(self) -> Self:
        try:
            target = self._first_page()
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)
        os.close(self._write)
        os.close(self._read)
        self._folder.cleanup()

    def _first_page(self) -> str:
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            for target in self.call("Target.getTargets")["targetInfos"]:
                if target["type"] == "page":
                    return target["targetId"]
        raise AssertionError("the browser opened no page")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the browser for something and wait for its answer."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._count:
            self._take(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        deadline_s = time.monotonic() + PATIENCE_S
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0, deadline_s - time.monotonic()))
            assert ready, "the browser does not answer"
            part = os.read(self._read, 1 << 20)
            assert part, "the browser ended"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    def _take(self, event: dict[str, Any]) -> None:
        """Note what the page says by itself."""
        method, params = event.get("method", ""), event.get("params", {})
        self._events.append(method)
        if method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(params["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning", "assert"}:
            self.problems.append(json.dumps(params["args"])[:500])
        elif method == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
            self.problems.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent" and not params["request"]["url"].startswith(("file:", "data:")):
            self.problems.append(f"asked for {params['request']['url']}")

    def open(self, page: Path, width: int = 1440, height: int = 900, theme: str = "light") -> None:
        """Open a file in a window of a size, as a reader who likes a theme sees it."""
        self.visit(page.as_uri(), width, height, theme)

    def visit(self, url: str, width: int = 1440, height: int = 900, theme: str = "dark") -> None:
        """Open an address."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.prefer(theme)
        self._events.clear()
        self.call("Page.navigate", url=url)
        while "Page.loadEventFired" not in self._events:
            self._take(self._next())

    def prefer(self, theme: str) -> None:
        """Prefer light or dark."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page, after whatever it promises."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def settle(self) -> None:
        """Wait until the page has drawn twice."""
        self.ask("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def centre(self, selector: str) -> tuple[float, float]:
        """Where an element is, scrolled into view."""
        found = f"document.querySelector({json.dumps(selector)})"
        x, y = self.ask(f"(e => {{ e.scrollIntoView({{block: 'center'}}); return ({BOX})(e) }})({found})")
        return x, y

    def click(self, selector: str) -> None:
        """A click of the mouse in the middle of an element."""
        x, y = self.centre(selector)
        self.drag((x, y), (x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse at one place and let it go at another."""
        self.hover(*start)
        self._mouse("mousePressed", start, buttons=1)
        if start != end:
            self._mouse("mouseMoved", ((start[0] + end[0]) / 2, end[1]), buttons=1)
            self._mouse("mouseMoved", end, buttons=1)
        self._mouse("mouseReleased", end, buttons=0)
        self.settle()

    def hover(self, x: float, y: float) -> None:
        """Move the mouse to a place."""
        self._mouse("mouseMoved", (x, y), buttons=0)
        self.settle()

    def _mouse(self, kind: str, at: tuple[float, float], buttons: int) -> None:
        button = "none" if kind == "mouseMoved" and not buttons else "left"
        self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button=button, buttons=buttons, clickCount=1)

    def press(self, key: str) -> None:
        """A key of the keyboard."""
        told = {"key": key, "windowsVirtualKeyCode": KEYS.get(key, ord(key[0]))}
        text = {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **told, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **told)
        self.settle()

    def picture(self, file: Path, *, whole: bool = False) -> None:
        """What is on the screen, or the whole page, as a PNG."""
        data = self._whole() if whole else self.call("Page.captureScreenshot", format="png")["data"]
        file.write_bytes(base64.b64decode(data))

    def _whole(self) -> str:
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        return str(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"])

    def paper(self, file: Path) -> None:
        """The page as it is printed."""
        answer = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        file.write_bytes(base64.b64decode(answer["data"]))
