"""Every key has its tag and its place on the map."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal import keys
from tidal.errors import UsageError

RUN = keys.RunKeys("RUN")
FLEET = keys.FleetKeys("NAME")
MAP = re.findall(r"^    tidal:.*$", keys.__doc__ or "", re.MULTILINE)


def _built(owner: keys.RunKeys | keys.FleetKeys) -> set[str]:
    names = [name for name, value in vars(type(owner)).items() if isinstance(value, property)]
    return {getattr(owner, name) for name in names if name != "lasting"}


def test_map_is_complete() -> None:
    """The map at the head of keys.py shows every key that can be built, and no other."""
    assert {row.split()[0] for row in MAP} == _built(RUN) | _built(FLEET) | {FLEET.beat("ID"), keys.RUNS}


def test_map_has_five_columns() -> None:
    """Each row says the key, its type, how long it lives, who writes it and who reads it."""
    cells = [re.split(r" {2,}", row.strip()) for row in MAP]
    assert all(len(cell) == 5 and all(cell) for cell in cells), cells
    assert {cell[1] for cell in cells} == {"stream", "string", "hash", "set"}


def test_lasting_keys_agree_with_map() -> None:
    """What is kept for seven days is what the map says is kept."""
    assert {row.split()[0] for row in MAP if "7 d" in row} == set(RUN.lasting)


@pytest.mark.parametrize("bad", ["", "a b", "}x", "{x}", "a:b", "é", "x" * 65, "-x", ".x", "x\n", "x\x1b[2J", "*"])
def test_bad_names_are_refused(bad: str) -> None:
    """A name that could leave its hash tag, or a terminal's line, never becomes a key."""
    for build in (keys.RunKeys, keys.FleetKeys, FLEET.beat):
        with pytest.raises(UsageError):
            build(bad)


@given(st.text(max_size=70))
def test_accepted_names_stay_in_their_braces(text: str) -> None:
    """Whatever is accepted is free of braces, colons, stars and blanks."""
    if keys.is_name(text):
        assert keys.RunKeys(text).log == "tidal:{" + text + "}:log"
        assert not set(text) & set("{}:* \n")


def test_run_and_fleet_of_one_name_share_no_tag() -> None:
    """A fleet called as a run is has another hash tag."""
    assert keys.RunKeys("x").log.split("}")[0] != keys.FleetKeys("x").run.split("}")[0]
