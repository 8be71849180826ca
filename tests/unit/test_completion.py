"""What a shell offers at a tab: asked as the scripts of `tidal completion` ask, in a process of its own."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tidal.cli.completing import ASKED, in_redis
from tidal.cli.completion import SHELLS
from tidal.cli.parser import parser_of
from tidal.errors import UsageError
from tidal.paths import HOME

if TYPE_CHECKING:
    from pathlib import Path

    import redis

RUN, OTHER = "20261123-231544-7qdk", "20261124-101010-abcd"
HOSTILE = ("$(reboot)", "`id`", "a b", "x\x0by", "'; rm -rf ~; '", "\x1b[31m")
HEAVY = ("gevent", "textual", "requests", "redis", "msgpack", "fakeredis")
SCRIPT = "import sys; from tidal.__main__ import main; sys.argv = ['tidal']; main()"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two archives; one has a name and tags, of which some are meant to hurt."""
    from tidal import shelf  # noqa: PLC0415 - its folders are those of the test

    home = tmp_path_factory.mktemp("home")
    before = os.environ.get(HOME)
    os.environ[HOME] = str(home)
    try:
        for run in (RUN, OTHER):
            shelf.put(run, shelf.About(tags=("nightly", *HOSTILE), name="good" if run == RUN else HOSTILE[0]))
            (home / "runs" / f"{run}.tidal").write_bytes(b"")
        (home / "runs" / "$(reboot).tidal").write_bytes(b"")
    finally:
        if before is None:
            del os.environ[HOME]
        else:
            os.environ[HOME] = before
    return home


def offered(home: Path, line: str, shell: str = "bash", script: str = SCRIPT) -> list[str]:
    """What a shell would get for this line, with the cursor at its end."""
    out = home / "offered"
    asked = {ASKED: "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_SHELL": shell}
    asked["_ARGCOMPLETE_SUPPRESS_SPACE"] = "1"  # as the scripts do
    where = {HOME: str(home), "_ARGCOMPLETE_STDOUT_FILENAME": str(out)}
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **asked, **where}, check=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    return [word.strip() for word in out.read_text().split("\x0b")]


@pytest.mark.parametrize(
    ("line", "there", "not_there"),
    [
        ("tidal re", {"replay", "report", "rerun", "resume"}, {"run", "--help"}),
        ("tidal replay ", {RUN, OTHER, "good", "latest", "incident"}, {"--speed"}),
        ("tidal replay 20261124", {OTHER}, {RUN}),
        ("tidal replay --sp", {"--speed"}, {"--print"}),
        ("tidal diff good ", {RUN, "latest"}, {"nightly"}),
        ("tidal judge ", {RUN}, {"nightly"}),
        ("tidal runs ", {"pin", "tag", "prune"}, {RUN}),
        ("tidal runs pin ", {RUN}, {"prune"}),
        ("tidal runs tag latest --remove ", {"nightly"}, set(HOSTILE)),
        ("tidal attach ", {"latest"}, {RUN, "incident"}),
        ("tidal run --sp", {"--spawn-rate"}, set()),
        ("tidal completion ", set(SHELLS), set()),
    ],
)
def test_words_that_fit(home: Path, line: str, there: set[str], not_there: set[str]) -> None:
    """Subcommands, flags, runs by id and by name, tags."""
    found = set(offered(home, line))
    assert there <= found
    assert not not_there & found


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line", ["tidal replay ", "tidal runs tag latest --remove "])
def test_what_people_wrote_never_reaches_the_shell(home: Path, line: str, shell: str) -> None:
    """Names of files, tags and names of runs may hold anything."""
    assert not [word for word in offered(home, line, shell) for bad in "$`;'\x1b " if bad in word.partition(":")[0]]


def test_a_tab_is_quick_because_it_imports_nothing_heavy(home: Path) -> None:
    """As for `--help`: a person waits."""
    script = (
        "import sys, tidal.cli.completing as c; ended = [];"
        "c.complete(open(c.os.environ['_ARGCOMPLETE_STDOUT_FILENAME'], 'w'), ended.append);"
        f"assert ended and not [m for m in {HEAVY!r} if m in sys.modules]"
    )
    assert RUN in offered(home, "tidal replay ", script=script)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the command and the variable by which it asks."""
    parser = parser_of("completion")
    assert parser.run(parser.read([shell])) == 0
    script = capsys.readouterr().out
    assert ASKED in script
    assert "tidal" in script


def test_a_shell_that_nobody_knows_is_refused() -> None:
    """With those that are known."""
    with pytest.raises(UsageError, match="bash"):
        parser_of("completion").read(["ksh"])


def test_runs_that_only_redis_has_are_offered(real_redis: redis.Redis, redis_url: str) -> None:
    """Those whose ids a shell takes; to a command that follows runs."""
    for run in (RUN, *HOSTILE):
        real_redis.hset("tidal:runs", run, b"\x80")
    assert in_redis(argparse.Namespace(redis=redis_url), patience_s=20) == [RUN]


def test_a_redis_that_does_not_answer_is_not_waited_for(home: Path) -> None:
    """Nothing is said, and what is known without it is offered."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        for line in (f"tidal attach --redis {url} ", f"tidal log --redis {url} "):
            assert "latest" in offered(home, line)
    assert in_redis(argparse.Namespace(redis="redis://127.0.0.1:1"), patience_s=20) == []
    assert in_redis(argparse.Namespace(redis="nonsense://"), patience_s=20) == []
