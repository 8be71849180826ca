"""Each role's rights on a real server: what its code does is allowed, what it must not do is refused by the server.

The rights are those that `tidal acl` prints. Every operation of the bus is run as every role: one that is new has to
say here whose it is, and a command or key that is new has to be in `keys.ACCESS`.
"""

from __future__ import annotations

import inspect
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from tidal.acl import ROLES, rights, rules, set_user
from tidal.bus import Bus, BusError
from tidal.errors import Fenced, RedisDenied, UsageError
from tidal.keys import ACCESS, FleetKeys, RunKeys
from tidal.leadership import Renewed
from tidal.model.codec import ZERO_ID, EntryId
from tidal.rights import missing, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis

RUN, FLEET = RunKeys("r1"), FleetKeys("blue")
PASSWORD = "s3cret"  # noqa: S105 - of users of this test
ENTRY = {b"k": b"xx", b"v": b"1", b"d": b"data"}
RENEWED = Renewed(b"state", b"half", ENTRY, EntryId(1, 0))
ALL = set(ROLES)
LOOKING = {"watcher", "operator", "master"}
STEERING = {"operator", "master"}

OPERATIONS: dict[str, tuple[set[str], Callable[[Bus], object]]] = {
    "ping_us": (ALL, lambda bus: bus.ping_us()),
    "time_us": (ALL, lambda bus: bus.time_us()),
    "check_version": (ALL, lambda bus: bus.check_version()),
    "info": (ALL, lambda bus: bus.info("server")),
    "append": (STEERING, lambda bus: bus.append(RUN.intents, ENTRY)),
    "read": (ALL, lambda bus: bus.read({RUN.log: ZERO_ID}, block_ms=None, count=1)),
    "range": ({"master"}, lambda bus: bus.range(RUN.log, ZERO_ID)),
    "last_id": ({"master"}, lambda bus: bus.last_id(RUN.reports)),
    "stream": ({"master"}, lambda bus: bus.stream(RUN.log)),
    "is_led": ({"master"}, lambda bus: bus.is_led(RUN)),
    "begin_generation": ({"master"}, lambda bus: bus.begin_generation(RUN, "me", 1, RENEWED)),
    "raise_ids": ({"master"}, lambda bus: bus.raise_ids(RUN, "me", 1, EntryId(1, 1))),
    "trim": ({"master"}, lambda bus: bus.trim(RUN, "me", 1, {RUN.reports: EntryId(1, 1)})),
    "load_brief": ({"worker"}, lambda bus: bus.load_brief(RUN)),
    "take_lease": ({"master"}, lambda bus: bus.take_lease(RUN, "me")),
    "renew_lease": ({"master"}, lambda bus: bus.renew_lease(RUN, "me", 1)),
    "release_lease": ({"master"}, lambda bus: bus.release_lease(RUN, "me", 1)),
    "append_fenced": ({"master"}, lambda bus: bus.append_fenced(RUN, "me", 1, [ENTRY])),
    "acknowledge": ({"master"}, lambda bus: bus.acknowledge(RUN, "me", 1, {"inc": 1})),
    "store_keyframe": ({"master"}, lambda bus: bus.store_keyframe(RUN, "me", 1, b"x")),
    "load_keyframe": (LOOKING, lambda bus: bus.load_keyframe(RUN)),
    "store_secrets": ({"master"}, lambda bus: bus.store_secrets(RUN, b"x")),
    "load_secrets": ({"worker", "master"}, lambda bus: bus.load_secrets(RUN)),
    "forget_secrets": ({"master"}, lambda bus: bus.forget_secrets(RUN)),
    "send_reports": ({"worker"}, lambda bus: bus.send_reports(RUN, "inc", [ENTRY])),
    "beat": ({"worker"}, lambda bus: bus.beat(FLEET, "w1", b"x")),
    "beats": ({"master"}, lambda bus: bus.beats(FLEET)),
    "are_all_alive": ({"master"}, lambda bus: bus.are_all_alive(FLEET, ["w-1"])),
    "forget_worker": ({"worker"}, lambda bus: bus.forget_worker(FLEET, "w1")),
    "announce_run": ({"master"}, lambda bus: bus.announce_run(FLEET, "r1")),
    "announced_run": ({"worker", "master"}, lambda bus: bus.announced_run(FLEET)),
    "withdraw_run": ({"master"}, lambda bus: bus.withdraw_run(FLEET, "r1")),
    "show_presence": (LOOKING, lambda bus: bus.show_presence(RUN)),
    "is_watched": ({"master"}, lambda bus: bus.is_watched(RUN)),
    "list_runs": (LOOKING, lambda bus: bus.list_runs()),
    "put_run_summary": ({"master"}, lambda bus: bus.put_run_summary("r1", b"x")),
    "refusals": (ALL, lambda bus: bus.refusals([("PING",)])),
}
"""Each operation of the bus, whose it is, and how it is tried."""
NOT_RIGHTS = {"connect", "close", "config"}
"""No operation on a key, or one that takes a refusal for an answer."""

FORBIDDEN: dict[str, list[str]] = {
    "worker": [
        "XADD tidal:{r1}:log * k v",
        "XADD tidal:{r1}:intents * k v",
        "XREAD STREAMS tidal:{r1}:reports 0",
        "XRANGE tidal:{r1}:reports - +",
        "XTRIM tidal:{r1}:reports MAXLEN 0",
        "XDEL tidal:{r1}:reports 1-1",
        "DEL tidal:{r1}:reports",
        "SET tidal:{r1}:reports x",
        "SET tidal:{r1}:lease x",
        "GET tidal:{r1}:lease",
        "GET tidal:{r1}:keyframe",
        "SET tidal:{r1}:keyframe x",
        "SET tidal:{r1}:secrets x",
        "HSET tidal:{r1}:ack i 9",
        "SET tidal:{fleet:blue}:run r2",
        "SET tidal:{fleet:red}:beat:w1 x",
        "SADD tidal:{fleet:red}:workers w1",
        "SMEMBERS tidal:{fleet:blue}:workers",
        "GET tidal:{fleet:blue}:beat:w2",
        "HGETALL tidal:runs",
    ],
    "watcher": [
        "XADD tidal:{r1}:log * k v",
        "XADD tidal:{r1}:reports * k v",
        "XADD tidal:{r1}:intents * k v",
        "GET tidal:{r1}:secrets",
        "GET tidal:{r1}:lease",
        "SET tidal:{r1}:keyframe x",
        "SET tidal:{fleet:blue}:run r2",
        "SET tidal:{fleet:blue}:beat:w1 x",
        "DEL tidal:{r1}:viewer",
        "HSET tidal:runs r1 x",
    ],
    "operator": ["XADD tidal:{r1}:log * k v", "GET tidal:{r1}:secrets", "XREAD STREAMS tidal:{r1}:intents 0"],
    "master": ["XADD tidal:{r1}:reports * k v", "SET tidal:{fleet:blue}:beat:w1 x", "DEL tidal:{r1}:log"],
}
NOBODYS = [
    "FLUSHALL", "FLUSHDB", "CONFIG GET *", "CONFIG SET dir /", "SHUTDOWN NOSAVE", "KEYS *", "SCAN 0", "MONITOR",
    "EVAL return(1) 0", "ACL LIST", "ACL WHOAMI", "CLIENT LIST", "REPLICAOF NO ONE", "SAVE", "PUBLISH a b",
    "GET other", "SET other x", "SET tidal:other x", "SWAPDB 0 1", "COPY tidal:{r1}:log other",
    "RENAME tidal:{r1}:log x",
]  # fmt: skip
"""What no role may do."""


@pytest.fixture
def users(real_redis: redis.Redis, redis_url: str) -> Iterator[dict[str, Bus]]:
    """A connection of each role, with the rights that `tidal acl` prints for the fleet blue."""
    buses = {}
    for role in ROLES:
        real_redis.execute_command(*shlex.split(set_user(role, role, "blue", password=PASSWORD)))
        buses[role] = Bus.connect(redis_url.replace("unix://", f"unix://{role}:s3cret@"), role=role)
    real_redis.acl_log_reset()
    yield buses
    for role, bus in buses.items():
        bus.close()
        real_redis.acl_deluser(role)


def is_denied(operation: Callable[[Bus], object], bus: Bus) -> bool:
    """Whether the server refuses it; that the lease is another's is no matter of rights."""
    try:
        operation(bus)
    except Fenced:
        return False
    except BusError as error:
        if error.kind != "denied":
            raise
        return True
    return False


def test_every_operation_of_the_bus_is_somebodys() -> None:
    """A new one says here who may do it."""
    public = {n for n, f in inspect.getmembers(Bus, inspect.isfunction) if not n.startswith("_")} | {"connect"}
    assert public == set(OPERATIONS) | NOT_RIGHTS


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_its_own_operations_and_no_others(users: dict[str, Bus], role: str) -> None:
    """Every operation of the bus, as every role."""
    denied = {name for name, (_, operation) in OPERATIONS.items() if is_denied(operation, users[role])}
    assert denied == {name for name, (whose, _) in OPERATIONS.items() if role not in whose}


def test_a_master_that_holds_the_lease_may_do_what_it_guards(users: dict[str, Bus], real_redis: redis.Redis) -> None:
    """What is done under the lease is done, and nothing was denied on the way."""
    bus = users["master"]
    epoch = bus.take_lease(RUN, "me", 60_000)
    assert epoch is not None
    bus.append_fenced(RUN, "me", epoch, [ENTRY])
    bus.acknowledge(RUN, "me", epoch, {"inc": 1})
    bus.store_keyframe(RUN, "me", epoch, b"x")
    assert bus.renew_lease(RUN, "me", epoch)
    assert bus.announce_run(FLEET, "r1") == "r1"
    real_redis.hset("tidal:runs", "gone", "x")
    bus.put_run_summary("r1", b"x")
    assert real_redis.hkeys("tidal:runs") == [b"r1"]
    assert bus.withdraw_run(FLEET, "r1")
    assert bus.release_lease(RUN, "me", epoch)
    streams = {RUN.log: ZERO_ID, RUN.reports: ZERO_ID, RUN.intents: ZERO_ID}
    assert len(bus.read(streams, block_ms=None, count=9)) == 1
    assert real_redis.acl_log() == []


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_must_not_do_is_refused(users: dict[str, Bus], real_redis: redis.Redis, role: str) -> None:
    """By the server, whatever the client is; and it is not done."""
    for line in [*FORBIDDEN[role], *NOBODYS]:
        with pytest.raises(BusError) as caught:
            users[role]._run(line.split())
        assert caught.value.kind == "denied", line
    assert real_redis.keys("*") == []


def test_nothing_of_the_log_is_lost_to_a_worker(users: dict[str, Bus], real_redis: redis.Redis) -> None:
    """Not even by the ways round that a command has."""
    real_redis.xadd(RUN.log, {"k": "v"})
    real_redis.set(RUN.secrets, "s3cret")
    for line in (
        f"SET {RUN.log} x PX 1",
        f"SET {FLEET.beat('w1')} x PX 1 GET",
        f"XADD {RUN.log} MAXLEN 0 * k v",
        f"XREAD STREAMS {RUN.log} {RUN.reports} 0 0",
        f"SORT {FLEET.workers} BY nosort GET {RUN.secrets} STORE {FLEET.beat('w1')}",
        f"SMOVE {FLEET.workers} {RUN.log} m",
    ):
        with pytest.raises(BusError, match=r"(?i)no permissions"):
            users["worker"]._run(line.split())
    assert real_redis.xlen(RUN.log) == 1


def test_rights_of_one_fleet_end_there(users: dict[str, Bus], real_redis: redis.Redis) -> None:
    """A user of the fleet blue serves and leads no run of another."""
    for role in ("worker", "master"):
        assert is_denied(lambda bus: bus.announced_run(FleetKeys("red")), users[role])
    real_redis.execute_command(*shlex.split(set_user("worker", "worker")))
    assert not is_denied(lambda bus: bus.beat(FleetKeys("red"), "w1", b"x"), users["worker"])


# ------------------------------------------------------------------ looked at before anything begins


@pytest.mark.parametrize("role", ROLES)
def test_rights_are_looked_at_without_doing_anything(users: dict[str, Bus], real_redis: redis.Redis, role: str) -> None:
    """A role finds its own rights whole, and there is no key afterwards."""
    assert missing(users[role], role, "blue") == []
    require(users[role], role, "blue")
    assert real_redis.keys("*") == []
    assert real_redis.acl_log() == []


def test_what_is_missing_is_named_with_the_way_to_mend_it(users: dict[str, Bus], real_redis: redis.Redis) -> None:
    """Command and key, and the command that prints the right line; nothing was done by looking."""
    with pytest.raises(RedisDenied, match=r"to be a worker but may not use XADD on .* more;.*tidal acl worker"):
        require(users["watcher"], "worker", "blue")
    with pytest.raises(
        RedisDenied, match=r"an operator but may not use XADD on tidal:\{\*\}:intents; .* an operator: tidal"
    ):
        require(users["watcher"], "operator")
    real_redis.execute_command("ACL", "SETUSER", "worker", "clearselectors", "allkeys", "+xread", "+xadd")
    with pytest.raises(RedisDenied, match="HGET"):
        require(users["worker"], "worker", "blue")
    real_redis.execute_command("ACL", "SETUSER", "worker", "-multi")
    with pytest.raises(BusError, match="multi"):
        require(users["worker"], "worker", "blue")
    assert real_redis.keys("*") == []


# ------------------------------------------------------------------ the table and the lines


def test_the_table_is_the_map() -> None:
    """Every key of the map has its rights, and no other."""
    from tidal import keys  # noqa: PLC0415 - its docstring

    rows = re.findall(r"^    (tidal:\S+)", keys.__doc__ or "", re.MULTILINE)
    assert [access.key for access in ACCESS] == rows


def test_the_map_says_who_writes_and_who_reads() -> None:
    """The map's columns and the commands agree."""
    from tidal import keys  # noqa: PLC0415 - its docstring

    words = {"master": "master", "worker": "workers", "operator": "operators", "watcher": "viewers"}
    for line in re.findall(r"^    tidal:.*$", keys.__doc__ or "", re.MULTILINE):
        key, _, _, writers, _ = re.split(r" {2,}", line.strip())
        writing = {
            words[role]
            for role in ROLES
            for access in ACCESS
            if access.key == key and set(getattr(access, role).split()) & {"xadd", "set", "hset", "sadd"}
        }
        assert writing == {"master" if w == "master" else w for w in writers.split(", ")}, key


def test_the_flat_line_is_understood_and_enough(real_redis: redis.Redis, redis_url: str) -> None:
    """For Redis 6.2: no selectors; the role works, but so does what it must not do."""
    for role in ROLES:
        assert not any("(" in rule or "%" in rule for rule in rules(role, flat=True))
        real_redis.execute_command(*shlex.split(set_user("flat", role, password=PASSWORD, flat=True)))
        bus = Bus.connect(redis_url.replace("unix://", "unix://flat:s3cret@"), role=role)
        require(bus, role)
        bus.close()
        real_redis.acl_deluser("flat")


def test_a_password_is_told_by_its_hash_alone() -> None:
    """The line may be seen; without a password those that the user has stay."""
    line = set_user("me", "worker", password=PASSWORD)
    assert PASSWORD not in line
    assert re.search(r"resetpass #[0-9a-f]{64} ", line)
    assert "pass" not in set_user("me", "worker")
    assert "nopass" not in line
    for bad in ("", "a b", "x>pw", "a" * 65):
        with pytest.raises(UsageError):
            set_user(bad, "worker")
    with pytest.raises(UsageError):
        set_user("me", "worker", "a b")


def test_roles_are_as_small_as_the_page_says() -> None:
    """A watcher has four keys, and writes one that lapses."""
    written: Any = [right.key for right in rights("watcher") if not right.is_read]
    assert written == ["tidal:{*}:viewer"]
