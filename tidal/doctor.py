"""Whether a Redis will do for tidal: what was found, and what to change.

A check never fails because Redis denies something: that is a finding too. Nothing is written.
"""

from __future__ import annotations

import time
from itertools import chain
from statistics import median
from typing import TYPE_CHECKING

from tidal.acl import ROLES
from tidal.bus import Bus, BusError
from tidal.model.struct import Struct
from tidal.model.text import clean
from tidal.rights import a, absent, in_words, refusals

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD, INFO, WARNING, ERROR = "good", "info", "warning", "error"

PINGS = 15
SLOW_US, TOO_SLOW_US = 50_000, 500_000
"""Half a second is a whole heartbeat; the lease and the reports go the same way."""
SKEW_MS = 2_000
FULL_PERCENT, TOO_FULL_PERCENT = 70, 95
UNFIT = ("oom", "readonly")
"""Kinds of refusals that are no matter of rights."""
_NOT_TOLD = "this user may not ask"


class Finding(Struct, frozen=True):
    """One thing that was looked at: level (good, info, warning, error), what, what was found, what to change."""

    level: str
    what: str
    found: str
    advice: str = ""


def doctor(url: str) -> list[Finding]:
    """Every finding about a Redis; RedisUnreachable, RedisDenied or RedisTooOld when there is nothing to look at."""
    bus = Bus.connect(url, role="doctor")
    try:
        return examine(bus, time.time)
    finally:
        bus.close()


def examine(bus: Bus, clock: Callable[[], float]) -> list[Finding]:
    """Every finding about the Redis of a bus; `clock` is the local one, in s since 1970."""
    checks: dict[str, Callable[[], list[Finding]]] = {
        "version": lambda: _version(bus),
        "role": lambda: _role(bus),
        "eviction": lambda: _eviction(bus),
        "durability": lambda: _durability(bus),
        "memory": lambda: _memory(bus),
        "round trip": lambda: _round_trip(bus),
        "clock": lambda: _clock(bus, clock),
        "rights": lambda: _rights(bus),
    }
    findings = []
    for what, check in checks.items():
        try:
            findings += check()
        except BusError as error:
            findings.append(Finding(ERROR, what, clean(str(error), 200), "mend this first, then look again"))
    return findings


def _version(bus: Bus) -> list[Finding]:
    info = bus.info("server")
    version = clean(str(info.get("valkey_version") or info.get("redis_version") or ""), 20)
    if not version:
        return [Finding(INFO, "version", _NOT_TOLD, "tidal needs 6.2 or newer; +info lets it look")]
    name = "Valkey" if "valkey_version" in info else "Redis"
    if version.startswith("6."):
        return [Finding(INFO, "version", f"{name} {version}", "7.0 or newer can give workers narrower rights")]
    return [Finding(GOOD, "version", f"{name} {version}")]


def _role(bus: Bus) -> list[Finding]:
    findings = []
    if bus.info("replication").get("role") in ("slave", "replica"):
        findings.append(Finding(ERROR, "role", "a replica", "give the URL of its primary: a replica takes no writes"))
    if str(bus.info("cluster").get("cluster_enabled", 0)) == "1":
        advice = "name several nodes, one may be down: redis+cluster://HOST:PORT,HOST:PORT"
        findings.append(Finding(INFO, "role", "a node of a cluster", advice))
    return findings


def _eviction(bus: Bus) -> list[Finding]:
    policy = bus.config("maxmemory-policy") or bus.info("memory").get("maxmemory_policy")
    if not policy:
        return [Finding(INFO, "eviction", _NOT_TOLD, "maxmemory-policy has to be noeviction; +info lets tidal look")]
    if policy == "noeviction":
        return [Finding(GOOD, "eviction", "noeviction")]
    advice = "CONFIG SET maxmemory-policy noeviction: a full Redis would throw a run's log away"
    level = ERROR if bus.info("memory").get("maxmemory", 1) else WARNING  # without a limit nothing is evicted yet
    return [Finding(level, "eviction", clean(str(policy), 40), advice)]


def _durability(bus: Bus) -> list[Finding]:
    info = bus.info("persistence")
    if not info:
        return [Finding(INFO, "durability", _NOT_TOLD, "appendonly should be yes; +info lets tidal look")]
    findings = [Finding(GOOD, "durability", "append-only file")]
    if not info.get("aof_enabled"):
        advice = "CONFIG SET appendonly yes: else a restart of Redis ends the runs that go on (archives stay)"
        findings = [Finding(WARNING, "durability", "no append-only file", advice)]
    for field, what in (("aof_last_write_status", "append-only file"), ("rdb_last_bgsave_status", "snapshot")):
        if info.get(field, "ok") != "ok":
            found = f"the last write of the {what} failed"
            findings.append(Finding(ERROR, "durability", found, "look for a full disk: Redis may refuse writes"))
    return findings


def _memory(bus: Bus) -> list[Finding]:
    info = bus.info("memory")
    used = info.get("used_memory")
    if not isinstance(used, int):
        return [Finding(INFO, "memory", _NOT_TOLD, "a thousand workers write 4.6 GB an hour; +info lets tidal look")]
    limit = info.get("maxmemory") or info.get("total_system_memory") or 0
    if not limit:
        return [Finding(GOOD, "memory", f"{_mb(used)} used, no limit")]
    percent = used * 100 // limit
    found = f"{_mb(used)} used of {_mb(limit)} ({percent} %)"
    advice = "raise maxmemory or remove what is not needed: when it is full, every append is refused"
    if percent >= TOO_FULL_PERCENT:
        return [Finding(ERROR, "memory", found, advice)]
    return [Finding(WARNING, "memory", found, advice) if percent >= FULL_PERCENT else Finding(GOOD, "memory", found)]


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _round_trip(bus: Bus) -> list[Finding]:
    median_us = int(median(bus.ping_us() for _ in range(PINGS)))
    found = f"{median_us / 1000:.1f} ms (median of {PINGS})"
    advice = "put Redis nearer to the workers: leases and heartbeats need answers well below 500 ms"
    if median_us >= TOO_SLOW_US:
        return [Finding(ERROR, "round trip", found, advice)]
    return [
        Finding(WARNING, "round trip", found, advice) if median_us >= SLOW_US else Finding(GOOD, "round trip", found)
    ]


def _clock(bus: Bus, clock: Callable[[], float]) -> list[Finding]:
    """Redis time against the local clock, by the exchange with the shortest way of several."""
    exchanges = []
    for _ in range(5):
        before_us, redis_us, after_us = bus.time_us()
        exchanges.append((after_us - before_us, redis_us - int(clock() * 1e6)))
    way_us, ahead_us = min(exchanges)
    ahead_ms = (ahead_us + way_us // 2) // 1000
    found = f"Redis is {abs(ahead_ms)} ms {'ahead of' if ahead_ms >= 0 else 'behind'} this machine"
    if abs(ahead_ms) < SKEW_MS:
        return [Finding(GOOD, "clock", found)]
    advice = "set both by NTP: runs are timed by Redis, so their times will not match this machine's logs"
    return [Finding(WARNING, "clock", found, advice)]


# ------------------------------------------------------------------ rights


def _rights(bus: Bus) -> list[Finding]:
    """Which roles this user may take on, and what the server has against writing; nothing is written for it."""
    refused = {role: refusals(bus, role) for role in ROLES}
    lacking = {role: [right for right, kind, _ in found if kind == "denied"] for role, found in refused.items()}
    able = [role for role in ROLES if not lacking[role]]
    lost = absent(chain.from_iterable(refused.values()))
    others = [f"{kind}: {said}" for found in refused.values() for _, kind, said in found if kind in UNFIT]
    findings = [Finding(ERROR, "writing", clean(said, 200), "Redis refuses what a run needs") for said in others[:1]]
    if lost:
        findings.append(Finding(ERROR, "commands", lost, "tidal needs them: take them out of rename-command"))
    if len(able) == len(ROLES):
        return findings or [Finding(GOOD, "rights", "all commands that tidal needs are allowed")]
    if able:
        findings.append(Finding(GOOD, "rights", f"enough for {' and '.join(a(role) for role in able)}"))
    level = INFO if able else ERROR
    for role in ("worker", "master"):
        if lacking[role]:
            advice = f"an administrator gives {a(role)} its rights with the line that tidal acl {role} prints"
            findings.append(Finding(level, "rights", in_words(lacking[role], role), advice))
    return findings
