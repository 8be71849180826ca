"""What the children with gevent have in common, generator and hook host: how they begin, and what ends them."""

from __future__ import annotations

import logging
import os
import socket
from typing import TYPE_CHECKING, Any

import gevent

from tidal.generator.pipes import Pipes
from tidal.hooks import events
from tidal.model.pipe import Loaded, NotLoaded
from tidal.process import die_with_parent
from tidal.whereabouts import answer_questions

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("tidal.generator")

REPORT_TYPE = "tidal:report"
"""The type of the message in which a worker's additions to its report travel."""


def vital(function: Callable[..., None], *arguments: Any) -> Any:
    """Run a function without which the process is of no use in a greenlet: when it raises, the process ends."""
    greenlet = gevent.Greenlet(function, *arguments)
    greenlet.link_exception(_give_up)
    greenlet.start()
    return greenlet


def _give_up(greenlet: Any) -> None:
    logger.critical("a part of the generator failed, so it ends: %r", greenlet.exception)
    logging.shutdown()
    os._exit(70)


def set_up() -> Pipes:
    """What every gevent child does first."""
    die_with_parent()
    answer_questions()
    host = socket.gethostname().replace("%", "%%")
    logging.basicConfig(level=logging.INFO, format=f"[%(asctime)s] {host}/%(levelname)s/%(name)s: %(message)s")
    return Pipes()


def unless_init_failed(answer: Loaded) -> Loaded | NotLoaded:
    """The answer, unless a listener of `init` raised: what it was to set up is missing, so nothing is begun."""
    if not events.failures:
        return answer
    return NotLoaded("FileImportError", "a listener of init raised; its traceback is in the log above")


def set_log_level(name: str) -> None:
    """Let user code's logging through from this level on; a level that does not exist changes nothing."""
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is not None:
        logging.getLogger().setLevel(level)
