"""Header fields: case does not matter, and a field may have several lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class Headers(MutableMapping[str, Any]):
    """Header fields by name: the text of the line, or a list of texts where there are several lines.

    Iterating gives the names in lower case; `items()` gives every line as it was written.

    Attributes:
        changes: how often it was changed; who keeps bytes made from it compares.
    """

    def __init__(self, headers: Any = None, **kwargs: Any) -> None:
        self._lines: dict[str, list[tuple[str, str]]] = {}
        self.changes = 0
        self.extend(headers or ())
        self.extend(kwargs)

    @classmethod
    def of(cls, head: bytes) -> Headers:
        """The fields of an answer's head: status line, then lines that all end with CR LF."""
        headers = cls()
        last = ""
        for line in head.decode("latin-1").split("\r\n")[1:-1]:
            name, colon, value = line.partition(":")
            if line[:1] in (" ", "\t") and last:  # a folded line, as servers of old wrote them
                name_before, value_before = headers._lines[last].pop()
                headers._lines[last].append((name_before, f"{value_before} {line.strip()}".strip()))
            elif colon:
                headers.add(name, value.strip(" \t"))
                last = name.lower()
        return headers

    def __getitem__(self, field: str) -> Any:
        lines = self._lines[field.lower()]
        return lines[0][1] if len(lines) == 1 else [value for _, value in lines]

    def __setitem__(self, field: str, value: Any) -> None:
        values = value if isinstance(value, list | tuple) else [value]
        self._lines[field.lower()] = [(field, one) for one in values]
        self.changes += 1

    def __delitem__(self, field: str) -> None:
        del self._lines[field.lower()]
        self.changes += 1

    def __contains__(self, field: object) -> bool:
        return isinstance(field, str) and field.lower() in self._lines

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __repr__(self) -> str:
        return f"Headers({self.compatible_dict()})"

    def __str__(self) -> str:
        return "\n".join(f"{field}: {value}" for field, value in self.items())

    def add(self, field: str, value: Any) -> None:
        """Add a line (or several, for a list) beside those that are there."""
        values = value if isinstance(value, list | tuple) else [value]
        self._lines.setdefault(field.lower(), []).extend((field, one) for one in values)
        self.changes += 1

    def extend(self, other: Any) -> None:
        """Add the lines of a mapping or of pairs."""
        for field, value in _pairs(other):
            self.add(field, value)

    def items(self) -> Any:
        """Every line: the field as it was written, and its value."""
        return [line for lines in self._lines.values() for line in lines]

    def getlist(self, field: str) -> list[str]:
        """The values of all lines of a field."""
        return [value for _, value in self._lines.get(field.lower(), ())]

    getheaders = getallmatchingheaders = getlist

    def get_all(self, field: str, failobj: Any = None) -> Any:
        """The values of all lines of a field; `failobj` when there is none."""
        return self.getlist(field) or failobj

    def discard(self, field: str) -> None:
        """Remove a field if it is there."""
        self.pop(field, None)

    def copy(self) -> Headers:
        """Another one with the same lines."""
        return Headers(self.items())

    def compatible_dict(self) -> dict[str, str]:
        """A plain dict, in which the lines of a field are joined by commas."""
        return {lines[0][0]: ", ".join(str(v) for _, v in lines) for lines in self._lines.values() if lines}


def _pairs(other: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(other, Headers):
        return list(other.items())
    return other.items() if isinstance(other, Mapping) else other


def line_of(field: Any, value: Any) -> str:
    """A header line of a request; ValueError for what would be more than one."""
    name = field.decode("latin-1") if isinstance(field, bytes) else field
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"invalid header field name {name!r}")
    if not _VALUE.fullmatch(text):
        raise ValueError(f"invalid value for header field {name!r}: {text!r}")
    return f"{name}: {text}\r\n"
