"""What a machine allows a worker: file descriptors, local ports, memory, the clock. Looked at when it starts.

What may be raised is raised; of the rest one line each warns. A user of HTTP has a connection of its own, so the
descriptors of a process bound its users, and a worker says so when it joins (`users_max`).
"""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

from tidal.measure import available_bytes
from tidal.model.struct import Struct
from tidal.model.words import plural

FILES_WANTED = 1 << 20
FILES_LEAST = 128
"""Fewer, and server, master or worker cannot even connect: 64 are too few, 80 just do."""
FILES_OWN = 100
"""Descriptors of a generator that are no user's: pipes, modules, data files, log."""
PORTS_FEW = 10_000
MEMORY_FEW_BYTES = 200 << 20
"""A generator with its modules takes about 50 MB before its first user."""
SKEW_MS = 2_000
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


class Machine(Struct, frozen=True):
    """What was found: for one process where not said otherwise."""

    files: int  # descriptors
    ports: int  # local ports for connections to one address; 0: not known
    memory_bytes: int  # available on the machine
    skew_ms: int = 0  # this host's clock against Redis'


def look(skew_ms: int = 0) -> Machine:
    """Raise the soft limit of descriptors to the hard one, then look."""
    return Machine(raise_files(), _ports(), available_bytes(), skew_ms)


def raise_files() -> int:
    """Raise the soft limit of descriptors to the hard one; how many there may be now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, FILES_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # the system may have a lower bound of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return FILES_WANTED if soft == resource.RLIM_INFINITY else min(soft, FILES_WANTED)


def too_few_files(files: int) -> str | None:
    """Why a run cannot start with so many descriptors a process, and what to do; None: it can."""
    if files >= FILES_LEAST:
        return None
    return f"a process may open {files:,} files here, and a run needs {FILES_LEAST} at least: `ulimit -n 4096`"


def _ports() -> int:
    try:
        first, last = map(int, PORT_RANGE.read_text(encoding="ascii").split())
    except (OSError, ValueError):  # not Linux
        return 0
    return max(0, last - first + 1)


def users_max(machine: Machine, processes: int) -> int:
    """How many users with a connection each these generators can take; 0: no bound worth the name."""
    return 0 if machine.files >= FILES_WANTED else max(1, machine.files - FILES_OWN) * processes


def warnings(machine: Machine, processes: int) -> list[str]:
    """What may get in the way, one line each, with what to do."""
    found = []
    if bound := users_max(machine, processes):
        files = f"{machine.files:,} file descriptors a process"
        found.append(
            f"{files}: {plural(bound, 'user')} with a connection each; more with `ulimit -n`, or say --max-users"
        )
    if 0 < machine.ports < PORTS_FEW:
        found.append(
            f"{machine.ports:,} local ports: as many connections to one address (net.ipv4.ip_local_port_range)"
        )
    if machine.memory_bytes < MEMORY_FEW_BYTES * processes:
        found.append(
            f"{machine.memory_bytes >> 20:,} MB of memory for {plural(processes, 'generator')}: fewer --processes"
        )
    if abs(machine.skew_ms) > SKEW_MS:
        how = "ahead of" if machine.skew_ms > 0 else "behind"
        found.append(f"this clock is {abs(machine.skew_ms) / 1000:,.0f} s {how} Redis'; the run goes by Redis' clock")
    return found
