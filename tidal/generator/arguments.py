"""The arguments that a locustfile adds to the command line: declared by its listeners, read once, told to everybody.

    init_command_line_parser ──▶ file_parser ──▶ read(words, environ) ──▶ ArgumentSpec …   (when the file is inspected)
                                      └────────▶ parsed_options(RunOptions) ──▶ Namespace  (wherever the file is loaded)

Values travel as JSON. What JSON cannot carry (a Path, say) travels as the words that it was read from, and is read
again by the parser of each process.
"""

from __future__ import annotations

import argparse
import json
import logging
from typing import TYPE_CHECKING, Any, NoReturn

from tidal.model.pipe import ArgumentSpec
from tidal.options import ONLY_DESCRIBE
from tidal.options.flags import add_flags, empty_parser, with_tidal_names
from tidal.options.parser import LocustArgumentParser

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tidal.hooks import Events
    from tidal.model.events import RunOptions

logger = logging.getLogger("tidal.arguments")

WORDS = "tidal:words"
"""The key of a value that travels as words."""
PLAIN = (str, int, float, bool, type(None))
SWITCHES = (argparse._StoreConstAction, argparse._CountAction, argparse.BooleanOptionalAction)  # noqa: SLF001 - argparse has no public names for them


class ArgumentsRefused(Exception):
    """The words will not do, or the file's arguments cannot be declared; the message is for the operator."""


class FileParser(LocustArgumentParser):
    """A parser that raises ArgumentsRefused where Locust's ends the process.

    Attributes:
        said: defaults that the file sets for options of Locust's own, as JSON.
    """

    said: tuple[tuple[str, str], ...] = ()

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:  # noqa: ARG002 - argparse's
        """Say what argparse would print."""
        raise ArgumentsRefused((message or "").strip().removeprefix(f"{self.prog}: error: "))


def file_parser(hooks: Events) -> FileParser:
    """Locust's flags and the file's own, as its listeners declare them.

    Raises:
        ArgumentsRefused: a listener raised.
    """
    parser = empty_parser(add_help=False, config_files=(), kind=FileParser, allow_abbrev=True)
    assert isinstance(parser, FileParser)  # noqa: S101 - empty_parser makes what it is told
    add_flags(parser, {})
    commons = {id(action) for action in parser._actions}  # noqa: SLF001 - argparse has no public list of them
    defaults = {action.dest: action.default for action in parser._actions}  # noqa: SLF001 - the same
    hook = hooks.init_command_line_parser
    for listener in hook._handlers.copy():  # noqa: SLF001 - fire() would log what must be said
        try:
            listener(parser=parser)
        except Exception as error:
            name = getattr(listener, "__name__", repr(listener))
            raise ArgumentsRefused(f"{name} (init_command_line_parser): {type(error).__name__}: {error}") from error
    parser.said = tuple(_said(parser, commons, defaults))
    return parser


def _said(parser: FileParser, commons: set[int], defaults: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The defaults that the file sets for Locust's own options."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of them
        if id(action) in commons and action.default != defaults[action.dest]:
            if not (text := _as_json(action.default)):
                raise ArgumentsRefused(f"the default that the file sets for {action.dest} is no plain value")
            yield action.dest, text


def own_actions(parser: FileParser) -> list[argparse.Action]:
    """The actions that the file added."""
    plain = empty_parser(add_help=False, config_files=())
    add_flags(plain, {})
    known = {action.dest for action in plain._actions}  # noqa: SLF001 - argparse has no public list of them
    return [action for action in parser._actions if action.dest not in known]  # noqa: SLF001 - the same


def read(parser: FileParser, words: Sequence[str], environ: Mapping[str, str]) -> tuple[ArgumentSpec, ...]:
    """The file's own arguments with what the words and the environment say of them.

    Raises:
        ArgumentsRefused: what argparse would refuse, in its words.
    """
    if tuple(words) == ONLY_DESCRIBE:
        words = ()
        for action in own_actions(parser):
            if action.required:
                action.required, action.is_required = False, True  # type: ignore[attr-defined]  # as LocustArgumentParser has it
    given = _given(parser, words, environ)
    return tuple(_spec(parser, action, given, words, environ) for action in own_actions(parser))


def _given(parser: FileParser, words: Sequence[str], environ: Mapping[str, str]) -> argparse.Namespace:
    return parser.understood(words, with_tidal_names(environ))[0]


def _spec(
    parser: FileParser, action: argparse.Action, given: argparse.Namespace, words: Sequence[str], environ: Any
) -> ArgumentSpec:
    value = getattr(given, action.dest, None)
    return ArgumentSpec(
        name=action.dest,
        flag=", ".join(action.option_strings),
        value=_as_json(value) or _as_words(parser, action, words, environ),
        help=_help(action),
        kind=_kind(action),
        choices=tuple(str(choice) for choice in action.choices or ()),
        is_secret=bool(getattr(action, "is_secret", False)),
        is_required=bool(action.required or getattr(action, "is_required", False)),
        in_form=bool(getattr(action, "include_in_web_ui", False)),
        env_var=str(getattr(action, "env_var", None) or ""),
        nargs="" if action.nargs is None else str(action.nargs),
    )


def _kind(action: argparse.Action) -> str:
    if isinstance(action, SWITCHES):
        return "flag"
    if action.nargs in ("*", "+") or isinstance(action.nargs, int) or isinstance(action, argparse._AppendAction):  # noqa: SLF001 - it has no public name
        return "list"
    return "int" if action.type is int else "float" if action.type is float else "text"


def _help(action: argparse.Action) -> str:
    """The help text as a list of flags shows it."""
    said = "" if action.help in (None, argparse.SUPPRESS) else str(action.help)
    try:
        return said % {**vars(action), "prog": "locust"}
    except (KeyError, TypeError, ValueError):
        return said


def _as_json(value: Any) -> str:
    """The value as JSON that reads back as the same; "" when there is none."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return ""
    return text if _is_plain(value) else ""


def _is_plain(value: Any) -> bool:
    if type(value) is list:
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(type(key) is str and _is_plain(item) for key, item in value.items())
    return type(value) in PLAIN


def _as_words(parser: FileParser, action: argparse.Action, words: Sequence[str], environ: Any) -> str:
    """The words that the value was read from; none when it is the argument's default."""
    kept = action.type, action.choices
    action.type = action.choices = None
    try:
        raw = getattr(_given(parser, words, environ), action.dest, None)
    finally:
        action.type, action.choices = kept
    if raw == action.default:
        return json.dumps({WORDS: []})
    texts: list[Any] = raw if isinstance(raw, list) else [raw]
    if not all(isinstance(text, str) for text in texts) or not action.option_strings or isinstance(action, SWITCHES):
        flag = action.option_strings[0] if action.option_strings else action.dest
        raise ArgumentsRefused(f"{flag}: its value is a {type(raw).__name__}, which cannot be sent to the workers")
    return json.dumps({WORDS: _flagged(action, texts)})


def _flagged(action: argparse.Action, texts: Sequence[str]) -> list[str]:
    flag = action.option_strings[-1]
    if action.nargs is None:
        return [f"{flag}={text}" for text in texts]
    return [flag, *texts]


# ------------------------------------------------------------------ parsed_options


def parsed_options(options: RunOptions, file: str, hooks: Events, *, side: str = "") -> argparse.Namespace:
    """Locust's `environment.parsed_options`: the run's options under Locust's names, and the file's own arguments.

    Args:
        options: as the log has them.
        file: the locustfile, relative to the root.
        hooks: whose listeners declare the file's own arguments.
        side: worker or master, as the process would be in Locust; "": neither.
    """
    try:
        parser = file_parser(hooks)
    except ArgumentsRefused:
        logger.exception("the file's own arguments are missing in parsed_options")
        parser = FileParser(add_help=False)
    found = _defaults(parser)
    vars(found).update(_run_options(options, file, side))
    for name, text in options.arguments:
        setattr(found, name, _value(parser, name, text))
    return found


def _defaults(parser: FileParser) -> argparse.Namespace:
    """Every attribute with its default, whatever is required."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of them
        action.required = False
    try:
        found, _ = parser.understood([], {}, partly=True)
    except ArgumentsRefused:  # a default that its own type refuses
        logger.exception("the defaults of the file's own arguments could not be read")
        return argparse.Namespace(**{action.dest: action.default for action in parser._actions})  # noqa: SLF001 - the same
    return found


def _value(parser: FileParser, name: str, text: str) -> Any:
    value = json.loads(text)
    if not isinstance(value, dict) or set(value) != {WORDS}:
        return value
    found, _ = parser.understood(value[WORDS], {}, partly=True)
    return getattr(found, name, None)


def _run_options(options: RunOptions, file: str, side: str) -> dict[str, Any]:
    """What the run's options are called in Locust; spans in seconds."""
    return {
        "host": options.host or None,
        "users": options.users,
        "num_users": options.users,
        "spawn_rate": options.spawn_rate,
        "run_time": None if options.run_time_ms is None else options.run_time_ms // 1000,
        "stop_timeout": options.stop_timeout_ms / 1000,
        "locustfile": file,
        "user_classes": list(options.classes),
        "expect_workers": options.expect_workers,
        "expect_workers_max_wait": options.expect_workers_max_wait_ms // 1000,
        "headless": True,
        "master": side == "master",
        "worker": side == "worker",
        "tags": list(options.tags) or None,
        "exclude_tags": list(options.exclude_tags) or None,
        "config_users": _config_users(options),
        "reset_stats": options.reset_stats,
        "exit_code_on_error": options.exit_code_on_error,
        "loglevel": options.log_level,
        "otel": options.use_otel,
        "profile": options.profile or None,
    }


def _config_users(options: RunOptions) -> list[list[dict[str, Any]]] | None:
    """As `--config-users` gives them: a list for each of its words."""
    settings = [{"user_class_name": name, **json.loads(text)} for name, text in options.class_settings if name]
    return [settings] if settings else None


# ------------------------------------------------------------------ for forms of a user's own


def form_arguments(hooks: Events, words: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
    """The file's own arguments as Locust's web form has them: default, whether secret, required, help, choices."""
    parser = file_parser(hooks)
    given = vars(_given(parser, words or [], {}))
    shown = parser.args_included_in_web_ui
    return {
        action.dest: {
            "default_value": given.get(action.dest),
            "is_secret": bool(getattr(action, "is_secret", False)),
            "is_required": bool(getattr(action, "is_required", False)),
            "help_text": action.help,
            "is_multiple": bool(getattr(action, "is_multiple", False)),
            "choices": action.choices,
        }
        for action in own_actions(parser)
        if action.dest in shown
    }
