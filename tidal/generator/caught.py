"""The `with` block of `catch_response=True`, of both clients: its request may be declared a success or a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tidal.flow import CatchResponseError, LocustError, ResponseError

if TYPE_CHECKING:
    from types import TracebackType

_USE_BLOCK = (
    "Tried to set status on a request that has not yet been made. Make sure you use a with-block, like this:\n\n"
    "with self.client.request(…, catch_response=True) as response:\n    response.success()"
)


class Caught:
    """What a response of either client does in a block. The response says what is wrong with it, and tells the hook."""

    _manual_result: bool | Exception | None = None
    _entered = False
    _catch_response = False

    def _trouble(self) -> Any:
        """What went wrong; None when nothing did."""
        raise NotImplementedError

    def _tell(self, exception: Any) -> None:
        """Fire the hook."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        if not self._catch_response:
            raise LocustError("In order to use a with-block for requests, you must also pass catch_response=True")
        self._entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None, /
    ) -> bool | None:
        """Tell the hook how it went; an exception of the block's own goes on, a `ResponseError` is the verdict."""
        if self._manual_result is not None:
            self._tell(None if self._manual_result is True else self._manual_result)
            return kind is None
        if isinstance(value, ResponseError):
            self._tell(value)
            return True
        if kind is not None:
            if not issubclass(kind, Exception):  # the user was stopped here: the request is not lost from the count
                self._tell(self._trouble())
            return False
        self._tell(self._trouble())
        return True

    def success(self) -> None:
        """Declare the request a success."""
        self._declare(verdict=True)

    def failure(self, exc: Any) -> None:
        """Declare the request a failure, with a text or an exception."""
        self._declare(exc if isinstance(exc, Exception) else CatchResponseError(exc))

    def _declare(self, verdict: bool | Exception) -> None:  # noqa: FBT001 - it is the thing itself
        if not self._entered:
            raise LocustError(_USE_BLOCK)
        self._manual_result = verdict
