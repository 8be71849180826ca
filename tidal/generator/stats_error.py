"""Failed requests of one endpoint with one message, as Locust's `stats.errors` has them."""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Any

from tidal.flow import CatchResponseError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ADDRESS = re.compile(r"(?<=object at )0x[^>]*(?=>)")
_FIELDS = ("name", "method", "error", "occurrences", "first_seen", "last_seen")
_CAUGHT = "CatchResponseError("


class StatsError:
    """One kind of failure; `first_seen` and `last_seen` are Unix times."""

    def __init__(  # noqa: PLR0917 - Locust's
        self,
        method: str,
        name: str,
        error: Any,
        occurrences: int = 0,
        first_seen: float | None = None,
        last_seen: float | None = None,
    ) -> None:
        self.method, self.name, self.error = method, name, error
        self.occurrences = occurrences
        self.first_seen, self.last_seen = first_seen, last_seen

    def __repr__(self) -> str:
        return f"<StatsError {self.occurrences} times {self.to_name()}>"

    @classmethod
    def parse_error(cls, error: Any) -> str:
        """The text that errors are grouped by: a string as it is, an exception's repr without addresses."""
        return _ADDRESS.sub("0x....", error if isinstance(error, str) else repr(error))

    @classmethod
    def create_key(cls, method: str, name: str, error: Any) -> str:
        """The key in `stats.errors`."""
        return hashlib.sha256(f"{method}.{name}.{cls.parse_error(error)!r}".encode("utf-8", "replace")).hexdigest()

    def occurred(self) -> None:
        """Count one more, now."""
        self.occurrences += 1
        self.last_seen = time.time()
        self.first_seen = self.last_seen if self.first_seen is None else self.first_seen

    def to_name(self) -> str:
        """Method, name and message; a message of the file's own (`failure("…")`) without the class around it."""
        if isinstance(self.error, CatchResponseError):
            return f"{self.method} {self.name}: {self.error}"
        text = self.parse_error(self.error)
        text = text[len(_CAUGHT) : -1] if text.startswith(_CAUGHT) else text
        return f"{self.method} {self.name}: {text}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {field: getattr(self, field) for field in _FIELDS} | {"error": self.parse_error(self.error)}

    serialize = to_dict

    @classmethod
    def unserialize(cls, data: Mapping[str, Any]) -> StatsError:
        """The error of `serialize`."""
        seen = (data.get("first_seen"), data.get("last_seen"))
        return cls(data["method"], data["name"], data["error"], data["occurrences"], *seen)
