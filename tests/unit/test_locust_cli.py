"""Locust's command line, flag by flag beside Locust's own parser, and what ends before a run begins."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tidal import __main__
from tidal.cli.locust_files import html_name
from tidal.cli.locust_spec import class_settings, generators, run_options
from tidal.cli.locust_words import LocustParser, make
from tidal.cli.own import add_own
from tidal.errors import UsageError
from tidal.model.pipe import ArgumentSpec
from tidal.options import LOCUST_VERSION
from tidal.options.flags import RENAMED, add_flags, defaults, empty_parser, with_tidal_names

if TYPE_CHECKING:
    from pathlib import Path

REAL = """
import json, locust
from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments, default_args_dict
parser = get_empty_argument_parser(default_config_files=[])
setup_parser_arguments(parser)
actions = {
    max(a.option_strings, key=len): [sorted(a.option_strings), a.env_var, a.dest, a.nargs, a.choices]
    for a in parser._actions if a.option_strings
}
found = {"version": locust.__version__, "actions": actions, "defaults": default_args_dict()}
print(json.dumps({**found, "groups": [group.title for group in parser._action_groups]}))
"""


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    """What Locust's own parser says of itself, in a process of its own."""
    done = subprocess.run([sys.executable, "-P", "-c", REAL], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def ours() -> LocustParser:
    """The parser of `tidal locust`."""
    return make()


def read(*words: str, file: str = "locustfile.py") -> Any:
    """Words understood without looking for files."""
    del file
    return ours().understood(words, {})[0]


# ------------------------------------------------------------------ beside Locust


def test_every_flag_of_locust_is_taken_or_refused_by_name(real: dict[str, Any]) -> None:
    """The same spellings, variable, attribute, number of words and choices, for each of Locust's long options."""
    parser = empty_parser(config_files=())
    add_flags(parser, {})
    mine = {
        max(a.option_strings, key=len): [
            sorted(a.option_strings),
            getattr(a, "env_var", None),
            a.dest,
            a.nargs,
            a.choices,
        ]
        for a in parser._actions
        if a.option_strings
    }
    assert mine == real["actions"]
    assert real["version"] == LOCUST_VERSION


def test_what_was_not_said_is_as_in_locust(real: dict[str, Any]) -> None:
    """Every attribute of `parsed_options` with its default."""
    assert defaults() == real["defaults"]


def test_plugins_find_locusts_groups(real: dict[str, Any]) -> None:
    """They look for them by their titles."""
    parser = empty_parser(config_files=())
    add_flags(parser, {})
    assert [group.title for group in parser._action_groups] == real["groups"]


@pytest.mark.parametrize("flag", RENAMED)
def test_a_flag_that_locust_once_had_says_what_it_is_called_now(flag: str) -> None:
    """Its own text, exit code 2."""
    words = [flag, "user:password"] if flag == "--web-auth" else [flag]
    with pytest.raises(UsageError, match=RENAMED[flag]):
        read(*words)


# ------------------------------------------------------------------ words


def test_abbreviations_are_locusts() -> None:
    """As argparse takes them."""
    assert read("--skip-log").skip_log_setup
    assert read("--run", "1m").run_time == 60


def test_tidals_spelling_of_a_variable_goes_before_locusts() -> None:
    """TIDAL_HOST and LOCUST_HOST say the same."""
    environ = with_tidal_names({"LOCUST_HOST": "http://a", "TIDAL_HOST": "http://b", "LOCUST_USERS": "5"})
    args = ours().understood([], environ)[0]
    assert (args.host, args.num_users) == ("http://b", 5)
    assert ours().understood(["-u", "7"], environ)[0].num_users == 7


def test_options_of_the_run() -> None:
    """Seconds become milliseconds; nothing said is as in Locust."""
    options = run_options(read("-u", "5", "-r", "0.5", "-t", "1m30s", "-s", "3", "-T", "a", "b", "--profile", "p"))
    assert (options.users, options.spawn_rate, options.run_time_ms, options.stop_timeout_ms) == (5, 0.5, 90_000, 3_000)
    assert (options.tags, options.exclude_tags, options.profile) == (("a", "b"), (), "p")
    plain = run_options(read())
    assert (plain.users, plain.spawn_rate, plain.run_time_ms, plain.stop_timeout_ms) == (1, 1.0, None, 0)


def test_what_the_terminal_alone_needs_is_told_to_user_code() -> None:
    """Plugins read csv_prefix and the like."""
    told = dict(run_options(read("--csv", "out", "--json")).arguments)
    assert told == {"csv_prefix": '"out"', "json": "true"}


def test_settings_of_classes_are_merged() -> None:
    """Several words, lists in a word, one class twice; all classes alike for equal weights."""
    configs = [
        [{"user_class_name": "A", "weight": 2}, {"user_class_name": "B", "x": 1}],
        [{"user_class_name": "A", "y": 3}],
    ]
    found = class_settings(configs, equal_weights=True)
    assert [(name, json.loads(text)) for name, text in found] == [
        ("A", {"weight": 2, "y": 3}),
        ("B", {"x": 1}),
        ("", {"equal_weights": True}),
    ]


def test_one_process_unless_said() -> None:
    """Locust has one process; -1 is one per core."""
    assert [generators(n) for n in (None, 0, 1, 4, -1)] == [1, 1, 1, 4, 0]


@pytest.mark.parametrize(
    ("words", "name"),
    [(["-u", "100", "-r", "10", "-t", "50"], "r_100_10_50.html"), (["-r", "2.5"], "r_{u}_2.5_{t}.html")],
)
def test_the_reports_name_has_the_load(words: list[str], name: str) -> None:
    """What was not said stays as it was written."""
    assert html_name(read(*words, "--html", "r_{u}_{r}_{t}.html")) == name


# ------------------------------------------------------------------ the file's own arguments


OWN = (
    ArgumentSpec("mine", "-m, --mine", '"x"', help="100% mine", env_var="MINE"),
    ArgumentSpec("switch", "--switch", "false", kind="flag", nargs="0"),
    ArgumentSpec("pair", "--pair", "null", kind="list", nargs="2"),
    ArgumentSpec("each", "--each", "null", kind="list"),
    ArgumentSpec("maybe", "--maybe", "null", nargs="?"),
)


@pytest.mark.parametrize(
    ("words", "own", "classes"),
    [
        (["--mine", "5", "U"], ["--mine=5"], ["U"]),
        (["--mine=-5", "U"], ["--mine=-5"], ["U"]),
        (["--switch", "U", "V"], ["--switch"], ["U", "V"]),
        (["--pair", "1", "2", "U"], ["--pair", "1", "2"], ["U"]),
        (["--each", "1", "--each", "2"], ["--each=1", "--each=2"], []),
        (["U", "--maybe"], ["--maybe"], ["U"]),
        (["-m", "5", "-u", "3"], ["-m", "5"], []),
    ],
)
def test_the_files_own_words_are_taken_out(words: list[str], own: list[str], classes: list[str]) -> None:
    """With as many words as the file says, so that user classes stay user classes."""
    args = make(OWN).understood(words, {})[0]
    assert (args.own_words, args.user_classes) == (own, classes)


def test_the_files_variables_are_read_with_its_flags() -> None:
    """Words before variables."""
    assert make(OWN).understood([], {"MINE": "5"})[0].own_words == ["--mine=5"]
    assert make(OWN).understood(["--mine", "6"], {"MINE": "5"})[0].own_words == ["--mine=6"]


def test_a_file_may_have_a_flag_that_is_tidals_elsewhere() -> None:
    """Its own goes before ours."""
    parser = make([ArgumentSpec("redis", "--redis", "null")])
    assert parser.understood(["--redis", "x"], {})[0].own_words == ["--redis=x"]


def test_help_shows_the_files_own() -> None:
    """With what they are now; a secret is not shown."""
    parser = make([*OWN, ArgumentSpec("pw", "--pw", '"hunter2"', help="secret", is_secret=True)])
    said = parser.format_help()
    assert '100% mine (now: "x")' in said
    assert "hunter2" not in said
    add_own(parser, OWN)  # again: what is there already is left


# ------------------------------------------------------------------ before a run


FILE = "from locust import User, task\nclass U(User):\n    @task\n    def t(self): pass\n"


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A locustfile."""
    path = tmp_path / "locustfile.py"
    path.write_text(FILE, encoding="utf8")
    return str(path)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--autoquit", "3"], 1, "only meaningful in combination with --autostart"),
        (["--processes", "-5"], 1, "Invalid --processes count -5"),
        (["--processes", "2", "--master"], 1, "--master cannot be combined with --processes"),
        (["--master", "--worker"], 255, "cannot be combined with --worker"),
        (["--csv-full-history"], 2, "'--csv-full-history' requires '--csv'"),
        (["-u", "x"], 2, "invalid int value: 'x'"),
        (["-r", "0"], 2, "must be > 0"),
        (["-t", "soon"], 2, "Invalid time span format"),
        (["-t", "99999999999h"], 2, "argument -t/--run-time: longer than a year"),
        (["-s", "99999999999h"], 2, "argument -s/--stop-timeout: longer than a year"),
        (["-L", "LOUD"], 2, "invalid choice: 'LOUD'"),
        (["--config-users", "{}"], 2, "must specify a user_class_name"),
        (["--config", "/nowhere.conf"], 2, "Unable to open config file"),
        (["--master"], 2, "--redis redis://HOST or TIDAL_REDIS_URL"),
        (["--worker"], 2, "--redis redis://HOST or TIDAL_REDIS_URL"),
        (["-f", "/nowhere/x.py"], 1, "Could not find '/nowhere/x.py'"),
        (["-f", "-"], 2, "tidal worker"),
        ([], 2, "no web interface"),
    ],
)
def test_what_does_not_go_ends_as_in_locust(
    file: str, words: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One message on standard error, Locust's exit code, no run."""
    try:
        ended = __main__.main(["locust", "-f", file, *words])
    except SystemExit as leaving:
        ended = int(leaving.code or 0)
    said = capsys.readouterr().err
    assert (ended, says in said) == (code, True), said


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Locust's, and who understands it."""
    assert __main__.main(["locust", "-V"]) == 0
    assert capsys.readouterr().out.startswith(f"locust {LOCUST_VERSION} from tidal ")
