"""Locust's `locust.runners`: the classes that locustfiles test their runner against, names of states, and constants.

The constants may be set here at any time; what tidal does by them is read when it is due.
"""

import logging

from tidal.flow import STOPPING as LOCUST_STATE_STOPPING
from tidal.flow import RPCError, RPCReceiveError, RPCSendError, StopTest
from tidal.generator.dispatch import UsersDispatcher
from tidal.generator.local import LocalRunner
from tidal.generator.messages import Message
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
from tidal.generator.stats_error import StatsError
from tidal.generator.stats_view import RequestStats

from .log import get_logs, greenlet_exception_logger
from .util.directory import get_abspaths_in
from .util.url import is_url

logger = logging.getLogger("locust.runners")

__all__ = [
    "CONNECT_RETRY_COUNT",
    "CONNECT_TIMEOUT",
    "CPU_MONITOR_INTERVAL",
    "CPU_WARNING_THRESHOLD",
    "FALLBACK_INTERVAL",
    "HEARTBEAT_DEAD_INTERNAL",
    "HEARTBEAT_INTERVAL",
    "HEARTBEAT_LIVENESS",
    "LOCUST_STATE_STOPPING",
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
    "Message",
    "RPCError",
    "RPCReceiveError",
    "RPCSendError",
    "RequestStats",
    "Runner",
    "StatsError",
    "StopTest",
    "UsersDispatcher",
    "WorkerNode",
    "WorkerNodes",
    "WorkerRunner",
    "get_abspaths_in",
    "get_logs",
    "greenlet_exception_logger",
    "is_url",
    "logger",
]
