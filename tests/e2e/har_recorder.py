"""A HAR recorded from a real browser: Chromium, against the demo's shop.

`python tests/e2e/har_recorder.py` makes tests/data/shop.har anew.
"""

from __future__ import annotations

import base64
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from browser import Browser

from tidal.target.child import shop

DATA = Path(__file__).resolve().parents[1] / "data" / "shop.har"
VISIT = """
(async () => {
  const pause = ms => new Promise(done => setTimeout(done, ms));
  const send = (url, body, kind) => fetch(url, {method: "POST", headers: {"Content-Type": kind}, body});
  await (await fetch("/cookies/theme/dark")).text();
  await (await fetch("/products")).json();
  const image = new Image(); image.src = "/pictures/logo.png"; await pause(700);
  await (await fetch("/products/7", {headers: {"X-Language": "en"}})).json();
  const wish = JSON.stringify({product: 7, note: "it's \\"fine\\" {x} \\\\ ü"});
  await (await send("/cart", wish, "application/json")).json();
  await pause(900);
  await (await fetch("/search?q=tide%20table&page=2")).json();
  await (await fetch("/redirect/2")).json();
  await (await send("/echo/login", "user=ann&password=hunter2", "application/x-www-form-urlencoded")).json();
  await (await fetch("/status/404")).text();
  return 1;
})()
"""
"""What the visitor does in the page: two pauses, JSON and a form, a secret, a redirect, an answer that is an error."""


class HarBrowser(Browser):
    """A browser that keeps what it sent and got."""

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[str, dict[str, Any]] = {}
        self._sent_headers: dict[str, list[dict[str, str]]] = {}
        self._got_headers: dict[str, list[dict[str, str]]] = {}
        self.entries: list[dict[str, Any]] = []

    def _take(self, event: dict[str, Any]) -> None:
        super()._take(event)
        method, params = event.get("method", ""), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self._begun(params)
        elif method == "Network.requestWillBeSentExtraInfo":
            self._sent_headers.setdefault(params["requestId"], []).append(params["headers"])
        elif method == "Network.responseReceivedExtraInfo":
            self._got_headers.setdefault(params["requestId"], []).append(params["headers"])
        elif method == "Network.responseReceived" and params["requestId"] in self._open:
            self._answered(self._open[params["requestId"]], params["response"])
        elif method in ("Network.loadingFinished", "Network.loadingFailed"):
            self._ended(params)

    def _begun(self, params: dict[str, Any]) -> None:
        """A request; where it follows a redirect, the one before has ended."""
        key, request = params["requestId"], params["request"]
        if "redirectResponse" in params and key in self._open:
            before = self._open.pop(key)
            self._answered(before, params["redirectResponse"])
            self._keep(before, params["timestamp"], key)
        entry = {
            "pageref": params.get("loaderId", ""),
            "startedDateTime": datetime.fromtimestamp(params["wallTime"], UTC).isoformat(timespec="milliseconds"),
            "_resourceType": params.get("type", "").lower(),
            "_began_s": params["timestamp"],
            "request": {"method": request["method"], "url": request["url"], "headers": _pairs(request["headers"])},
            "response": {"status": 0, "headers": [], "content": {}},
        }
        if "postData" in request:
            kind = next((v for k, v in request["headers"].items() if k.lower() == "content-type"), "")
            entry["request"]["postData"] = {"mimeType": kind, "text": request["postData"]}
        self._open[key] = entry

    def _answered(self, entry: dict[str, Any], response: dict[str, Any]) -> None:
        content = {"mimeType": response["mimeType"]}
        entry["response"] = {"status": response["status"], "headers": _pairs(response["headers"]), "content": content}

    def _ended(self, params: dict[str, Any]) -> None:
        if (entry := self._open.pop(params["requestId"], None)) is not None:
            entry["_body_of"] = params["requestId"]
            self._keep(entry, params["timestamp"], params["requestId"])

    def _keep(self, entry: dict[str, Any], ended_s: float, key: str) -> None:
        entry["time"] = round((ended_s - entry.pop("_began_s")) * 1000, 1)
        entry["_key"] = key
        self.entries.append(entry)

    def visit(self, url: str) -> dict[str, Any]:
        """Open the shop, do what a visitor does, and make a HAR of it."""
        self.call("Page.navigate", url=f"{url}/")
        while "Page.loadEventFired" not in self._events:
            self._take(self._next())
        self.ask(VISIT)
        self.settle()
        for entry in self.entries:
            self._add_body(entry)
            self._complete(entry)
        entries = sorted(self.entries, key=lambda entry: entry["startedDateTime"])
        return {"log": {"version": "1.2", "creator": {"name": "Chromium", "version": ""}, "entries": entries}}

    def _complete(self, entry: dict[str, Any]) -> None:
        """Cookies and what else only the network's side knows."""
        key = entry.pop("_key")
        if sent := self._sent_headers.get(key):
            entry["request"]["headers"] = _pairs(sent.pop(0))
        if got := self._got_headers.get(key):
            entry["response"]["headers"] = _pairs(got.pop(0))

    def _add_body(self, entry: dict[str, Any]) -> None:
        key = entry.pop("_body_of", None)
        if key is None or not entry["response"]["status"]:
            return
        answer = self.call("Network.getResponseBody", requestId=key)
        text = base64.b64decode(answer["body"]).decode("latin-1") if answer["base64Encoded"] else answer["body"]
        entry["response"]["content"]["text"] = text


def _pairs(headers: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def record() -> tuple[dict[str, Any], dict[str, Any]]:
    """A HAR of a visit, and what the shop counted."""
    import urllib.request  # noqa: PLC0415 - only here

    with shop() as url, HarBrowser() as browser:
        har = browser.visit(url)
        with urllib.request.urlopen(f"{url}/__counts") as answer:  # noqa: S310 - our own shop
            return har, json.load(answer)


if __name__ == "__main__":
    made, _ = record()
    DATA.parent.mkdir(exist_ok=True)
    DATA.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{DATA}: {len(made['log']['entries'])} requests\n")
