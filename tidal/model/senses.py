"""What a master senses around the log: the shell looks, `decide` decides. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.struct import Struct, field

if TYPE_CHECKING:
    from tidal.model.envelopes import ByOperator
    from tidal.model.liveness import Heartbeat


class Senses(Struct, frozen=True):
    """What the shell found when it looked around; times in ms of Redis time."""

    now_ms: int
    beats: dict[str, Heartbeat] = field(default_factory=dict)  # by incarnation: the keys that are there
    looked: bool = False  # whether `beats`, `lost` and `left` are fresh
    lost: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    intents: tuple[ByOperator, ...] = ()
    unwatched_ms: int = 0
    redis_rtt_us: int = 0
    well_ms: int = 1 << 40  # for how long Redis has refused us nothing
    has_host: bool = False  # whether there is a hook host that will call the file's listeners
