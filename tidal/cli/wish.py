"""Hand an operator's wish in and wait for what the log says of it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from tidal.cli.find import to_follow
from tidal.cli.session import session
from tidal.errors import RunLapsed, UsageError
from tidal.outputs.layout import shorten

if TYPE_CHECKING:
    import argparse

    from tidal.cli.session import Session
    from tidal.model.events import Event

PATIENCE_S = 10.0
"""A master looks at intents several times a second; a takeover takes a few seconds."""
LOOK_S = 0.05


class RunIsOver(RunLapsed):
    """There is nobody to ask any more."""


def hand_in(args: argparse.Namespace, event: Event) -> int:
    """Say what is wanted of the run that the flags name; 0 once it is accepted.

    Raises:
        UsageError: the master refused it; says why.
        RunLapsed: nobody answered.
    """
    found = to_follow(args)
    with session(found.url, found.run, found.supervisor_pid, presence=False) as followed:
        accepted = _answer(followed, followed.operator.want(event))
        if not accepted:
            raise UsageError(f"run {found.run} refused it: {_why(followed)}")
    print(f"run {found.run}: accepted")
    return 0


def _answer(followed: Session, intent: str) -> bool:
    pause = threading.Event()
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        answer = followed.feed.has_answered(intent)
        if answer is not None:
            return answer
        if followed.feed.is_closed:
            raise RunIsOver(f"run {followed.run} is over already")
        pause.wait(LOOK_S)
    trouble = followed.feed.trouble()
    raise RunLapsed(
        f"no master of run {followed.run} answered within {PATIENCE_S:.0f} s" + (f": {trouble}" * bool(trouble))
    )


def _why(followed: Session) -> str:
    frame = followed.feed.frame()
    told = [row.text for row in frame.story if row.kind == "ir"] if frame else []
    return shorten(told[-1], 200) if told else "the log does not say why"
