"""The scenarios: every row of the matrix of faults."""

from __future__ import annotations

import faults as f
import shop_file
from scenario import At, Holds, Scenario

LEASE_S = 2.0
LOSS_S = LEASE_S + 2.0
"""Full load again after a worker's death: the lease and two seconds."""
SUSPECT = ("suspect", "invalid")
"""A short run in which a worker dies misses a larger part of its plan than a long one."""

KILLED = Holds(back_s=LOSS_S, lost_s=2.5, verdicts=SUSPECT, because="lost", story=("lost",))

STAYS = Holds(stays=True)
"""Nobody misses anything, and no user changes its process."""

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
    Holds(back_s=LOSS_S, double_s=1.0, verdicts=SUSPECT, because="lost", story=("lost",), no_loss=False),
)
MASTER = Scenario(
    "the master is killed, another comes after 6 s",
    (At(0, f.kill_master), At(6, f.succeed)),
    Holds(story=("took over",), stays=True),
)
ROLLING = Scenario(
    "rolling deploy of two workers, twice over",
    (
        At(0, f.roll("w1", "w3")),
        At(0, f.roll("w2", "w4")),
        At(0, f.roll_gap("w3", "w5")),
        At(0, f.roll_gap("w4", "w6")),
    ),
)
JOINING = Scenario("two workers join", (At(0, f.join("w3")), At(3, f.join("w4"))), calm_s=10)

HOOKS_BLOCK = Scenario(
    "a hook that blocks, then its host is killed",
    (At(0, f.block_hooks), At(6, f.kill_hook_host), At(9, f.kill_hook_host)),
    prepare=lambda field: field.file.write_text(shop_file.TEXT + shop_file.HOOKS),
)
BURN = Scenario(
    "user code burns CPU for 8 s",
    (At(0, f.burn("w2", 8)),),
    Holds(back_s=8.5, verdicts=SUSPECT, because="stood still"),
)
FROZEN_MASTER = Scenario(
    "the master is frozen, another takes over, it wakes up",
    (At(0, f.freeze_master), At(1, f.succeed), At(8, f.wake_master)),
    Holds(story=("took over",), stays=True),
)
STANDBY = Scenario(
    "the master is killed, a standby elsewhere takes over",
    (At(12, f.kill_master),),
    Holds(story=("took over",), stays=True),
    prepare=lambda field: field.stand_by(),
)
CLOCK = Scenario(
    "a worker's host is off by three hours",
    (At(1, f.kill_generator("w2")),),
    Holds(back_s=1.0, lost_s=1.5, verdicts=("valid", *SUSPECT), because="died"),
    processes=2,
    prepare=f.clock_off("w2", 10_800),
)

REDIS_AT_ONCE = Scenario("Redis is killed and back at once", (At(0, f.restart_redis),), STAYS)
REDIS_3_S = Scenario(
    "Redis is killed and back after 3 s",
    (At(0, f.kill_redis), At(3, f.start_redis)),
    Holds(trouble="Redis", stays=True),
)
REDIS_58_S = Scenario(
    "Redis is killed and back after 58 s",
    (At(0, f.kill_redis), At(58, f.start_redis)),
    Holds(trouble="Redis", stays=True),
)
REDIS_FROZEN = Scenario(
    "Redis is frozen for 10 s",
    (At(0, f.freeze_redis), At(10, f.wake_redis)),
    Holds(trouble="does not answer", stays=True),
)
CONNECTIONS_CUT = Scenario(
    "every connection is cut, three times", tuple(At(at_s, f.cut_connections) for at_s in (0, 1, 2.2)), STAYS
)
HALF_OPEN = Scenario("half-open: packets are dropped for 8 s", (At(0, f.net(f.HOLE)), At(8, f.net(f.PASS))), STAYS)
REPLIES_LOST = Scenario("replies are lost for 6 s", (At(0, f.net(f.SWALLOW)), At(6, f.net(f.PASS))), STAYS)
SLOW_NET = Scenario("every packet is 150 ms late for 8 s", (At(0, f.net(f.SLOW)), At(8, f.net(f.PASS))), STAYS)
EMPTY = Scenario("Redis comes back empty", (At(0, f.forget_everything),), STAYS)
TAIL = Scenario("the tail of Redis' file is lost", (At(0, f.lose_the_tail),), STAYS)
ALL_CUT = Scenario(
    "all workers are cut off for 20 s",
    (At(0, f.net(f.CUT, "w1", "w2")), At(20, f.net(f.PASS, "w1", "w2"))),
    Holds(no_loss=False, stays=True, verdicts=("valid", *SUSPECT)),
)
ONE_CUT = Scenario(
    "one worker of two is cut off for 10 s",
    (At(0, f.net(f.CUT, "w2")), At(10, f.net(f.PASS, "w2"))),
    Holds(double_s=10, no_loss=False, verdicts=SUSPECT, because="twice"),
)
OOM = Scenario(
    "Redis is out of memory for 6 s",
    (At(0, f.out_of_memory), At(6, f.config("maxmemory", "0"))),
    Holds(trouble="out of memory", stays=True),
)
READONLY = Scenario(
    "Redis is read-only for 6 s", (At(0, f.read_only), At(6, f.writable)), Holds(trouble="replica", stays=True)
)
MISCONF = Scenario(
    "Redis cannot save: MISCONF for 6 s",
    (At(0, f.misconf), At(6, f.snapshots_work)),
    Holds(trouble="snapshot", stays=True),
)
CLIENTS = Scenario(
    "Redis has too many clients for 6 s",
    (At(0, f.too_many_clients), At(6, f.config("maxclients", "10000"))),
    Holds(trouble="clients", stays=True),
)
RIGHTS = Scenario(
    "rights to write are taken away for 6 s",
    (At(0, f.rights_gone), At(6, f.rights_back)),
    Holds(trouble="refuses", stays=True),
)
DISK = Scenario(
    "the archive's disk is full for 6 s",
    (At(0, f.disk(4_096)), At(6, f.disk(f.ROOM))),
    Holds(story=("archive cannot be written", "archive is whole again"), stays=True),
)

ALL = [value for value in list(globals().values()) if isinstance(value, Scenario)]
