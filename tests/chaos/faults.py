"""What can be done to a run: each a function of the field."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import proxy
from deadline import until
from field import go_on, stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from field import Field

Fault = "Callable[[Field], object]"


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
    (field.folder / "blocked.rdb").mkdir()
    field.admin.config_set("dbfilename", "blocked.rdb")
    field.admin.config_set("save", "1 1")
    until(lambda: field.admin.info("persistence")["rdb_last_bgsave_status"] != "ok", 30, "a snapshot failed")


def snapshots_work(field: Field) -> None:
    """What was wrong is mended."""
    field.admin.config_set("save", "")


def out_of_memory(field: Field) -> None:
    """The limit is below what is used: writes are refused, nothing is evicted."""
    field.admin.config_set("maxmemory-policy", "noeviction")
    field.admin.config_set("maxmemory", "1mb")


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
