"""What `self.client.get(…)` and the others take and give, for type checkers and editors; at run time nothing is added.

`requests.Session` says that they return its own `Response`, and knows neither `name` nor `catch_response`.
"""

# ruff: noqa: D102 - the methods are those of requests
# mypy: disable-error-code="override,empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import requests

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Unpack

    from tidal.generator.http_response import ResponseContextManager

    Params = Mapping[str, Any] | Sequence[tuple[str, Any]] | str | bytes | None
    Headers = Mapping[str, str | bytes | None] | None


class Common(TypedDict, total=False):
    """What a request of any method may have beside its address."""

    name: str | None
    """What it is counted under; default: its path with the query."""
    catch_response: bool
    """It is counted when the `with` block ends, as the block declares."""
    context: dict[str, Any]
    """For the listeners of the `request` hook."""
    params: Params
    headers: Headers
    cookies: Any
    files: Any
    auth: Any
    timeout: float | tuple[float, float] | None
    allow_redirects: bool
    proxies: Mapping[str, str] | None
    hooks: Any
    stream: bool | None
    verify: bool | str | None
    cert: str | tuple[str, str] | None


class WithBody(Common, total=False):
    """The same, for methods whose body is named."""

    data: str | bytes | Iterable[bytes] | Mapping[str, Any] | Iterable[tuple[str, Any]] | None
    json: Any


class Asking(requests.Session):
    """A session whose methods are known by what tidal makes of them."""

    if TYPE_CHECKING:

        def get(self, url: str | bytes, **kwargs: Unpack[WithBody]) -> ResponseContextManager: ...

        def options(self, url: str | bytes, **kwargs: Unpack[WithBody]) -> ResponseContextManager: ...

        def head(self, url: str | bytes, **kwargs: Unpack[WithBody]) -> ResponseContextManager: ...

        def delete(self, url: str | bytes, **kwargs: Unpack[WithBody]) -> ResponseContextManager: ...

        def post(
            self, url: str | bytes, data: Any = None, json: Any = None, **kwargs: Unpack[Common]
        ) -> ResponseContextManager: ...

        def put(
            self, url: str | bytes, data: Any = None, *, json: Any = None, **kwargs: Unpack[Common]
        ) -> ResponseContextManager: ...

        def patch(
            self, url: str | bytes, data: Any = None, *, json: Any = None, **kwargs: Unpack[Common]
        ) -> ResponseContextManager: ...
