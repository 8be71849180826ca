"""Real servers of other protocols, each on a free port of this machine and gone with its block."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rrset
import pytest
from ports import own_port

sys.path.append(str(Path(__file__).parents[1] / "e2e"))
from deadline import until

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SYSTEM = "/usr/sbin:/sbin:/opt/homebrew/sbin"


def listens(port: int) -> bool:
    """Whether somebody accepts on a port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextmanager
def _served(argv: list[str], port: int, **options: object) -> Iterator[None]:
    """A process, once it listens and until the end of the block."""
    with tempfile.TemporaryFile() as said:
        server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, **options)  # type: ignore[call-overload]
        try:
            until(lambda: server.poll() is not None or listens(port), 30, f"{argv[0]} listens")
            said.seek(0)
            assert server.poll() is None, said.read().decode(errors="replace")
            yield
        finally:
            server.terminate()
            server.wait(60)


@contextmanager
def postgres() -> Iterator[str]:
    """PostgreSQL with an empty database; its connection string. It refuses to be root."""
    programs = _postgres_programs()
    account = _account() if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="tidal-", dir="/tmp") as folder:
        data, port = f"{folder}/data", own_port()
        if account:
            shutil.chown(folder, account["user"], account["group"])
        make = [f"{programs}/initdb", "-D", data, "-A", "trust", "-U", "tidal", "--no-sync"]
        subprocess.run(
            make, check=True, capture_output=True, cwd=folder, extra_groups=[] if account else None, **account
        )
        serve = [f"{programs}/postgres", "-D", data, "-p", str(port), "-k", folder, "-c", "fsync=off"]
        with _served(serve, port, cwd=folder, extra_groups=[] if account else None, **account):
            yield f"postgresql://tidal@127.0.0.1:{port}/postgres"


def _postgres_programs() -> Path:
    """The folder of initdb and postgres."""
    found = shutil.which("initdb") or max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), default=None)
    if found is None:
        pytest.skip("no PostgreSQL on this machine, and .ci/servers could not install it")
    return Path(found).resolve().parent


def _account() -> dict[str, int]:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid}
    pytest.skip("PostgreSQL refuses to run as root, and there is no user for it")


@contextmanager
def mosquitto() -> Iterator[int]:
    """An MQTT broker where nobody may subscribe below `secret`; its port."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:{SYSTEM}")
    if program is None:
        pytest.skip("no Mosquitto on this machine, and .ci/servers could not install it")
    with tempfile.TemporaryDirectory(prefix="tidal-", dir="/tmp") as folder:
        port = own_port()
        acl, config = Path(folder) / "acl", Path(folder) / "config"
        acl.write_text("topic readwrite room/#\ntopic deny secret/#\n")
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nacl_file {acl}\n")
        Path(folder).chmod(0o755)  # as root it becomes another user before it reads
        with _served([program, "-c", str(config)], port):
            yield port


@contextmanager
def socketio_server() -> Iterator[int]:
    """python-socketio's own server; its port."""
    port = own_port()
    with _served([sys.executable, str(HERE / "socketio_server.py"), str(port)], port):
        yield port


@contextmanager
def name_server() -> Iterator[int]:
    """A name server over UDP, see `_answer`; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
        service.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_answer_all, args=(service,))
        thread.start()
        port = int(service.getsockname()[1])
        try:
            yield port
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", ("127.0.0.1", port))
            thread.join(60)


def _answer_all(service: socket.socket) -> None:
    while True:
        text, asker = service.recvfrom(4096)
        if not text:
            return
        answer = _answer(dns.message.from_wire(text))
        if answer is not None:
            service.sendto(answer.to_wire(), asker)


def _answer(question: dns.message.Message) -> dns.message.Message | None:
    """An address for `known.test`, nothing in the answer for others, and silence for `silent.test`."""
    name = question.question[0].name
    if str(name) == "silent.test.":
        return None
    answer = dns.message.make_response(question)
    answer.flags |= dns.flags.AA
    if str(name) == "known.test.":
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.7"))
    return answer
