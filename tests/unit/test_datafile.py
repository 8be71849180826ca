"""Data files as rows, and what is said of those that will not do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.datafile import LOCAL_BYTES_MAX, BadDataFile, CopiedRows, read_rows
from tidal.errors import TooLarge
from tidal.model.files import SHIPPED_BYTES_MAX

if TYPE_CHECKING:
    from pathlib import Path


def rows_of(folder: Path, name: str, content: str | bytes, **more: Any) -> list[Any]:
    """The rows of a file with this content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = read_rows(path, name, **more)
    return [found[index] for index in range(len(found))]


PEOPLE = [{"name": "Ann", "age": "7"}, {"name": "Bob, jr", "age": ""}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", 'name,age\nAnn,7\n"Bob, jr",\n'),
        ("p.csv", '\ufeffname,age\r\nAnn,7\r\n\r\n"Bob, jr",'),
        ("p.CSV", ' name , age\nAnn,7\n"Bob, jr",""\n'),
        ("p.json", json.dumps(PEOPLE)),
        ("p.jsonl", "\n".join(map(json.dumps, PEOPLE))),
        ("p.ndjson", "\r\n\r\n".join(map(json.dumps, PEOPLE)) + "\n"),
    ],
)
def test_rows(tmp_path: Path, name: str, content: str) -> None:
    """With a mark at the head, blank lines, lines that end as on Windows, and without a last end of line."""
    assert rows_of(tmp_path, name, content) == PEOPLE


def test_a_line_may_hold_any_json(tmp_path: Path) -> None:
    """A row need not be an object."""
    assert rows_of(tmp_path, "p.jsonl", '"a"\n[1, 2]\n7\n') == ["a", [1, 2], 7]


def test_another_delimiter(tmp_path: Path) -> None:
    """As spreadsheets of half the world write it."""
    assert rows_of(tmp_path, "p.csv", "name;age\nAnn;7\n", delimiter=";") == [PEOPLE[0]]


def test_who_changes_a_row_changes_its_own(tmp_path: Path) -> None:
    """The next user gets the row as it is in the file."""
    (tmp_path / "p.json").write_text(json.dumps(PEOPLE))
    (tmp_path / "p.csv").write_text("name,age\nAnn,7\n")
    for found in (read_rows(tmp_path / "p.json", "p"), read_rows(tmp_path / "p.csv", "p"), CopiedRows(PEOPLE)):
        found[0]["name"] = "Eve"
        assert found[0] == PEOPLE[0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("p.csv", "", "p.csv: the file is empty"),
        ("p.csv", "\n \n", "p.csv: the file is empty"),
        ("p.csv", "name,age\n", "p.csv: no row in it"),
        ("p.csv", "name,age\nAnn,7\nBob\n", "p.csv:3: 1 field where the header has 2"),
        ("p.csv", 'name,age\n"Ann\nLee",7\n\nBob,8,9\n', "p.csv:5: 3 fields where the header has 2"),
        ("p.csv", "name,age,name\nAnn,7,x\n", "p.csv:1: the header names 'name' twice"),
        ("p.csv", "name,,age\nAnn,7,x\n", "p.csv:1: column 2 of the header has no name"),
        ("p.csv", 'name,age\nAnn,"7\n', "p.csv:2: not CSV: unexpected end of data"),
        ("p.csv", b"name,age\nAnn,7\nB\xf6b,8\n", "p.csv:3: not UTF-8 (byte 0xf6)"),
        ("p.json", '[{"a": 1},\n {"a": }]', "p.json:2: not JSON: Expecting value (column 8)"),
        ("p.json", '{"a": 1}', "p.json:1: an array of rows is what a feed needs, not an object"),
        ("p.json", "[]", "p.json: no row in it"),
        ("p.jsonl", '{"a": 1}\n\n{"a": 1\n', "p.jsonl:3: not JSON: Expecting ',' delimiter (column 8)"),
        ("p.jsonl", "[" * 100_000, "p.jsonl:1: not JSON: "),
        ("p.xlsx", "x", "p.xlsx: a feed is a .csv, .json, .jsonl, .ndjson file"),
    ],
)
def test_what_is_wrong_and_where(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    """One line, with the file and the line."""
    with pytest.raises(BadDataFile) as caught:
        rows_of(tmp_path, name, content)
    text = str(caught.value)
    assert text == said or (said.endswith(" ") and text.startswith(said))
    assert "\n" not in text


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """By the system's own word."""
    with pytest.raises(BadDataFile, match=r"^p\.csv: cannot be read: No such file or directory$"):
        read_rows(tmp_path / "p.csv", "p.csv")


@pytest.mark.parametrize(("travels", "most"), [(True, SHIPPED_BYTES_MAX), (False, LOCAL_BYTES_MAX)])
def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, most: int, *, travels: bool) -> None:
    """A hole in a file costs nothing to make."""
    with (tmp_path / "p.csv").open("wb") as file:
        file.truncate(most + 1)
    hint = "; put it on every worker and name it by its absolute path" if travels else ""
    with pytest.raises(TooLarge, match=f"^p.csv: more than {most >> 20} MiB{hint}$"):
        read_rows(tmp_path / "p.csv", "p.csv", travels=travels)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([".csv", ".json", ".jsonl"]))
def test_no_file_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str) -> None:
    """Whatever is in it."""
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(content)
    try:
        rows = read_rows(path, "any")
    except BadDataFile as error:
        said = str(error)
    else:
        said = "any"
        assert [rows[index] for index in range(len(rows))]
    assert said.startswith("any")
    assert said.isprintable()
