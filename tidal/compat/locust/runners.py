"""Locust's `locust.runners`: the classes that locustfiles test their runner against, names of states, and constants.

The constants may be set here at any time; what tidal does by them is read when it is due.
"""

from tidal.generator.local import LocalRunner
from tidal.generator.nodes import (
    CONNECT_RETRY_COUNT,
    CONNECT_TIMEOUT,
    CPU_MONITOR_INTERVAL,
    CPU_WARNING_THRESHOLD,
    FALLBACK_INTERVAL,
    HEARTBEAT_DEAD_INTERNAL,
    HEARTBEAT_INTERVAL,
    HEARTBEAT_LIVENESS,
    MASTER_HEARTBEAT_TIMEOUT,
    STATE_CLEANUP,
    STATE_INIT,
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    STATE_STOPPING,
    WORKER_LOG_REPORT_INTERVAL,
    WORKER_REPORT_INTERVAL,
    WorkerNode,
    WorkerNodes,
)
from tidal.generator.runners import DistributedRunner, MasterRunner, Runner, WorkerRunner

__all__ = [
    "CONNECT_RETRY_COUNT",
    "CONNECT_TIMEOUT",
    "CPU_MONITOR_INTERVAL",
    "CPU_WARNING_THRESHOLD",
    "FALLBACK_INTERVAL",
    "HEARTBEAT_DEAD_INTERNAL",
    "HEARTBEAT_INTERVAL",
    "HEARTBEAT_LIVENESS",
    "MASTER_HEARTBEAT_TIMEOUT",
    "STATE_CLEANUP",
    "STATE_INIT",
    "STATE_MISSING",
    "STATE_RUNNING",
    "STATE_SPAWNING",
    "STATE_STOPPED",
    "STATE_STOPPING",
    "WORKER_LOG_REPORT_INTERVAL",
    "WORKER_REPORT_INTERVAL",
    "DistributedRunner",
    "LocalRunner",
    "MasterRunner",
    "Runner",
    "WorkerNode",
    "WorkerNodes",
    "WorkerRunner",
]
