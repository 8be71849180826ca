"""What can be done to a run: each a function of the field."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import proxy
import psutil
import pytest
from deadline import until
from field import go_on, stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from field import Field

ROOM = resource.RLIM_INFINITY if resource.RLIM_INFINITY > 0 else 1 << 60


def named(name: str, fault: Callable[[Field], object]) -> Callable[[Field], object]:
    """A fault under a name for the table."""
    fault.__name__ = name
    return fault


# ------------------------------------------------------------------ generators and workers


def kill_generator(worker: str) -> Callable[[Field], object]:
    """`kill -9` of one generator."""
    return named(f"kill a generator of {worker}", lambda field: field.generators(worker)[0].kill())


def kill(worker: str) -> Callable[[Field], object]:
    """`kill -9` of a worker: agent and generators."""
    return named(f"kill {worker}", lambda field: field.kill_worker(worker))


def freeze(worker: str) -> Callable[[Field], object]:
    """SIGSTOP of a worker: agent and generators."""
    return named(f"freeze {worker}", lambda field: field.signal_tree(worker, signal.SIGSTOP))


def thaw(worker: str) -> Callable[[Field], object]:
    """SIGCONT."""
    return named(f"wake {worker}", lambda field: field.signal_tree(worker, signal.SIGCONT))


def join(worker: str, processes: int = 1) -> Callable[[Field], object]:
    """One more worker, until it has its share."""

    def come(field: Field) -> None:
        field.add_worker(worker, processes)

    return named(f"{worker} joins", come)


def leave(worker: str) -> Callable[[Field], object]:
    """SIGTERM of a worker, until it is gone."""

    def go(field: Field) -> None:
        field.workers[worker].terminate()
        assert field.workers[worker].wait(60) == 0, field.log_of(field.workers[worker])

    return named(f"{worker} is told to leave", go)


def roll(worker: str, successor: str) -> Callable[[Field], object]:
    """A rolling deploy's step: the new one is there and has its share, then the old one leaves."""

    def replace(field: Field) -> None:
        field.add_worker(successor)
        agent = field.workers[successor].pid
        until(lambda: any(s.startswith(f"{agent}-") for _, _, s in field.arrivals()), 60, f"{successor} has users")
        leave(worker)(field)

    return named(f"{successor} replaces {worker}", replace)


def roll_gap(worker: str, successor: str) -> Callable[[Field], object]:
    """The other way: the old one leaves, and only then the new one comes."""

    def replace(field: Field) -> None:
        leave(worker)(field)
        field.add_worker(successor)
        agent = field.workers[successor].pid
        until(lambda: any(s.startswith(f"{agent}-") for _, _, s in field.arrivals()), 60, f"{successor} has users")

    return named(f"{worker} leaves, {successor} comes", replace)


def burn(worker: str, seconds: float) -> Callable[[Field], object]:
    """User code of a worker that does not yield for so long."""

    def order(field: Field) -> None:
        path = field.diary / f"burn.{field.workers[worker].pid}"
        path.write_text(str(seconds))
        until(lambda: not path.exists(), 20, "it burns")

    return named(f"{worker} burns CPU for {seconds:g} s", order)


CLOCK_SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long off(void) { const char *text = getenv("CLOCK_OFF_S"); return text ? atol(text) : 0; }

int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, at);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) at->tv_sec += off();
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""
"""A wall clock that is wrong, for whoever is started with it."""


def clock_off(worker: str, seconds: int) -> Callable[[Field], object]:
    """A worker, to be started, on a host whose wall clock is wrong."""

    def prepare(field: Field) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("needs a C compiler to set a clock wrong")
        source, library = field.folder / "clock.c", field.folder / "clock.so"
        source.write_text(CLOCK_SHIM)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        field.worker_env[worker] = {"LD_PRELOAD": str(library), "CLOCK_OFF_S": str(seconds)}

    return prepare


# ------------------------------------------------------------------ masters


def kill_master(field: Field) -> None:
    """`kill -9`; nobody takes over yet."""
    field.master.kill()
    field.master.wait(20)


def succeed(field: Field) -> None:
    """Another master takes the run over."""
    field.succeed()


def freeze_master(field: Field) -> None:
    """SIGSTOP."""
    stop(field.master)


def wake_master(field: Field) -> None:
    """SIGCONT of the first."""
    go_on(field.masters[0])


def block_hooks(field: Field) -> None:
    """The file's listeners on the master's side do not come back."""
    (field.diary / "block").touch()
    until((field.diary / "blocked").exists, 30, "a listener blocks")


def kill_hook_host(field: Field) -> None:
    """`kill -9` of the process that runs the file's hooks on the master's side."""
    children = psutil.Process(field.master.pid).children()
    for child in [c for c in children if "--hooks" in c.cmdline()]:
        child.kill()


def disk(limit_bytes: int) -> Callable[[Field], object]:
    """What the master's files may grow to, from now on; the kernel refuses what is beyond, as a full disk does."""

    def fill(field: Field) -> None:
        resource.prlimit(field.master.pid, resource.RLIMIT_FSIZE, (limit_bytes, resource.RLIM_INFINITY))

    return named("the disk is full" if limit_bytes < ROOM else "there is room on the disk", fill)


# ------------------------------------------------------------------ Redis


def kill_redis(field: Field) -> None:
    """`kill -9`."""
    field.kill_redis()


def start_redis(field: Field) -> None:
    """It is back, with its append-only file."""
    field.start_redis()
    until(lambda: field.admin, 20, "Redis answers")


def restart_redis(field: Field) -> None:
    """`kill -9`, and back at once."""
    kill_redis(field)
    start_redis(field)


def freeze_redis(field: Field) -> None:
    """SIGSTOP."""
    assert field.redis is not None
    stop(field.redis)


def wake_redis(field: Field) -> None:
    """SIGCONT."""
    assert field.redis is not None
    go_on(field.redis)


def cut_connections(field: Field) -> None:
    """Every connection of everybody is closed by the server."""
    field.admin.execute_command("CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES")


def config(name: str, value: str) -> Callable[[Field], object]:
    """CONFIG SET."""
    return named(f"{name} {value}", lambda field: field.admin.config_set(name, value))


def command(*words: str) -> Callable[[Field], object]:
    """Any command, by the administrator."""
    return named(" ".join(words).lower(), lambda field: field.admin.execute_command(*words))


def read_only(field: Field) -> None:
    """A replica of nobody: it answers reads and refuses writes."""
    field.admin.config_set("replica-serve-stale-data", "yes")
    field.admin.execute_command("REPLICAOF", "127.0.0.1", "1")


def writable(field: Field) -> None:
    """A primary again."""
    field.admin.execute_command("REPLICAOF", "NO", "ONE")


def misconf(field: Field) -> None:
    """Snapshots fail, so it refuses writes: MISCONF."""
    (field.folder / "dump.rdb").mkdir()  # the snapshot cannot be put in its place
    field.admin.config_set("save", "1 1")
    until(lambda: field.admin.info("persistence")["rdb_last_bgsave_status"] != "ok", 30, "a snapshot failed")


def snapshots_work(field: Field) -> None:
    """What was wrong is mended."""
    field.admin.config_set("save", "")


def out_of_memory(field: Field) -> None:
    """The limit is below what is used: writes are refused, nothing is evicted."""
    field.admin.config_set("maxmemory-policy", "noeviction")
    field.admin.config_set("maxmemory", "1mb")


def rights_gone(field: Field) -> None:
    """Everybody may still read, and write nothing."""
    field.admin.execute_command("ACL", "SETUSER", "default", "-xadd", "-set", "-exec", "-hset")


def rights_back(field: Field) -> None:
    """As before."""
    field.admin.execute_command("ACL", "SETUSER", "default", "+@all")


def forget_everything(field: Field) -> None:
    """Redis comes back empty."""
    field.kill_redis()
    for path in (field.folder / "appendonlydir").glob("*"):
        path.unlink()
    start_redis(field)


def lose_the_tail(field: Field) -> None:
    """Power was lost: the end of the append-only file never reached the disk."""
    field.kill_redis()
    newest = max((field.folder / "appendonlydir").glob("*.incr.aof"), key=lambda p: p.stat().st_mtime)
    with newest.open("r+b") as file:
        file.truncate(max(0, newest.stat().st_size - 20_000))
    start_redis(field)


def too_many_clients(field: Field) -> None:
    """Everybody is thrown out, and nobody else comes in."""
    field.admin.config_set("maxclients", 1)
    cut_connections(field)


# ------------------------------------------------------------------ networks


def net(mode: str, *names: str) -> Callable[[Field], object]:
    """What the proxies of these processes do from now on; of none: all that there are."""

    def change(field: Field) -> None:
        for name in names or list(field.proxies):
            field.proxy(name).set(mode)

    return named(f"net {mode} {' '.join(names) or 'all'}", change)


def drop(*names: str) -> Callable[[Field], object]:
    """Connections are reset once."""

    def change(field: Field) -> None:
        for name in names or list(field.proxies):
            field.proxy(name).drop()

    return named(f"reset {' '.join(names) or 'all'}", change)


PASS, CUT, HOLE, SWALLOW, SLOW = proxy.PASS, proxy.CUT, proxy.HOLE, proxy.SWALLOW, proxy.SLOW
