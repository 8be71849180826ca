"""Several faults in one run, drawn by a seed: `make chaos SEEDS=10 FIRST=4` runs seeds 4 to 13."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import faults as f
import pytest
from matrix import LOSS_S
from scenario import At, Holds, Scenario, play

if TYPE_CHECKING:
    from collections.abc import Callable

    from field import Field
    from scenario import Outcome

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]

REST_S = 6.0
"""Between two faults that do not overlap: a loss is known by then, and its users run elsewhere."""


@dataclass(frozen=True)
class Episode:
    """A fault and its end, and what it may cost."""

    steps: tuple[At, ...]
    loses: bool = False  # a worker is called lost
    kills: bool = False  # what it had measured last is gone
    double_s: float = 0.0
    is_server: bool = False  # done to the server itself: one at a time
    mends: bool = False  # Redis lacks something, and a master that lives must see that in peace

    @property
    def lasts_s(self) -> float:
        """From its first step to its last."""
        return self.steps[-1].at_s


def for_a_while(
    begin: Callable[[Field], object], end: Callable[[Field], object], *, is_server: bool = False
) -> Episode:
    """Four seconds of it."""
    return Episode((At(0, begin), At(4, end)), is_server=is_server)


def everything() -> list[Episode]:
    """What can happen, each at most once: workers 2 and 3 are hurt, worker 1 stays."""
    return [
        Episode((At(0, f.kill("w2")),), loses=True, kills=True),
        Episode((At(0, f.freeze("w3")), At(7, f.thaw("w3"))), loses=True, double_s=1.0),
        Episode((At(0, f.net(f.CUT, "w3")), At(7, f.net(f.PASS, "w3"))), loses=True, double_s=8.0),
        Episode((At(0, f.kill_master), At(4, f.succeed)), mends=True),
        Episode((At(0, f.restart_redis),), is_server=True),
        for_a_while(f.kill_redis, f.start_redis, is_server=True),
        for_a_while(f.freeze_redis, f.wake_redis, is_server=True),
        Episode((At(0, f.cut_connections), At(1, f.cut_connections))),
        for_a_while(f.net(f.HOLE), f.net(f.PASS)),
        for_a_while(f.net(f.SWALLOW), f.net(f.PASS)),
        for_a_while(f.net(f.SLOW), f.net(f.PASS)),
        Episode((At(0, f.join("w4")),)),
        Episode((At(0, f.forget_everything),), is_server=True, mends=True),
        Episode((At(0, f.lose_the_tail),), is_server=True, mends=True),
        for_a_while(f.disk(4_096), f.disk(f.ROOM)),
    ]


def drawn(seed: int) -> Scenario:
    """Three of them, one after the other or the second in the middle of the first."""
    chance = random.Random(seed)
    chosen = chance.sample(everything(), 3)
    at_s, steps = 0.0, list[At]()
    for episode, following in zip(chosen, [*chosen[1:], None], strict=True):
        steps += [At(at_s + step.at_s, step.fault) for step in episode.steps]
        may_overlap = following is not None and not (episode.mends or following.mends)
        may_overlap = may_overlap and not (episode.is_server and following.is_server)
        at_s += episode.lasts_s / 2 if may_overlap and chance.random() < 0.4 else episode.lasts_s + REST_S
    loses, kills = any(e.loses for e in chosen), any(e.kills for e in chosen)
    longest_s = sum(e.lasts_s for e in chosen)
    holds = Holds(
        back_s=longest_s + LOSS_S if loses else 0.0,
        double_s=max(e.double_s for e in chosen) + (longest_s if loses else 0.0),
        lost_s=2.5 if kills else 0.0,
        verdicts=("valid", "suspect", "invalid"),
        no_loss=not loses,
        stays=not loses and not any("joins" in step.name for step in steps),
    )
    steps.sort(key=lambda step: step.at_s)
    return Scenario(f"seed {seed}: {', '.join(step.name for step in steps)}", tuple(steps), holds, workers=3)


def test_several_faults(field: Field, seed: int, note: Callable[[Outcome], None]) -> None:
    """What must hold holds."""
    note(play(field, drawn(seed)))
