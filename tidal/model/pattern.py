"""Regular expressions that are compiled when somebody first matches with them: most starts need none of a hundred."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from re import Pattern


class _Uncompiled:
    """What stands for a pattern; its methods are the pattern's own once they were asked for."""

    def __init__(self, source: str, flags: int) -> None:
        self._given = source, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(*self._given), name)
        setattr(self, name, found)
        return found


def lazily(source: str, flags: int = 0) -> Pattern[str]:
    """The same as `re.compile`, later: a mistake in it shows at the first match."""
    return cast("Pattern[str]", _Uncompiled(source, flags))
