from __future__ import annotations

import pytest

from tidal.generator.advice import advice


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


def test_a_relative_name_is_told_from_where() -> None:
    """The working folder is the root of the files, which may be another than one thinks."""
    with pytest.raises(FileNotFoundError) as caught:
        open("no_such_file.csv")  # noqa: SIM115, PTH123 - as a user writes it
    assert advice(caught.value).startswith(": relative names are meant from /")
