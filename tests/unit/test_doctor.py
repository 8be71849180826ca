"""The doctor finds what would lose a run, says what to change, and leaves nothing behind."""

from __future__ import annotations

import re
import shlex
import time
from typing import TYPE_CHECKING

import fakeredis
import pytest

from tidal.acl import set_user
from tidal.bus import Bus
from tidal.doctor import Finding, doctor, examine
from tidal.errors import RedisDenied, RedisUnfit, RedisUnreachable
from tidal.rights import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import redis


def levels(findings: list[Finding]) -> dict[str, str]:
    """The worst level of each thing that was looked at."""
    order = ["good", "info", "warning", "error"]
    worst: dict[str, str] = {}
    for finding in findings:
        worst[finding.what] = max(worst.get(finding.what, "good"), finding.level, key=order.index)
    return worst


def of(findings: list[Finding], what: str) -> Finding:
    """The one finding about a thing."""
    (found,) = [finding for finding in findings if finding.what == what]
    return found


@pytest.fixture
def settings(real_redis: redis.Redis) -> Iterator[redis.Redis]:
    """The real server, whose settings are put back after the test."""
    yield real_redis
    real_redis.replicaof("NO", "ONE")
    real_redis.config_set("maxmemory", "0")
    real_redis.config_set("maxmemory-policy", "noeviction")
    real_redis.config_set("appendonly", "no")
    for user in ("small", "blind"):
        real_redis.acl_deluser(user)


def test_healthy(settings: redis.Redis, redis_url: str) -> None:
    """A server as tidal wants it has good findings only, and keeps no key of the doctor's."""
    settings.config_set("appendonly", "yes")
    findings = doctor(redis_url)
    assert set(levels(findings)) == {"version", "eviction", "durability", "memory", "round trip", "clock", "rights"}
    assert set(levels(findings).values()) == {"good"}, findings
    assert settings.keys("*") == []


def test_every_finding_that_is_not_good_says_what_to_change(settings: redis.Redis, redis_url: str) -> None:
    """Eviction and a missing append-only file are found, each with its remedy."""
    settings.config_set("maxmemory-policy", "allkeys-lru")
    findings = doctor(redis_url)
    assert (levels(findings)["eviction"], levels(findings)["durability"]) == ("warning", "warning")
    assert "maxmemory-policy noeviction" in of(findings, "eviction").advice
    assert "appendonly yes" in of(findings, "durability").advice
    settings.config_set("maxmemory", "1gb")
    assert levels(doctor(redis_url))["eviction"] == "error"
    assert all(finding.advice for finding in findings if finding.level != "good")


def test_full_memory(settings: redis.Redis, redis_url: str) -> None:
    """A full server is found by its figures and by its refusals, once."""
    settings.config_set("maxmemory", "1000")
    findings = doctor(redis_url)
    assert (levels(findings)["memory"], levels(findings)["writing"]) == ("error", "error")
    assert len([finding for finding in findings if finding.what == "writing"]) <= 2
    settings.config_set("maxmemory", str(int(settings.info("memory")["used_memory"] * 1.25)))
    assert levels(doctor(redis_url))["memory"] == "warning"


def test_replica(settings: redis.Redis, redis_url: str) -> None:
    """A replica takes no writes: found by its role and by trying."""
    settings.replicaof("127.0.0.1", "1")
    found = levels(doctor(redis_url))
    assert (found["role"], found["writing"]) == ("error", "error")


def test_a_command_that_the_server_has_not(redis_with: Callable[[str], str]) -> None:
    """Renamed or disabled there: found before a run waits for workers that it cannot see."""
    url = redis_with('rename-command XINFO ""')
    assert "has no XINFO STREAM" in of(doctor(url), "commands").found
    bus = Bus.connect(url, role="master")
    with pytest.raises(RedisUnfit, match="has no XINFO STREAM"):
        require(bus, "master")
    bus.close()


def test_a_password_that_is_missing_or_wrong(redis_with: Callable[[str], str]) -> None:
    """Each has its own words, once."""
    url = redis_with("requirepass pw")
    with pytest.raises(RedisDenied, match=r"asks for a password .*Check user and password in --redis"):
        doctor(url)
    with pytest.raises(RedisDenied, match="does not take this user and password"):
        doctor(f"{url}?password=other")


def test_small_rights(settings: redis.Redis, redis_url: str) -> None:
    """Denied commands are named with the rule that would allow them; what INFO would say is not known."""
    commands = ["+ping", "+client|setname", "+xadd", "+xread", "+time", "+get", "+set", "+del", "+watch", "+multi"]
    settings.acl_setuser("small", enabled=True, passwords=["+pw"], commands=commands, keys=["tidal:*"], reset=True)
    findings = doctor(f"{redis_url}?username=small&password=pw")
    assert {levels(findings)[what] for what in ("version", "eviction", "durability", "memory")} == {"info"}
    worker, master = [finding for finding in findings if finding.what == "rights"]
    assert re.search(r"a worker but may not use HGET on .*:ack, SADD on .*:workers, SREM on", worker.found)
    assert "XADD" not in worker.found
    assert "XRANGE" in master.found
    assert "tidal acl worker" in worker.advice
    assert "tidal acl master" in master.advice
    assert all("pw" not in finding.found + finding.advice for finding in findings)


def test_wrong_keys(settings: redis.Redis, redis_url: str) -> None:
    """A user that may do everything, but not on tidal's keys, is found too."""
    settings.acl_setuser("blind", enabled=True, passwords=["+pw"], commands=["+@all"], keys=["other:*"], reset=True)
    findings = doctor(f"{redis_url}?username=blind&password=pw")
    assert levels(findings)["rights"] == "error"
    assert "tidal acl worker" in next(f.advice for f in findings if f.what == "rights")


def test_rights_of_one_role(settings: redis.Redis, redis_url: str) -> None:
    """A user with a worker's rights is told so: what it lacks for others is no mistake."""
    settings.execute_command(*shlex.split(set_user("small", "worker")), ">pw")
    rights = [finding for finding in doctor(f"{redis_url}?username=small&password=pw") if finding.what == "rights"]
    assert [(finding.level, finding.found[:20]) for finding in rights] == [
        ("good", "enough for a worker"),
        ("info", "this user is to be a"),
    ]


@pytest.mark.parametrize(
    ("off_s", "level", "word"), [(0, "good", ""), (60, "warning", "behind"), (-60, "warning", "ahead")]
)
def test_clock(settings: redis.Redis, redis_url: str, off_s: int, level: str, word: str) -> None:
    """A local clock that is off is a warning that says in which direction."""
    bus = Bus.connect(redis_url, role="test")
    finding = of(examine(bus, lambda: time.time() + off_s), "clock")
    assert finding.level == level
    assert word in finding.found
    bus.close()


def test_fake_server_tells_little() -> None:
    """A server without INFO is no crash."""
    bus = Bus.connect(role="test", client=fakeredis.FakeRedis(server=fakeredis.FakeServer(), protocol=2))
    found = levels(examine(bus, time.time))
    assert found["rights"] == "good"
    assert "error" not in found.values()


def test_server_that_goes_away_in_the_middle() -> None:
    """Each check that finds no server says so; there is no crash."""
    server = fakeredis.FakeServer()
    bus = Bus.connect(role="test", client=fakeredis.FakeRedis(server=server, protocol=2))
    server.connected = False
    findings = examine(bus, time.time)
    assert {finding.level for finding in findings} == {"error"}
    assert all(finding.advice for finding in findings)


def test_nothing_to_look_at(settings: redis.Redis, redis_url: str, tmp_path: Path) -> None:
    """Nobody there, or a wrong password: the errors of connecting."""
    with pytest.raises(RedisUnreachable):
        doctor(f"unix://{tmp_path}/none.sock")
    with pytest.raises(RedisDenied):
        doctor(f"{redis_url}?username=nobody&password=wrong")
