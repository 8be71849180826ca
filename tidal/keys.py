"""Every key that tidal keeps in Redis. There is no other.

    key                            type    lives                   written by   read by
    ─────────────────────────────  ──────  ──────────────────────  ───────────  ─────────────────────
    tidal:{RUN}:log                stream  7 d after a keyframe    master       workers, viewers
    tidal:{RUN}:reports            stream  7 d after a keyframe    workers      master, viewers
    tidal:{RUN}:intents            stream  7 d after a keyframe    operators    master
    tidal:{RUN}:lease              string  3 s, renewed each 1 s   master       master
    tidal:{RUN}:epoch              string  7 d after a keyframe    master       master
    tidal:{RUN}:ack                hash    7 d after a keyframe    master       workers
    tidal:{RUN}:keyframe           string  7 d after a keyframe    master       viewers, successors
    tidal:{RUN}:brief              string  7 d after a keyframe    master       workers
    tidal:{RUN}:secrets            string  7 d after a keyframe    master       workers, successors
    tidal:{RUN}:viewer             string  5 s, renewed each 1 s   viewers      master
    tidal:{fleet:NAME}:run         string  60 s, renewed           master       workers
    tidal:{fleet:NAME}:workers     set     for ever                workers      master
    tidal:{fleet:NAME}:beat:ID     string  2 s, whole each 0.5 s   workers      master
    tidal:runs                     hash    for ever                master       viewers

What the values are: `lease` is `TOKEN:EPOCH`; `epoch` a decimal; `ack` maps an incarnation to the last sequence number
that is safe; `keyframe` is a packed state with the rules it was folded by, and `brief` the half that masters wrote;
`secrets` are arguments of the file's own; `run` a run's id; `beat:ID` and the values of `runs` are msgpack.

The braces are hash tags: in a cluster all keys of a run lie on one node, and all keys of a fleet on one, so a
transaction never spans nodes. A run is written first and announced to a fleet after, because the two are apart.
The names of `{RUN}`, `NAME` and `ID` are held to `is_name`: nothing from outside can leave its own tag.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tidal.errors import UsageError
from tidal.model.struct import Struct

DAY_MS = 24 * 3_600 * 1_000
RUN_TTL_MS = 7 * DAY_MS
"""How long a run stays in Redis after its last keyframe; its archive stays."""
LEASE_TTL_MS = 3_000
VIEWER_TTL_MS = 5_000
ANNOUNCE_TTL_MS = 60_000
BEAT_TTL_MS = 2_000

RUNS = "tidal:runs"


class Access(NamedTuple):
    """Which commands each role uses on a key, `key` as the map spells it. `tidal.acl` makes rights of it.

    An operator does what a watcher does, and a master what an operator does, besides what stands here.
    """

    key: str
    master: str = ""
    worker: str = ""
    watcher: str = ""
    operator: str = ""


ACCESS = (
    Access("tidal:{RUN}:log", "xadd xread xrange xinfo|stream xtrim exists pexpire", worker="xread", watcher="xread"),
    Access("tidal:{RUN}:reports", "xread xrange xinfo|stream xtrim xsetid pexpire", worker="xadd", watcher="xread"),
    Access("tidal:{RUN}:intents", "xread xinfo|stream xtrim pexpire", operator="xadd"),
    Access("tidal:{RUN}:lease", "watch get set pexpire pttl del"),
    Access("tidal:{RUN}:epoch", "watch get set pexpire"),
    Access("tidal:{RUN}:ack", "hset pexpire", worker="hget"),
    Access("tidal:{RUN}:keyframe", "set pexpire", watcher="get"),
    Access("tidal:{RUN}:brief", "set pexpire", worker="get"),
    Access("tidal:{RUN}:secrets", "get set del pexpire", worker="get"),
    Access("tidal:{RUN}:viewer", "exists", watcher="set"),
    Access("tidal:{fleet:NAME}:run", "watch get set del", worker="get"),
    Access("tidal:{fleet:NAME}:workers", "smembers", worker="sadd srem"),
    Access("tidal:{fleet:NAME}:beat:ID", "mget exists", worker="set del"),
    Access("tidal:runs", "hset hkeys hdel", watcher="hgetall"),
)
"""Every command on every key: one that is new here is in the rights that `tidal acl` prints, and tested."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def is_name(text: str) -> bool:
    """Whether a text may be the id of a run or worker or the name of a fleet: 1 to 64 of `A-Za-z0-9._-`."""
    return _NAME.fullmatch(text) is not None


def _checked(kind: str, text: str) -> str:
    if not is_name(text):
        raise UsageError(f"{kind} {text[:80]!r} is not 1 to 64 letters, digits, dots, dashes or underscores")
    return text


class RunKeys(Struct, frozen=True):
    """The keys of one run; UsageError when the id could not be one."""

    run: str

    def __post_init__(self) -> None:
        """Refuse an id that would leave its hash tag."""
        _checked("run id", self.run)

    def _key(self, leaf: str) -> str:
        return f"tidal:{{{self.run}}}:{leaf}"

    @property
    def log(self) -> str:
        """The stream of masters: commands and observations."""
        return self._key("log")

    @property
    def reports(self) -> str:
        """The stream of workers."""
        return self._key("reports")

    @property
    def intents(self) -> str:
        """The stream of operators."""
        return self._key("intents")

    @property
    def lease(self) -> str:
        """Who is the master: `TOKEN:EPOCH`."""
        return self._key("lease")

    @property
    def epoch(self) -> str:
        """The highest epoch that was ever given out."""
        return self._key("epoch")

    @property
    def ack(self) -> str:
        """What of each incarnation's reports is safe."""
        return self._key("ack")

    @property
    def keyframe(self) -> str:
        """The newest stored state."""
        return self._key("keyframe")

    @property
    def brief(self) -> str:
        """What a worker must know when it cannot read the log from its beginning."""
        return self._key("brief")

    @property
    def secrets(self) -> str:
        """The file's own arguments that must not be in the log."""
        return self._key("secrets")

    @property
    def viewer(self) -> str:
        """Somebody is looking."""
        return self._key("viewer")

    @property
    def lasting(self) -> tuple[str, ...]:
        """The keys that stay for `RUN_TTL_MS` after the last keyframe."""
        return (self.log, self.reports, self.intents, self.epoch, self.ack, self.keyframe, self.brief, self.secrets)


class FleetKeys(Struct, frozen=True):
    """The keys of one fleet; UsageError when the name could not be one."""

    name: str

    def __post_init__(self) -> None:
        """Refuse a name that would leave its hash tag."""
        _checked("fleet name", self.name)

    def _key(self, leaf: str) -> str:
        return f"tidal:{{fleet:{self.name}}}:{leaf}"

    @property
    def run(self) -> str:
        """The id of the run that the fleet serves."""
        return self._key("run")

    @property
    def workers(self) -> str:
        """The ids of all workers that ever beat and were not forgotten."""
        return self._key("workers")

    def beat(self, worker: str) -> str:
        """A worker's heartbeat; UsageError when the id could not be one."""
        return self._key(f"beat:{_checked('worker id', worker)}")
