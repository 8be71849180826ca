"""The events of a run: one frozen dataclass a kind, grouped by who writes them.

Masters write commands (imperative) and observations (past tense) to `log`. Workers write reports
(past tense) to `reports`. Operators write intents to `intents`. An event carries what happened; who wrote it,
when and with which identity is in its envelope (`ByMaster`, `ByWorker`, `ByOperator`). The kinds and versions are
in `docs/reference/schema.md`, which a test holds to this file.

    envelopes.py   Event, ByMaster, ByWorker, ByOperator
    commands.py, observations.py   by masters
    reports.py     by workers
    intents.py     by operators

Adding a kind: a dataclass in its group, its name here, one function in `fold.py` (and one line in `story.py`), a test.
"""

from __future__ import annotations

from tidal.model.commands import (
    BlockLeased,
    BlocksReturned,
    DrainOrdered,
    FileChunk,
    PlanSet,
    RunClosed,
    RunOpened,
    RunStarted,
    StopOrdered,
)
from tidal.model.envelopes import (
    CHUNK_BYTES,
    INCARNATION_MAX,
    MOMENT_MS_MAX,
    SCHEMA_VERSION,
    SLOTS_MAX,
    TRACKS_MAX,
    USERS_MAX,
    ByMaster,
    ByOperator,
    ByWorker,
    Event,
    is_target,
)
from tidal.model.intents import (
    WantNote,
    WantPause,
    WantRate,
    WantResume,
    WantStage,
    WantStop,
    WantTarget,
)
from tidal.model.observations import (
    Beat,
    BlocksLost,
    Checkpoint,
    EntryRefused,
    GenerationOpened,
    HookDone,
    IntentAccepted,
    IntentRefused,
    LedgerSealed,
    LimitFound,
    MasterTook,
    MessageSent,
    Noted,
    ProbeBegun,
    ProbeJudged,
    TargetSet,
    ThresholdTripped,
    Ticked,
    WorkerChanged,
    WorkerLeft,
    WorkerLost,
    WorkerRefused,
    WorkerSeen,
)
from tidal.model.reports import (
    BlockWanted,
    GeneratorLost,
    GeneratorState,
    LoadFailed,
    MessageReceived,
    Reported,
    StopWanted,
    Watch,
    WorkerFinished,
)
from tidal.model.samples import (
    COUNT_MAX,
    CUT_NAME_MAX,
    TEXT_MAX,
    TRACEBACK_MAX,
    Block,
    ExceptionTally,
    FailedRequest,
    FailureTally,
    PaceTally,
)
from tidal.model.spec import ClassSpec, FileSpec, LimitSpec, Rest, RunOptions, StageSpec, Track

__all__ = [
    "CHUNK_BYTES",
    "COUNT_MAX",
    "CUT_NAME_MAX",
    "INCARNATION_MAX",
    "MASTER_EVENTS",
    "MOMENT_MS_MAX",
    "OPERATOR_EVENTS",
    "SCHEMA_VERSION",
    "SLOTS_MAX",
    "TEXT_MAX",
    "TRACEBACK_MAX",
    "TRACKS_MAX",
    "USERS_MAX",
    "WORKER_EVENTS",
    "Beat",
    "Block",
    "BlockLeased",
    "BlockWanted",
    "BlocksLost",
    "BlocksReturned",
    "ByMaster",
    "ByOperator",
    "ByWorker",
    "Checkpoint",
    "ClassSpec",
    "DrainOrdered",
    "EntryRefused",
    "Event",
    "ExceptionTally",
    "FailedRequest",
    "FailureTally",
    "FileChunk",
    "FileSpec",
    "GenerationOpened",
    "GeneratorLost",
    "GeneratorState",
    "HookDone",
    "IntentAccepted",
    "IntentRefused",
    "LedgerSealed",
    "LimitFound",
    "LimitSpec",
    "LoadFailed",
    "MasterTook",
    "MessageReceived",
    "MessageSent",
    "Noted",
    "PaceTally",
    "PlanSet",
    "ProbeBegun",
    "ProbeJudged",
    "Reported",
    "Rest",
    "RunClosed",
    "RunOpened",
    "RunOptions",
    "RunStarted",
    "StageSpec",
    "StopOrdered",
    "StopWanted",
    "TargetSet",
    "ThresholdTripped",
    "Ticked",
    "Track",
    "WantNote",
    "WantPause",
    "WantRate",
    "WantResume",
    "WantStage",
    "WantStop",
    "WantTarget",
    "Watch",
    "WorkerChanged",
    "WorkerFinished",
    "WorkerLeft",
    "WorkerLost",
    "WorkerRefused",
    "WorkerSeen",
    "is_target",
]

MASTER_EVENTS: tuple[type[Event], ...] = (
    RunOpened, FileChunk, RunStarted, PlanSet, StopOrdered, DrainOrdered, RunClosed, BlockLeased, BlocksReturned,
    MasterTook, WorkerSeen, WorkerChanged, WorkerLost, WorkerLeft, WorkerRefused, Ticked, BlocksLost, TargetSet,
    HookDone, MessageSent,
    IntentAccepted, IntentRefused, EntryRefused, Checkpoint, Noted, GenerationOpened,
    LedgerSealed, ThresholdTripped, ProbeBegun, ProbeJudged, LimitFound,
)  # fmt: skip
WORKER_EVENTS: tuple[type[Event], ...] = (
    Reported, GeneratorLost, LoadFailed, WorkerFinished, StopWanted, MessageReceived, BlockWanted,
)  # fmt: skip
OPERATOR_EVENTS: tuple[type[Event], ...] = (
    WantTarget, WantRate, WantStage, WantPause, WantResume, WantStop, WantNote,
)  # fmt: skip
