"""The scenarios: every row of the matrix of faults."""

from __future__ import annotations

import faults as f
from scenario import At, Holds, Scenario

LEASE_S = 2.0
LOSS_S = LEASE_S + 2.0
"""Full load again after a worker's death: the lease and two seconds."""
SUSPECT = ("suspect", "invalid")
"""A short run in which a worker dies misses a larger part of its plan than a long one."""

KILLED = Holds(back_s=LOSS_S, lost_s=2.5, verdicts=SUSPECT, because="lost", story=("lost",))

GENERATOR = Scenario(
    "a generator of two is killed",
    (At(0, f.kill_generator("w1")),),
    Holds(back_s=1.0, lost_s=1.5, verdicts=("valid", *SUSPECT), because="died"),
    workers=1,
    processes=2,
)
WORKER_OF_FOUR = Scenario("a worker of four is killed", (At(0, f.kill("w2")),), KILLED, workers=4, calm_s=12)
WORKER_OF_TWO = Scenario("a worker of two is killed", (At(0, f.kill("w2")),), KILLED)
TWO_WORKERS = Scenario(
    "two of four are killed, one after the other", (At(0, f.kill("w2")), At(2.5, f.kill("w3"))), KILLED, workers=4
)
FROZEN = Scenario(
    "a worker is frozen for 10 s",
    (At(0, f.freeze("w2")), At(10, f.thaw("w2"))),
    Holds(back_s=LOSS_S, double_s=1.0, verdicts=SUSPECT, because="lost", story=("lost",)),
)
MASTER = Scenario(
    "the master is killed, another comes after 6 s",
    (At(0, f.kill_master), At(6, f.succeed)),
    Holds(story=("took over",), never=("lost",)),
)
ROLLING = Scenario(
    "rolling deploy of two workers, twice over",
    (
        At(0, f.roll("w1", "w3")),
        At(0, f.roll("w2", "w4")),
        At(0, f.roll_gap("w3", "w5")),
        At(0, f.roll_gap("w4", "w6")),
    ),
    Holds(never=("lost",)),
)
JOINING = Scenario("two workers join", (At(0, f.join("w3")), At(3, f.join("w4"))), calm_s=10)

REDIS_AT_ONCE = Scenario("Redis is killed and back at once", (At(0, f.restart_redis),), Holds(never=("lost",)))
REDIS_3_S = Scenario(
    "Redis is killed and back after 3 s",
    (At(0, f.kill_redis), At(3, f.start_redis)),
    Holds(never=("lost",), trouble="Redis"),
)
REDIS_60_S = Scenario(
    "Redis is killed and back after 58 s",
    (At(0, f.kill_redis), At(58, f.start_redis)),
    Holds(never=("lost",), trouble="Redis"),
)
REDIS_FROZEN = Scenario(
    "Redis is frozen for 10 s",
    (At(0, f.freeze_redis), At(10, f.wake_redis)),
    Holds(never=("lost",), trouble="Redis"),
)
CONNECTIONS_CUT = Scenario(
    "every connection is cut, three times",
    tuple(At(at_s, f.cut_connections) for at_s in (0, 1, 2.2)),
    Holds(never=("lost",)),
)

ALL = [value for value in list(globals().values()) if isinstance(value, Scenario)]
