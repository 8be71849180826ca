"""What is proved so far of a recording that somebody looks at: told by who proves it, shown by who draws it. PURE."""

from __future__ import annotations

from tidal.model.struct import Struct


class Checked(Struct, frozen=True):
    """How far a recording was held to the hashes that its masters wrote down.

    Attributes:
        agreed: checkpoints at which the fold has the recorded hash, or the bytes where the state has another shape.
        of: checkpoints in the recording.
        foreign: of these, those of another version of tidal: its states have another shape.
        is_chain: `agreed` is of the chain of hashes over the bytes alone.
        is_done: everything was looked at.
        differs_ms: Redis time of the first that differs; None: none does.
    """

    agreed: int = 0
    of: int = 0
    foreign: int = 0
    is_chain: bool = False
    is_done: bool = False
    differs_ms: int | None = None
