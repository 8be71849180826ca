"""A locustfile's own arguments: declared by its listeners, read, told as JSON, and back in `parsed_options`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tidal.generator.arguments import (
    ArgumentsRefused,
    file_parser,
    form_arguments,
    parsed_options,
    read,
)
from tidal.hooks import Events
from tidal.model.events import RunOptions
from tidal.options import ONLY_DESCRIBE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from tidal.model.pipe import ArgumentSpec
    from tidal.options.parser import LocustArgumentParser


def hooks(declare: Callable[[LocustArgumentParser], object]) -> Events:
    """Hooks with one listener of `init_command_line_parser`."""
    found = Events()
    found.init_command_line_parser.add_listener(lambda parser, **_: declare(parser))
    return found


def declare(parser: LocustArgumentParser) -> None:
    """As the example of Locust's documentation does, and as plugins do."""
    parser.add_argument("--my-argument", type=str, env_var="LOCUST_MY_ARGUMENT", default="", help="It's working")
    parser.add_argument("--invisible", include_in_web_ui=False, default="I am invisible")
    parser.add_argument("--password", is_secret=True, default="x")
    parser.add_argument("--env", choices=["dev", "prod"], default="dev", is_required=True)
    group = parser.add_argument_group("plugin")
    group.add_argument("-i", "--iterations", type=int, env_var="LOCUST_ITERATIONS", default=0)
    group.add_argument("--rate", type=float)
    group.add_argument("--path", type=Path, default=Path("/default"))
    group.add_argument("--paths", type=Path, nargs="*")
    group.add_argument("--switch", action="store_true")
    group.add_argument("--each", action="append")
    group.add_argument("--pair", nargs=2, type=int)


def specs(*words: str, **environ: str) -> dict[str, ArgumentSpec]:
    """The arguments by name, read from words and variables."""
    return {spec.name: spec for spec in read(file_parser(hooks(declare)), words, environ)}


def options(*words: str, side: str = "", **more: Any) -> argparse.Namespace:
    """`parsed_options` of a run with these words."""
    told = tuple((spec.name, spec.value) for spec in specs(*words).values())
    return parsed_options(RunOptions(arguments=told, **more), "lf.py", hooks(declare), side=side)


# ------------------------------------------------------------------ read


def test_each_argument_is_described() -> None:
    """For a form, a help text and a command line that must know how many words follow."""
    found = specs("-i", "5", "--pair", "1", "2")
    assert (found["iterations"].flag, found["iterations"].kind, found["iterations"].value) == (
        "-i, --iterations",
        "int",
        "5",
    )
    assert (found["my_argument"].help, found["my_argument"].env_var) == ("It's working", "LOCUST_MY_ARGUMENT")
    assert found["env"].choices == ("dev", "prod")
    kinds = {name: (spec.kind, spec.nargs) for name, spec in found.items()}
    assert kinds["switch"] == ("flag", "0")
    assert kinds["each"] == ("list", "")
    assert (kinds["pair"], kinds["paths"]) == (("list", "2"), ("list", "*"))
    assert (kinds["rate"], kinds["path"]) == (("float", ""), ("text", ""))
    assert (found["password"].is_secret, found["env"].is_required, found["invisible"].in_form) == (True, True, False)


def test_words_count_more_than_variables() -> None:
    """And TIDAL_X more than LOCUST_X."""
    assert specs(LOCUST_ITERATIONS="3")["iterations"].value == "3"
    assert specs(LOCUST_ITERATIONS="3", TIDAL_ITERATIONS="4")["iterations"].value == "4"
    assert specs("--iterations=9", LOCUST_ITERATIONS="3")["iterations"].value == "9"


def test_locusts_own_flags_may_stand_between() -> None:
    """The whole command line is understood, as Locust understands it."""
    assert specs("-u", "5", "--my-argument", "a", "--headless", "UserClass")["my_argument"].value == '"a"'


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--iterations", "many"], "argument -i/--iterations: invalid int value: 'many'"),
        (["--my-argumet", "5"], "unrecognized arguments: --my-argumet\nDid you mean '--my-argument'?"),
        (["--my-argumet=5"], "Did you mean '--my-argument'?"),
        (["--env", "test"], "invalid choice: 'test'"),
        (["--pair", "1"], "expected 2 arguments"),
    ],
)
def test_what_argparse_would_refuse_is_refused_in_its_words(words: list[str], says: str) -> None:
    """Without ending the process."""
    with pytest.raises(ArgumentsRefused) as refused:
        specs(*words)
    assert says in str(refused.value)


def test_a_required_argument_must_be_there_unless_it_is_only_asked_what_there_is() -> None:
    """A form asks for it; a run does not begin without it."""
    needy = hooks(lambda parser: parser.add_argument("--token", required=True))
    with pytest.raises(ArgumentsRefused, match="the following arguments are required: --token"):
        read(file_parser(needy), [], {})
    (only,) = read(file_parser(needy), ONLY_DESCRIBE, {})
    assert (only.name, only.is_required, only.value) == ("token", True, "null")


def test_a_listener_that_raises_is_named() -> None:
    """So is an argument that Locust has already."""

    def declare_twice(parser: LocustArgumentParser) -> None:
        parser.add_argument("--host")

    with pytest.raises(ArgumentsRefused, match="ArgumentError: argument --host: conflicting option string"):
        file_parser(hooks(declare_twice))


def test_a_default_for_one_of_locusts_own_options_is_told() -> None:
    """Who reads the options has to know it before; what Locust does not know by this name changes nothing."""

    def declare(parser: LocustArgumentParser) -> None:
        parser.add_argument("--mine", default="x")
        parser.set_defaults(users=50, spawn_rate=20, run_time="60s", mine="y")

    assert dict(file_parser(hooks(declare)).said) == {"spawn_rate": "20", "run_time": '"60s"'}
    with pytest.raises(ArgumentsRefused, match="default that the file sets for host is no plain value"):
        file_parser(hooks(lambda parser: parser.set_defaults(host=object())))


def test_a_value_that_can_be_told_neither_as_json_nor_as_words_is_refused() -> None:
    """By the argument's name."""

    def odd(parser: LocustArgumentParser) -> None:
        parser.add_argument("--odd", action="store_const", const=object())

    with pytest.raises(ArgumentsRefused, match=r"--odd: its value is a object, which cannot be sent"):
        read(file_parser(hooks(odd)), ["--odd"], {})


# ------------------------------------------------------------------ parsed_options


def test_values_arrive_as_they_were_read() -> None:
    """With their types, also where JSON has none for them."""
    found = options("-i", "5", "--path", "/here", "--paths", "a", "b", "--switch", "--each", "1", "--pair", "1", "2")
    assert (found.iterations, found.path, found.paths) == (5, Path("/here"), [Path("a"), Path("b")])
    assert (found.switch, found.each, found.pair) == (True, ["1"], [1, 2])
    assert (options().path, options().paths) == (Path("/default"), None)


def test_a_word_that_begins_with_a_dash_stays_a_value() -> None:
    """Also when it travels as words."""
    assert options("--path=-x").path == Path("-x")


def test_the_runs_options_have_locusts_names() -> None:
    """In seconds, None for what was not said."""
    found = options(users=7, spawn_rate=2.0, run_time_ms=90_000, stop_timeout_ms=1_500, tags=("a",), host="http://h")
    assert (found.num_users, found.users, found.spawn_rate, found.run_time) == (7, 7, 2.0, 90)
    assert (found.stop_timeout, found.tags, found.exclude_tags, found.host) == (1.5, ["a"], None, "http://h")
    assert (found.headless, found.locustfile, found.csv_prefix, found.web_port) == (True, "lf.py", None, 8089)
    assert options().run_time is None


def test_options_of_the_terminal_are_told_beside_the_files_own() -> None:
    """Plugins look at csv_prefix."""
    found = parsed_options(RunOptions(arguments=(("csv_prefix", '"out"'),)), "lf.py", Events())
    assert found.csv_prefix == "out"


def test_settings_of_classes_look_as_locust_reads_them() -> None:
    """The class "" is not one."""
    settings = (("U", json.dumps({"weight": 3})), ("", json.dumps({"equal_weights": True})))
    found = parsed_options(RunOptions(class_settings=settings), "lf.py", Events())
    assert found.config_users == [[{"user_class_name": "U", "weight": 3}]]


@pytest.mark.parametrize(
    ("side", "roles"), [("", (False, False)), ("master", (True, False)), ("worker", (False, True))]
)
def test_a_process_knows_what_it_is(side: str, roles: tuple[bool, bool]) -> None:
    """Plugins do some things on the master alone."""
    found = options(side=side)
    assert (found.master, found.worker) == roles


def test_listeners_that_raise_leave_locusts_options() -> None:
    """When the file was inspected they did not raise; a generator goes on."""

    def fail(_: LocustArgumentParser) -> None:
        raise ValueError("now")

    assert parsed_options(RunOptions(users=3), "lf.py", hooks(fail)).num_users == 3


def test_a_form_of_a_users_own_gets_locusts_fields() -> None:
    """What `ui_extra_args_dict` gives: no group's arguments, none that is to be invisible."""
    found = form_arguments(hooks(declare), ["--my-argument", "a"])
    assert set(found) == {"my_argument", "password", "env"}
    assert found["my_argument"]["default_value"] == "a"
    assert (found["password"]["is_secret"], found["env"]["choices"]) == (True, ["dev", "prod"])
