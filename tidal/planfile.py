"""A plan in the locustfile: `tidal.plan("0->100 in 30s, 100 for 5m")`, kept until whoever loads the file asks."""

from __future__ import annotations

from tidal.errors import BadPlan
from tidal.model.planning import planned

_plans: dict[str, str] = {}


def plan(stages: str = "", /, **classes: str) -> None:
    """Say how much load this file wants, when nobody says otherwise (`--plan`, `--users`).

    Args:
        stages: of all user classes that have no plan of their own, such as `warmup: 0->100 in 30s, 100 for 5m`, or
            arrivals: `rate 50/s for 2m, 50/s->400/s in 5m`.
        classes: plans of single user classes, by the name of the class.

    Raises:
        BadPlan: a plan cannot be read; says where.
    """
    wanted = {**({"": stages} if stages else {}), **classes}
    if not wanted:
        raise BadPlan("tidal.plan() says nothing: give it stages, or a class with stages")
    planned(tuple({**_plans, **wanted}.items()))
    _plans.update(wanted)


def declared() -> tuple[tuple[str, str], ...]:
    """What the files that were imported have said: user class ("": the others), stages."""
    return tuple(_plans.items())
