from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tidal.generator.advice import advice

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("import request", ": did you mean requests?"),
        ("import no_such_thing", ": install it (pip install no_such_thing?), or put no_such_thing.py beside the file"),
        ("from tidal import tsak", ": did you mean task?"),
        ("from tidal import nothing_like_it", ""),
        ("class A(HttpUser): pass", ": write `from tidal import HttpUser` at the head of the file"),
        ("pritn(1)", ": did you mean print?"),
        ("wholly_unknown", ""),
        ("import random; random.choise([1])", ": did you mean choice?"),
        ("(1).bit_lenght()", ""),
        ("open('/no/such')", ""),
        ("1 / 0", ""),
    ],
)
def test_a_mistake_comes_with_what_to_do(code: str, hint: str) -> None:
    """As far as it can be known; nothing is made up."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each row raises its own
        exec(code, {})  # noqa: S102 - code of this test
    assert advice(caught.value) == hint


@pytest.mark.parametrize("code", ["from queue import orders", "import queue; queue.orders"])
def test_a_file_that_is_named_like_a_library_is_told_so(code: str, tmp_path: Path) -> None:
    """`queue.py` beside the locustfile, which Python has imported its own of before."""
    (tmp_path / "queue.py").write_text("orders = []", encoding="utf-8")
    with contextlib.chdir(tmp_path), pytest.raises((ImportError, AttributeError)) as caught:
        exec(code, {})  # noqa: S102 - code of this test
    with contextlib.chdir(tmp_path):
        assert advice(caught.value) == ": a library is called queue, too: give your queue.py another name"
    assert advice(caught.value) == ""


def test_a_relative_name_is_told_from_where() -> None:
    """The working folder is the root of the files, which may be another than one thinks."""
    with pytest.raises(FileNotFoundError) as caught:
        open("no_such_file.csv")  # noqa: SIM115, PTH123 - as a user writes it
    assert advice(caught.value).startswith(": relative names are meant from /")
