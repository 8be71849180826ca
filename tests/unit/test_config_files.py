"""Config files, variables and words beside Locust: which of them counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tidal.cli.loads import outside
from tidal.errors import UsageError
from tidal.options import OURS
from tidal.options.flags import add_flags, empty_parser

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("host", "num_users", "spawn_rate", "run_time", "tags", "headless", "web_port", "stop_timeout", "loglevel")
REAL = f"""
import json, sys, locust
from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments
parser = get_empty_argument_parser()
setup_parser_arguments(parser)
found, unknown = parser.parse_known_args(sys.argv[1:])
print(json.dumps([{{name: getattr(found, name) for name in {NAMES}}}, unknown]))
"""
OURS_READ = f"""
import json, os, sys
from tidal.options.flags import add_flags, empty_parser, with_tidal_names
parser = empty_parser()
add_flags(parser, os.environ)
found, unknown = parser.understood(sys.argv[1:], with_tidal_names(os.environ), partly=True)
print(json.dumps([{{name: getattr(found, name) for name in {NAMES}}}, unknown]))
"""


def run(script: str, folder: Path, words: list[str], environ: dict[str, str]) -> Any:
    """What a parser makes of it, in that folder, which is also the home."""
    env = {**os.environ, "HOME": str(folder / "home"), "LOCUST_SKIP_MONKEY_PATCH": "1", **environ}
    argv = [sys.executable, "-P", "-c", script, *words]
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


FILES = {
    "home/.locust.conf": "host = http://home\nusers = 1\nspawn-rate = 1\nrun-time = 1s\nstop-timeout = 1\n",
    "locust.conf": "# why\n--host http://here\nusers: 2\nspawn-rate = 2\nrun-time = 2s\ntags = [a, b]\nheadless\n",
    "pyproject.toml": '[tool.locust]\nhost = "http://toml"\nusers = 3\nloglevel = "debug"\nmine = "x"\n',
    "more.conf": "host = http://more\nusers = 4\nheadless = false\nunknown-key = 5\n",
    "more.toml": '[tool.locust]\nhost = "http://more"\ntags = ["c"]\nweb-port = 99\n',
}


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        ([], {}),
        (["--config", "more.conf"], {}),
        (["--config", "more.toml"], {}),
        ([], {"LOCUST_HOST": "http://env", "LOCUST_USERS": "6", "LOCUST_HEADLESS": "no", "LOCUST_TAGS": '["x", "y"]'}),
        (["-u", "7", "--config=more.conf"], {"LOCUST_USERS": "6", "LOCUST_TAGS": "x y"}),
        (["-T", "--host", "http://words"], {"LOCUST_HOST": "http://env"}),
    ],
    ids=["files", "conf", "toml", "variables", "all", "words"],
)
def test_who_counts_is_as_in_locust(tmp_path: Path, words: list[str], environ: dict[str, str]) -> None:
    """Words, variables, --config, then the files of the folder and of the home."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf8")
    assert run(OURS_READ, tmp_path, words, environ) == run(REAL, tmp_path, words, environ)


def test_tidals_other_subcommands_take_what_they_have_a_flag_for(tmp_path: Path) -> None:
    """What is Locust's alone is left; what nobody knows may be the file's own."""
    path = tmp_path / "x.conf"
    path.write_text(
        "users = 5\nweb-port = 99\nmine = 1\ntags = [a, b]\nreset-stats = true\njson = true\n", encoding="utf8"
    )
    flags = ["--users", "--tags", "--reset-stats", "--json", "--host"]
    shared, own = outside(flags, {"TIDAL_HOST": "http://t"}, str(path))
    assert shared == ["--host=http://t", "--users=5", "--tags", "a", "b", "--reset-stats"]
    assert own == ["--mine=1"]


def test_a_config_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """By its name."""
    path = tmp_path / "x.toml"
    path.write_text("[tool.locust\n", encoding="utf8")
    with pytest.raises(UsageError, match=r"x\.toml"):
        outside([], {}, str(path))


def test_a_plan_of_a_config_file_goes_before_the_locustfiles(tmp_path: Path) -> None:
    """As text, or as a list with a plan for each class; the command line goes before it, class by class."""
    script = """
import json, sys
from tidal.cli.parser import parser_of
from tidal.cli.request import run_options
options = run_options(parser_of("run").read(sys.argv[1:]))
print(json.dumps([options.plan, options.spacing]))
"""
    (tmp_path / "home").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[tool.locust]\nplan = ["0->4 in 2s, 4 for 1s", "Buyer=rate 5/s for 3s"]\nspacing = "poisson"\n'
    )
    assert run(script, tmp_path, [], {}) == [
        [["", "0->4 in 2s, 4 for 1s"], ["Buyer", "rate 5/s for 3s"]],
        "poisson",
    ]
    assert run(script, tmp_path, ["--plan", "2 for 1s"], {})[0] == [["Buyer", "rate 5/s for 3s"], ["", "2 for 1s"]]
    (tmp_path / "pyproject.toml").unlink()
    (tmp_path / "locust.conf").write_text("plan = 0->4 in 2s\n")
    assert run(script, tmp_path, [], {})[0] == [["", "0->4 in 2s"]]


@pytest.mark.parametrize(
    ("environ", "files", "silent"),
    [
        ({"PATH": "/bin", "TIDAL_HOME": "/x", "TIDAL_REDIS_URL": "redis://h"}, {}, True),
        ({"LOCUST_USERS": "3"}, {}, False),
        ({"TIDAL_USERS": "3"}, {}, False),
        ({}, {"locust.conf": ""}, False),
        ({}, {"home/.locust.conf": "users = 1"}, False),
        ({}, {"pyproject.toml": "[tool.ruff]\nline-length = 120\n"}, True),
        ({}, {"pyproject.toml": "[tool.locust]\nusers = 3\n"}, False),
        ({}, {"pyproject.toml": '[tool."\\u006cocust"]\nusers = 3\n'}, False),
    ],
)
def test_where_nothing_is_said_nothing_is_read(
    tmp_path: Path, environ: dict[str, str], files: dict[str, str], *, silent: bool
) -> None:
    """A variable that may be Locust's, or a file that may have something to say, is read."""
    (tmp_path / "home").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf8")
    script = f"import json; from tidal.options import is_silent; print(json.dumps(is_silent({environ!r})))"
    assert run(script, tmp_path, [], {}) is silent


def test_no_variable_of_ours_that_is_often_set_is_one_of_locusts() -> None:
    """Else it would be read nowhere."""
    parser = empty_parser()
    add_flags(parser, {})
    variables = {action.env_var for action in parser._actions if getattr(action, "env_var", None)}
    assert all(name.startswith("LOCUST_") for name in variables)
    assert not [name for name in variables if name.replace("LOCUST_", "TIDAL_").startswith(OURS)]
