"""Locust's `locust.runners`: the classes that locustfiles test their runner against, and the names of states."""

from tidal.generator.environment import (
    STATE_CLEANUP,
    STATE_INIT,
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    STATE_STOPPING,
    DistributedRunner,
    LocalRunner,
    MasterRunner,
    Runner,
    WorkerRunner,
)

__all__ = [
    "STATE_CLEANUP",
    "STATE_INIT",
    "STATE_MISSING",
    "STATE_RUNNING",
    "STATE_SPAWNING",
    "STATE_STOPPED",
    "STATE_STOPPING",
    "DistributedRunner",
    "LocalRunner",
    "MasterRunner",
    "Runner",
    "WorkerRunner",
]
