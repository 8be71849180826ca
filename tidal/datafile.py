"""Data files as rows: CSV with a header, JSON lines, a JSON array. A mistake is one line that names file and line."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from tidal.errors import FileImportError, TooLarge
from tidal.model.files import SHIPPED_BYTES_MAX
from tidal.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

LOCAL_BYTES_MAX = 1 << 30
"""Of a file that does not travel."""


class BadDataFile(FileImportError):
    """A data file is not there, or not what its name says."""


class CsvRows:
    """Rows of a CSV file; each is made a dict when somebody asks for it, so that a large file stays small in memory."""

    def __init__(self, header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
        self._header, self._lines = tuple(header), lines

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: int) -> dict[str, str]:
        return dict(zip(self._header, self._lines[index], strict=True))


class CopiedRows:
    """Rows that are there already; one that is a dict or a list is copied for who gets it, not what is in it."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Any:
        row = self._rows[index]
        return row.copy() if isinstance(row, dict | list) else row


Rows = CsvRows | CopiedRows


def read_rows(path: Path, shown: str, *, travels: bool = True, delimiter: str = ",") -> Rows:
    """The rows of a file, called `shown` in errors.

    Raises:
        BadDataFile: what is wrong, and where.
        TooLarge: it is over the bound.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise BadDataFile(f"{shown}: a feed is a {', '.join(_READERS)} file")
    rows = read(_text(path, shown, travels=travels), shown, delimiter)
    if not len(rows):
        raise BadDataFile(f"{shown}: no row in it")
    return rows


def _text(path: Path, shown: str, *, travels: bool) -> str:
    most = SHIPPED_BYTES_MAX if travels else LOCAL_BYTES_MAX
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(most + 1) if size <= most else b""
    except OSError as error:
        raise BadDataFile(f"{shown}: cannot be read: {error.strerror}") from None
    if max(size, len(data)) > most:
        hint = "; put it on every worker and name it by its absolute path" if travels else ""
        raise TooLarge(f"{shown}: more than {most >> 20} MiB{hint}")
    if not data.strip():
        raise BadDataFile(f"{shown}: the file is empty")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadDataFile(f"{shown}:{line}: not UTF-8 (byte {data[error.start]:#04x})") from None


# ------------------------------------------------------------------ CSV


def _csv(text: str, shown: str, delimiter: str) -> CsvRows:
    lines = _csv_lines(text, shown, delimiter)
    number, header = next(lines, (1, []))
    if not header:
        raise BadDataFile(f"{shown}: no header in it")
    header = [name.strip() for name in header]
    _check_header(header, f"{shown}:{number}")
    found = []
    for number, line in lines:
        if len(line) != len(header):
            raise BadDataFile(f"{shown}:{number}: {_fields(line)} where the header has {len(header)}")
        found.append(tuple(line))
    return CsvRows(header, found)


def _csv_lines(text: str, shown: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Lines that are not blank, with the number of the line that each begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for line in reader:
            if line:
                yield begins, line
            begins = reader.line_num + 1
    except csv.Error as error:
        raise BadDataFile(f"{shown}:{begins}: not CSV: {error}") from None


def _check_header(header: Sequence[str], place: str) -> None:
    twice = [name for name, times in Counter(header).items() if times > 1 and name]
    if twice:
        raise BadDataFile(f"{place}: the header names {twice[0]!r} twice")
    if "" in header:
        raise BadDataFile(f"{place}: column {header.index('') + 1} of the header has no name")


def _fields(line: Sequence[str]) -> str:
    return plural(len(line), "field")


# ------------------------------------------------------------------ JSON


def _json_lines(text: str, shown: str, _: str) -> CopiedRows:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            rows.append(_json_value(line, shown, number))
    return CopiedRows(rows)


def _json_array(text: str, shown: str, _: str) -> CopiedRows:
    rows = _json_value(text, shown, 1)
    if not isinstance(rows, list):
        raise BadDataFile(f"{shown}:1: an array of rows is what a feed needs, not {_KINDS.get(type(rows), 'a value')}")
    return CopiedRows(rows)


def _json_value(text: str, shown: str, begins: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadDataFile(
            f"{shown}:{begins + error.lineno - 1}: not JSON: {error.msg} (column {error.colno})"
        ) from None
    except (RecursionError, ValueError) as error:
        raise BadDataFile(f"{shown}:{begins}: not JSON: {error}") from None


_KINDS: dict[type, str] = {dict: "an object", str: "a text", int: "a number", float: "a number"}
_READERS: dict[str, Callable[[str, str, str], Rows]] = {
    ".csv": _csv,
    ".json": _json_array,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}
