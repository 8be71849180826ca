"""A Redis with passwords, users or TLS for whole runs, and commands typed as people type them."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import redis
from deadline import listens, until
from ports import own_port

from tidal.acl import set_user
from tidal.address import VARIABLES
from tidal.model.verdict import EXIT_INVALID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stage import Stage

REDIS = shutil.which("redis-server") or ""
"""The embedded server knows no TLS."""
DONE = frozenset({0, EXIT_INVALID})
"""What a run ends with that allows a suspect verdict: on a busy machine a short one may have had another load."""


class Secured:
    """A stage whose Redis is another: with this configuration beside a socket for its administrator."""

    def __init__(self, stage: Stage, config: str = "") -> None:
        self.stage = stage
        self.folder = stage.folder
        self.port = own_port()
        self.socket = stage.folder / "admin.sock"
        whole = f"bind 127.0.0.1\nunixsocket {self.socket}\ndir {stage.folder}\nsave ''\n".replace("''", '""')
        self.server = stage._start([REDIS, "-"], (whole + config.format(port=self.port)).encode())
        assert self.server.stdin is not None
        self.server.stdin.close()
        until(lambda: listens(self.socket), what="Redis listens")

    @contextlib.contextmanager
    def admin(self, password: str | None = None) -> Iterator[redis.Redis]:
        """A client that may do everything."""
        client = redis.Redis(unix_socket_path=str(self.socket), password=password, protocol=2)
        try:
            yield client
        finally:
            client.close()

    def add_users(self, admin: redis.Redis, *roles: str) -> None:
        """A user of each role, named like it, with its name as password; nobody gets in without one any more."""
        for role in roles:
            admin.execute_command(*shlex.split(set_user(role, role, password=role)))
        admin.execute_command("ACL", "SETUSER", "default", "resetpass", ">admin")
        admin.acl_log_reset()

    def url_of(self, role: str) -> str:
        """The URL of a role's user."""
        return f"unix://{role}:{role}@{self.socket}"

    def start(self, *words: str, **env: str) -> subprocess.Popen[bytes]:
        """A command that goes on, in the stage's folder and home."""
        whole = {name: value for name, value in self.stage._env.items() if name not in VARIABLES}
        return self.stage._start([sys.executable, "-m", "tidal", *words], b"", env={**whole, **env})

    def type(self, *words: str, **env: str) -> tuple[int, str]:
        """A command to its end: exit code, and everything that it said."""
        process = self.start(*words, **env)
        out = b"".join(until_eof(process))
        code = process.wait(60)
        return code, out.decode() + self.stage.log_of(process)


def until_eof(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """What a process prints, to its end."""
    assert process.stdout is not None
    while data := os.read(process.stdout.fileno(), 1 << 16):
        yield data


def openssl(folder: Path, *words: str) -> None:
    """Run openssl in a folder."""
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)  # noqa: S607 - the system's


def make_authority(folder: Path, name: str) -> None:
    """A CA of the test's own: NAME.pem and NAME.key."""
    words = ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}"]
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *words)


def make_certificate(folder: Path, name: str, authority: str, names: str) -> None:
    """A certificate of the CA: NAME.pem and NAME.key, made out to `names`."""
    words = ["-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}"]
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *words)
    (folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
    signing = ["-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial", "-days", "2"]
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", "-extfile", f"{name}.ext", *signing)


def said(secured: Secured, process: subprocess.Popen[bytes], text: str) -> Callable[[], Any]:
    """A condition: the process has printed this on standard error."""
    return lambda: text in secured.stage.log_of(process)
