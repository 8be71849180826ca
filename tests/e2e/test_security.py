"""A whole run behind users, TLS and passwords: what is right works, what is wrong is one line that says what to do."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from deadline import processes_of, until
from secured import DONE, REDIS, Secured, make_authority, make_certificate, said
from stage import Stage, generators_of, seen

from tidal import paths
from tidal.archive import Archive
from tidal.keys import RunKeys
from tidal.live import LiveFeed

if TYPE_CHECKING:
    import subprocess

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not REDIS, reason="needs redis-server"),
]
SECRET = "Xq7 Zw/3#@:%s3cret"  # noqa: S105 - with everything that a URL would stumble over
MARK = """
import pathlib
with pathlib.Path(FOLDER, "imported").open("a") as imported:
    imported.write("worker\\n" if "/tidal-run-" in __file__ else "master\\n")
"""
"""A file that leaves a trace when it is imported."""
MUTUAL = """\
port 0
tls-port {port}
tls-cert-file server.pem
tls-key-file server.key
tls-ca-cert-file ca.pem
tls-auth-clients yes
"""


def load(stage: Stage, *more: str) -> list[str]:
    """A run of four users for a few seconds."""
    return ["-f", "locustfile.py", "-u", "4", "-r", "50", "-t", "5s", "-H", stage.target_url, "--allow-suspect", *more]


def run_of(secured: Secured, process: subprocess.Popen[bytes]) -> str:
    """The run's id, from the first line of a master or a console."""
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    assert line.startswith("run "), line + secured.stage.log_of(process)
    return line.split()[1]


# ------------------------------------------------------------------ users


def test_a_whole_run_with_a_user_for_each_role(stage: Stage) -> None:
    """Worker, master, watcher and operator, each with the rights that are printed: nothing was denied on the way."""
    secured = Secured(stage, "port 0\n")
    with secured.admin() as admin:
        secured.add_users(admin, "worker", "master", "watcher", "operator")
    workers = [secured.start("worker", "--processes", "1", TIDAL_REDIS_URL=secured.url_of("worker")) for _ in "12"]
    words = load(stage, "--expect-workers", "2", "-t", "300s")
    master = secured.start("master", *words, TIDAL_REDIS_URL=secured.url_of("master"))
    run = run_of(secured, master)
    watcher = secured.start("watch", run, "--headless", TIDAL_REDIS_URL=secured.url_of("watcher"))
    feed = LiveFeed(secured.url_of("watcher"), RunKeys(run), presence=False).start()
    seen(feed, lambda frame: frame.run.users_running == 4, "four users run")
    code, out = secured.type("set", run, "users=6", TIDAL_REDIS_URL=secured.url_of("operator"))
    assert code == 0, out
    seen(feed, lambda frame: frame.run.users_running == 6, "six users run")
    code, out = secured.type("set", run, "users=9", TIDAL_REDIS_URL=secured.url_of("watcher"))
    assert code == 21
    assert "XADD on tidal:{*}:intents" in out
    assert "tidal acl operator" in out
    workers[0].kill()  # what a loss needs is among the rights, too
    seen(feed, lambda frame: any(worker.state == "lost" for worker in frame.workers), "the loss is known")
    seen(feed, lambda frame: frame.run.users_running == 6, "six users run again")
    feed.close()
    code, out = secured.type("stop", run, TIDAL_REDIS_URL=secured.url_of("operator"))
    assert code == 0, out
    assert master.wait(60) in DONE, stage.log_of(master)  # a worker was killed, and that is much of a short run
    assert watcher.wait(60) in DONE, stage.log_of(watcher)
    workers[1].terminate()
    assert workers[1].wait(60) == 0
    with secured.admin("admin") as admin:
        told = [(e["username"], e["object"]) for e in admin.acl_log()]
        assert set(told) <= {("watcher", "xadd")}, told  # what the watcher was refused above


@pytest.mark.parametrize("words", [["worker"], ["master"], ["run"], ["attach"], ["watch"], ["runs"]], ids=" ".join)
def test_too_few_rights_are_one_line(stage: Stage, words: list[str]) -> None:
    """What is missing, and what prints the right line; exit code 21, at once."""
    secured = Secured(stage, "port 0\n")
    with secured.admin() as admin:
        admin.execute_command("ACL", "SETUSER", "few", "on", ">few", "~tidal:*", "+ping", "+multi", "+client|setname")
    more = load(stage) if words[0] in {"master", "run"} else []
    code, out = secured.type(*words, *more, TIDAL_REDIS_URL=secured.url_of("few"))
    (line,) = out.splitlines()
    assert code == 21, out
    assert re.search(r"^tidal: Redis at unix://few:\*\*\*@.* may not use X\w+ on tidal:.* tidal acl \w+$", line)


# ------------------------------------------------------------------ TLS


@pytest.fixture
def certificates(stage: Stage) -> Path:
    """A CA with a server's and a client's certificate, and another CA with a client's."""
    folder = stage.folder
    for name in ("ca", "other"):
        make_authority(folder, name)
    make_certificate(folder, "server", "ca", "DNS:localhost")
    make_certificate(folder, "client", "ca", "DNS:client")
    make_certificate(folder, "stranger", "other", "DNS:client")
    return folder


def test_a_whole_run_over_mutual_tls(stage: Stage, certificates: Path) -> None:
    """Worker, master and terminal: by variables, by flags and by the URL."""
    secured = Secured(stage, MUTUAL)
    url = f"rediss://localhost:{secured.port}"
    files = {"TIDAL_REDIS_CA": "ca.pem", "TIDAL_REDIS_CERT": "client.pem", "TIDAL_REDIS_KEY": "client.key"}
    worker = secured.start("worker", "--redis", url, "--processes", "1", **files)
    flags = ["--redis-ca", "ca.pem", "--redis-cert", "client.pem", "--redis-key", "client.key"]
    console = secured.start("run", *load(stage), "--redis", url, *flags)
    run = run_of(secured, console)
    in_url = f"{url}?ssl_ca_certs=ca.pem&ssl_certfile=client.pem&ssl_keyfile=client.key"
    code, out = secured.type("watch", run, "--headless", "--redis", in_url)
    assert code in DONE, out
    assert console.wait(60) in DONE, stage.log_of(console)
    worker.terminate()
    assert worker.wait(60) == 0
    assert stage.served()["answered"] > 0


def test_what_is_wrong_with_tls_is_one_line(stage: Stage, certificates: Path) -> None:
    """Each with its exit code and with what to do."""
    secured = Secured(stage, MUTUAL)
    plain = stage.folder / "plain"
    plain.mkdir()
    url, ca = f"rediss://localhost:{secured.port}", {"TIDAL_REDIS_CA": "ca.pem"}
    mine = {**ca, "TIDAL_REDIS_CERT": "client.pem", "TIDAL_REDIS_KEY": "client.key"}
    cases: list[tuple[str, dict[str, str], int, str]] = [
        (url, {**mine, "TIDAL_REDIS_CA": "other.pem"}, 20, "not known here: --redis-ca or TIDAL_REDIS_CA"),
        (url, {}, 20, "not known here: --redis-ca or TIDAL_REDIS_CA"),
        (url, ca, 20, "a client certificate.*--redis-cert"),
        (
            url,
            {**ca, "TIDAL_REDIS_CERT": "stranger.pem", "TIDAL_REDIS_KEY": "stranger.key"},
            20,
            "a client certificate",
        ),
        (url.replace("localhost", "127.0.0.1"), mine, 20, "made out to another name: use a host name"),
        (url.replace("rediss", "redis"), {}, 20, "speak TLS there. Then write rediss://"),
        (url.replace("rediss", "redis"), ca, 2, "TIDAL_REDIS_CA is said, but redis://.* is no TLS"),
        (url, {**ca, "TIDAL_REDIS_CERT": "client.pem", "TIDAL_REDIS_KEY": "stranger.key"}, 2, "not that of the cert"),
        (url, {"TIDAL_REDIS_CA": "none.pem"}, 2, "TIDAL_REDIS_CA: cannot read .*none.pem: No such file"),
        (url, {"TIDAL_REDIS_CA": "locustfile.py"}, 2, "holds no certificate"),
        (url, {"TIDAL_REDIS_KEY": "client.key"}, 2, "give that, too, with --redis-cert"),
    ]
    for address, env, exit_code, words in cases:
        code, out = secured.type("worker", "--redis", address, **env)
        assert (code, len(out.splitlines())) == (exit_code, 1), out
        assert re.search(words, out), out
        assert "client.key" not in out or exit_code == 2


def test_tls_to_a_port_without_it_is_one_line(stage: Stage, certificates: Path) -> None:
    """A plain server waits for the end of what it takes for a command: it is not waited for longer than a connect."""
    secured = Secured(stage, "port {port}\n")
    code, out = secured.type("worker", "--redis", f"rediss://localhost:{secured.port}", TIDAL_REDIS_CA="ca.pem")
    assert (code, len(out.splitlines())) == (20, 1), out
    assert "If it does not, write redis://" in out


# ------------------------------------------------------------------ passwords


def test_a_password_is_nowhere_to_be_seen(stage: Stage) -> None:
    """Neither in outputs, logs and archive nor in Redis, command lines and the environment of user code."""
    secured = Secured(stage, "port {port}\n")
    with secured.admin() as admin:
        admin.execute_command("CONFIG", "SET", "requirepass", SECRET)
    (stage.folder / "password").write_text(f"{SECRET}\n")
    url = f"redis://127.0.0.1:{secured.port}"
    worker = secured.start("worker", "--processes", "1", "--redis", url, "--redis-password-file", "password")
    console = secured.start(
        "run", *load(stage, "--csv", "out", "--html", "out.html"), "--redis", url, TIDAL_REDIS_PASSWORD=SECRET
    )
    run = run_of(secured, console)
    with secured.admin(SECRET) as admin:
        until(lambda: stage.served()["answered"] > 10, 30, "the load goes on")
        lines = "\n".join(processes_of(stage.home).values())
        assert "tidal.generator" in lines
        (generator,) = generators_of(worker)
        environ = Path(f"/proc/{generator.pid}/environ").read_bytes()
        assert console.wait(60) in DONE, stage.log_of(console)
        kept = {key: admin.dump(key) for key in admin.keys("*")}
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    (stage.folder / "password").unlink()
    until(lambda: "tidal.supervisor" not in " ".join(processes_of(stage.home).values()), 30, "the supervisor has left")
    with Archive.open(paths.archive_path(run)) as archive:
        entries = b"".join(entry.data for entry in archive.entries())
    for form in hidden(SECRET):
        assert form not in lines.encode()
        assert form not in environ
        assert form not in entries
        assert not [key for key, dump in kept.items() if form in dump]
        assert not [path for path in files_below(stage.home, stage.folder) if form in path.read_bytes()]


def hidden(secret: str) -> list[bytes]:
    """How a password may be written."""
    from urllib.parse import quote  # noqa: PLC0415

    return [secret.encode(), quote(secret, safe="").encode(), secret.encode().hex().encode(), b"s3cret"]


def files_below(*folders: Path) -> list[Path]:
    """Every file, what processes printed too."""
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def test_a_password_on_the_command_line_works_and_is_warned_of_once(stage: Stage) -> None:
    """Everybody sees it in `ps`: said in words, with what is better."""
    secured = Secured(stage, "port {port}\nrequirepass pass-word\n")
    code, out = secured.type("doctor", "--redis", f"redis://:pass-word@127.0.0.1:{secured.port}")
    assert code == 0, out
    assert out.count("can see the password in --redis (ps)") == 1
    assert "TIDAL_REDIS_PASSWORD" in out
    assert "pass-word" not in out


def test_what_is_wrong_with_a_password_is_one_line_without_it(stage: Stage) -> None:
    """Wrong, missing, twice, torn, in a file that is not there."""
    secured = Secured(stage, "port {port}\nrequirepass pass-word\n")
    place = f"127.0.0.1:{secured.port}"
    (stage.folder / "empty").write_text("\n")
    cases: list[tuple[list[str], dict[str, str], int, str]] = [
        (["--redis", f"redis://{place}"], {}, 21, "TIDAL_REDIS_PASSWORD"),
        (["--redis", f"redis://{place}"], {"TIDAL_REDIS_PASSWORD": "wrong-pw"}, 21, "Check user and password"),
        ([], {"TIDAL_REDIS_URL": f"redis://:wrong-pw@{place}"}, 21, "Check user and password"),
        (["--redis", f"redis://{place}", "--redis-password-file", "none"], {}, 2, "cannot read none: No such"),
        (["--redis", f"redis://{place}", "--redis-password-file", "empty"], {}, 2, "first line of empty is empty"),
        (["--redis-password-file", "empty"], {"TIDAL_REDIS_URL": f"redis://:wrong-pw@{place}"}, 2, "said twice"),
        ([], {"TIDAL_REDIS_URL": f"redis://me:wrong-pw/x@{place}"}, 2, "%2F"),
        ([], {"TIDAL_REDIS_URL": f"redis://me:wrong-pw?x@{place}"}, 2, "not the URL of a Redis"),
    ]
    for words, env, exit_code, expected in cases:
        code, out = secured.type("worker", *words, **env)
        assert (code, len(out.splitlines())) == (exit_code, 1), out
        assert expected in out, out
        assert not re.search("wrong-pw|pass-word", out), out


# ------------------------------------------------------------------ signed files


def test_a_worker_with_a_key_runs_what_its_master_signed(stage: Stage) -> None:
    """With the key the run goes; without it, and with another, it is refused in words, and nothing was loaded."""
    secured = Secured(stage, "port {port}\n")
    (stage.folder / "key").write_text("0123456789abcdef0123456789abcdef\n")
    (stage.folder / "other").write_text("another key that is long enough\n")
    env = {"TIDAL_REDIS_URL": f"redis://127.0.0.1:{secured.port}"}
    worker = secured.start("worker", "--processes", "1", "--accept-signed-by", "key", **env)
    until(said(secured, worker, "runs what is signed with its key"), 30)
    file = stage.folder / "locustfile.py"
    file.write_text(file.read_text() + MARK.replace("FOLDER", repr(str(stage.folder))))
    for more in ([], ["--sign-with", "other"]):
        code, out = secured.type("run", *load(stage, *more), **env)
        assert code == 19, out
        assert "w1: the run is not signed with the key of this worker's --accept-signed-by" in out
    assert "worker" not in (stage.folder / "imported").read_text()
    code, out = secured.type("run", *load(stage, "--sign-with", "key"), **env)
    assert code in DONE, out
    assert stage.served()["answered"] > 0
    assert "worker" in (stage.folder / "imported").read_text()
    worker.terminate()
    assert worker.wait(60) == 0


def test_a_worker_says_whose_code_it_runs(stage: Stage) -> None:
    """An idle fleet that runs what Redis says is a choice: each worker tells it at its start."""
    secured = Secured(stage, "port {port}\n")
    env = {"TIDAL_REDIS_URL": f"redis://127.0.0.1:{secured.port}"}
    open_worker = secured.start("worker", "--processes", "1", **env)
    own = secured.start("worker", "--processes", "1", "-f", "locustfile.py", **env)
    until(said(secured, open_worker, "runs the code that they ship (-f and --accept-signed-by narrow that)"), 30)
    until(said(secured, own, "locustfile.py, whatever they ship"), 30)
    (stage.folder / "short").write_text("short")
    code, out = secured.type("worker", "--accept-signed-by", "short", **env)
    assert (code, len(out.splitlines())) == (2, 1), out
