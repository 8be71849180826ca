"""`with self.rest(…)`: a request for JSON and a block that checks it, for users with an HTTP `client`."""

from __future__ import annotations

import re
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tidal.generator.home import from_home

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWN_FOLDER = str(Path(__file__).resolve().parent)
_HOME = re.compile(r"^/(?:home|Users)/\w*/")


R = TypeVar("R")


class RestMixin(Generic[R]):
    """What HttpUser and FastHttpUser have in common; R is the response that `rest` gives."""

    client: Any

    @contextmanager
    def rest(self, method: str, url: str, headers: dict[str, str] | None = None, **kwargs: Any) -> Iterator[R]:
        """Ask for JSON: the response has it in `js`; a bad body, a failed assert or an error in the block fails it."""
        sent = {"Content-Type": "application/json", "Accept": "application/json"}
        own = {name.lower() for name in headers or {}}
        sent = {name: value for name, value in sent.items() if name.lower() not in own} | (headers or {})
        with self.client.request(method, url, catch_response=True, headers=sent, **kwargs) as response:
            response.js = None
            _parse_json(response)
            try:
                yield response
            except AssertionError as error:
                response.failure(_assertion_text(error, response))
            except Exception as error:  # noqa: BLE001 - whatever the block raises is the sample's failure
                response.failure(_error_text(error, response))

    @contextmanager
    def rest_(self, method: str, url: str, name: str | None = None, **kwargs: Any) -> Iterator[R]:
        """As `rest`, with the time as a parameter `_`, to get past caches."""
        mark = "&" if "?" in url else "?"
        name = f"{url}{mark}_=..." if name is None else name
        with self.rest(method, f"{url}{mark}_={int(time.time() * 1000)}", name=name, **kwargs) as response:
            yield response


def _parse_json(response: Any) -> None:
    if response.content is None or not response.status_code:
        response.failure(str(response.error))
    elif response.text:
        try:
            response.js = response.json()
        except ValueError as error:
            response.failure(
                f"Could not parse response as JSON. {response.text[:250]}, response code {response.status_code},"
                f" error {error}"
            )


def _shortened(response: Any) -> Any:
    return response.text[:200] if response.text else response.text


def _assertion_text(error: AssertionError, response: Any) -> str:
    text = str(error.args[0]) if error.args else "Assertion failed"
    return f"{text[:-1]}, response was {_shortened(response)}" if text.endswith(",") else text


def _error_text(error: Exception, response: Any) -> str:
    places = [
        f"{_HOME.sub('~/', from_home(frame.filename))}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_OWN_FOLDER)
    ]
    return f"{type(error).__name__}: {error} at {', '.join(places)}. Response was {_shortened(response)}"
