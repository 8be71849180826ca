"""Locust's argument parser, as locustfiles and plugins use it: argparse with variables, config files and form words."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import argparse
    from argparse import ArgumentParser as _Parser
    from collections.abc import Mapping, Sequence
else:
    from configargparse import ArgumentParser as _Parser

FORM_WORDS = {"include_in_web_ui": True, "is_secret": False, "is_required": False, "is_multiple": False}
"""What `add_argument` takes beside argparse's and ConfigArgParse's words, with the defaults."""
_UNKNOWN = "unrecognized arguments:"


class LocustArgumentParser(_Parser):
    """What `init_command_line_parser` hands out."""

    def error(self, message: str) -> NoReturn:
        """End with 2; an unknown flag gets the nearest one."""
        if _UNKNOWN in message:
            word = message.partition(_UNKNOWN)[2].split()[0].partition("=")[0]
            near = difflib.get_close_matches(word, self._option_string_actions, n=1)
            message += f"\nDid you mean '{near[0]}'?" if near else ""
        self.exit(2, f"{self.prog}: error: {message}\n")
        raise SystemExit(2)  # an exit() that came back

    def add_argument(self, *args: Any, **kwargs: Any) -> argparse.Action:
        """Add an argument.

        Beside argparse's words: env_var, include_in_web_ui, is_secret, is_required, is_multiple.
        """
        form = {word: kwargs.pop(word, default) for word, default in FORM_WORDS.items()}
        action = super().add_argument(*args, **kwargs)
        for word, value in form.items():
            setattr(action, word, value)
        return action

    def understood(
        self, words: Sequence[str], environ: Mapping[str, str], *, partly: bool = False
    ) -> tuple[argparse.Namespace, list[str]]:
        """What words, variables and config files say, and the words that nobody knows: none unless `partly`."""
        read: Any = self.parse_known_args
        found, unknown = read(list(words), env_vars=environ)
        if unknown and not partly:
            self.error(f"{_UNKNOWN} {' '.join(unknown)}")
        return found, unknown

    @property
    def args_included_in_web_ui(self) -> dict[str, argparse.Action]:
        """The arguments that a form shows, by the name of their attribute."""
        return self._with("include_in_web_ui")

    @property
    def secret_args_included_in_web_ui(self) -> dict[str, argparse.Action]:
        """Those of them whose value is masked."""
        return self._with("include_in_web_ui", "is_secret")

    @property
    def required_args_included_in_web_ui(self) -> dict[str, argparse.Action]:
        """Those of them that a form insists on."""
        return self._with("include_in_web_ui", "is_required")

    @property
    def multiple_args_included_in_web_ui(self) -> dict[str, argparse.Action]:
        """Those of them that take several choices."""
        return self._with("include_in_web_ui", "is_multiple")

    def _with(self, *words: str) -> dict[str, argparse.Action]:
        return {a.dest: a for a in self._actions if all(getattr(a, word, False) for word in words)}
