"""The reference pages are what the code says. `python tests/unit/test_reference.py` writes them anew."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from tidal import cli
from tidal.cli.parser import parser_of
from tidal.errors import OTHER_EXIT_CODES, TidalError, exit_codes

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


def exit_codes_page() -> str:
    """Every code with its meaning and, for errors, its name."""
    names = {error.exit_code: error.__name__ for error in _errors(TidalError) if error.__module__ == "tidal.errors"}
    rows = [
        f"| {code} | {meaning} | {f'`{names[code]}`' if code not in OTHER_EXIT_CODES else ''} |"
        for code, meaning in exit_codes().items()
    ]
    return "\n".join(
        [
            "# Exit codes",
            "",
            "`tidal` says one line on stderr when it ends with an error, and returns the error's code.",
            "A run's own code is in its log: whoever follows the run, now or in a replay, sees the same.",
            "",
            "| code | meaning | error |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _errors(kind: type[TidalError]) -> list[type[TidalError]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in _errors(child))]


def cli_page() -> str:
    """Every subcommand with its flags, as argparse has them."""
    parts = [
        "# Command line",
        "",
        "`tidal SUBCOMMAND --help` says the same. Spans of time are written `20`, `20s`, `3m` or `1h20m`.",
        "A run is named by its id, any part of it that no other has, `latest`, or `latest~1` for the one before.",
        "See also: [exit codes](exit-codes.md), [files and variables](files.md).",
        "",
        "| subcommand | for |",
        "|---|---|",
        *(f"| [`{name}`](#tidal-{name}) | {what} |" for name, what in cli.SUBCOMMANDS.items()),
        "",
    ]
    for name in cli.SUBCOMMANDS:
        parts += _section(name)
    return "\n".join(parts)


def _section(name: str) -> list[str]:
    parser = parser_of(name)
    rows = [_row(action) for action in parser._actions if _is_shown(action)]
    table = ["| argument | meaning |", "|---|---|", *rows, ""] if rows else []
    return [f"## tidal {name}", "", (parser.description or "").strip(), "", *table]


def _is_shown(action: argparse.Action) -> bool:
    return not isinstance(action, argparse._HelpAction) and action.help != argparse.SUPPRESS


def _row(action: argparse.Action) -> str:
    shown = str(action.metavar or action.dest).replace("|", "\\|")
    words = " ".join([", ".join(action.option_strings), shown]).strip() if action.nargs != 0 else ""
    words = words or ", ".join(action.option_strings)
    said = (action.help or "") % {"default": action.default}
    return f"| `{words}` | {said.replace('|', chr(92) + '|')} |"


@pytest.mark.parametrize(
    ("name", "made"), [("exit-codes.md", exit_codes_page), ("cli.md", cli_page)], ids=["exit codes", "cli"]
)
def test_the_page_is_what_the_code_says(name: str, made: object) -> None:
    """A flag or code that is added, changed or gone changes the page in the same commit."""
    assert callable(made)
    written = (REFERENCE / name).read_text(encoding="utf8")
    assert written == made(), "write it anew: python tests/unit/test_reference.py"


def test_no_two_errors_share_a_code() -> None:
    """A script can tell them apart."""
    codes = [error.exit_code for error in _errors(TidalError) if error.__module__ == "tidal.errors"]
    assert len(codes) == len(set(codes))
    assert not set(codes) & set(OTHER_EXIT_CODES)


if __name__ == "__main__":
    (REFERENCE / "exit-codes.md").write_text(exit_codes_page(), encoding="utf8")
    (REFERENCE / "cli.md").write_text(cli_page(), encoding="utf8")
