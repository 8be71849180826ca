"""Records: what they compare, print and copy, and what msgspec must do for the checks of others to hold."""

from __future__ import annotations

import pkgutil
from copy import copy
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from histories import T0, report
from msgspec import NODEFAULT
from msgspec._core import Factory

import tidal.model
from tidal import launch, lines, opening, service
from tidal.drafting import choose
from tidal.model import events as ev
from tidal.model.series import Point, Strain
from tidal.model.struct import Discreet, Remembering, Struct, asdict, fields_of, lasting_fields_of, replace
from tidal.outputs import html_data
from tidal.tui import choice

if TYPE_CHECKING:
    from collections.abc import Iterator

_ = (launch, lines, opening, service, html_data, choice, choose)
"""Whoever has something to hide."""


def below(kind: type[Any]) -> Iterator[type[Any]]:
    """All classes that are made of one."""
    for each in kind.__subclasses__():
        yield each
        yield from below(each)


def records() -> list[type[Struct]]:
    """Every record of the model, and what else is imported here."""
    for module in pkgutil.iter_modules(tidal.model.__path__, "tidal.model."):
        import_module(module.name)
    return [kind for kind in below(Struct) if kind.__module__.startswith("tidal.")]


def test_no_two_records_share_what_can_be_changed() -> None:
    """A default is made anew for each, or is what nobody can change."""
    kinds = records()
    assert len(kinds) > 200
    for kind in kinds:
        for value in kind.__struct_defaults__:
            is_frozen = isinstance(value, Struct) and value.__struct_config__.frozen
            is_plain = isinstance(value, bool | int | float | str | bytes | tuple | frozenset | None) or callable(value)
            assert is_plain or is_frozen or value is NODEFAULT or type(value) is Factory, (kind, value)


def test_a_check_is_made_of_every_copy_that_says_something_else() -> None:
    """The fold and the outbox change reports by `replace`: what cannot be said at first cannot be said then."""
    made = report()
    with pytest.raises(ValueError, match="a report"):
        replace(made, from_ms=-1)
    with pytest.raises(ValueError, match="a report"):
        ev.Reported(2, 1, ())
    with pytest.raises(AttributeError):
        made.from_ms = 5  # type: ignore[misc]
    with pytest.raises(TypeError):
        replace(made, nothing=5)  # type: ignore[call-arg]


def test_what_follows_from_the_rest_is_neither_compared_nor_printed() -> None:
    """Whoever has looked at a point has a point like any other."""
    looked, other = Point(2, histogram={5: 2}), Point(2, histogram={5: 2})
    looked.percentiles_us()
    assert looked._percentiles is not None
    assert looked == other
    assert looked == copy(looked) != Point(3, histogram={5: 3})
    assert repr(looked) == repr(other)
    assert "_percentiles" not in repr(looked)
    assert [field.name for field in lasting_fields_of(Strain)] == ["step_s", "first_s", "last_s", "points"]
    for kind in below(Remembering):
        assert any(field.name.startswith("_") for field in fields_of(kind))
        assert kind.__hash__ is None


def test_what_is_hidden_is_a_field_and_is_not_printed() -> None:
    """A field that is called otherwise would show a password in a traceback."""
    kinds = [kind for kind in below(Discreet) if kind.__module__.startswith("tidal.")]
    assert {kind.__name__ for kind in kinds} >= {"LaunchSpec", "Launched", "Opening", "Read", "Report", "WorkerSpec"}
    for kind in kinds:
        assert kind.HIDDEN
        assert {field.name for field in fields_of(kind)} >= kind.HIDDEN
    assert "s3cret" not in repr(service.WorkerSpec("redis://ann:s3cret@here"))
    assert "s3cret" not in repr(
        launch.LaunchSpec("f.py", redis_url="redis://ann:s3cret@here", secrets=(("t", "s3cret"),))
    )


class _Odd(Struct, frozen=True):
    KIND: ClassVar[str] = "odd"
    name: str
    pairs: tuple[tuple[str, int], ...] = ()
    inner: ev.GeneratorState | None = None


def test_a_record_as_maps_has_all_that_it_is_made_of() -> None:
    """What a page or a program reads: no field is left out, and numbers stay what they are."""
    made = asdict(_Odd("a", (("b", 1 << 70),), ev.GeneratorState(0, 7, "running", 1, classes={"Buyer": 1})))
    inner = {"number": 0, "pid": 7, "state": "running", "users": 1, "lag_ms": 0, "classes": {"Buyer": 1}}
    assert made == {"name": "a", "pairs": (("b", 1 << 70),), "inner": inner}
    assert asdict(ev.RunStarted(T0)) == {"began_ms": T0}
