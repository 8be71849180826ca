"""What processes use: the one home of psutil."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable


class Usage:
    """CPU and memory of this process and some of its children, between two looks."""

    def __init__(self) -> None:
        self._processes: dict[int, psutil.Process] = {}

    def look(self, children: Iterable[int]) -> tuple[int, int]:
        """CPU since the last look in thousandths of a core, and resident memory in bytes, of all together."""
        wanted = {os.getpid(), *children}
        for pid in set(self._processes) - wanted:
            del self._processes[pid]
        cpu_percent, memory = 0.0, 0
        for pid in wanted:
            try:
                process = self._processes.setdefault(pid, psutil.Process(pid))
                cpu_percent += process.cpu_percent(None)
                memory += process.memory_info().rss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                self._processes.pop(pid, None)
        return round(cpu_percent * 10), memory


def available_bytes() -> int:
    """The memory that this machine can still give."""
    return int(psutil.virtual_memory().available)


def cores() -> int:
    """How many processor cores this process may use."""
    try:
        return len(psutil.Process().cpu_affinity())
    except (AttributeError, psutil.Error):  # not on macOS
        return psutil.cpu_count() or 1
