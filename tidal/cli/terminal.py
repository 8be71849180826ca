"""The app on this terminal, and its signals.

SIGTERM: the terminal is put right first, then the process ends by the signal. SIGHUP, a terminal that is gone, ends the
process at once, for there is nothing left to put right; a run that must not outlive its terminal ends, too.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from tidal.launch import tell_supervisor

if TYPE_CHECKING:
    from tidal.tui.app import TidalApp

TERMINATED = 128 + signal.SIGTERM
"""What a shell says of a process that SIGTERM ended."""


def show(app: TidalApp) -> str | None:
    """Run the app and return how it was left, as `TidalApp.run` does; SIGTERM leaves it and lets its run go on."""
    return asyncio.run(_until_left(app))


async def _until_left(app: TidalApp) -> str | None:
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # under nohup: it would wait for keys for ever
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, app.exit, "detached", TERMINATED)
    return await app.run_async()


def end_as_told(app: TidalApp) -> None:
    """End the process by SIGTERM if that is what ended the app: whoever sent it sees that it was heard."""
    if app.return_code == TERMINATED:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


def end_with_terminal(run: str) -> None:
    """From now on a hang-up of the terminal stops the run in order."""

    def hung_up(number: int, _frame: object) -> None:
        tell_supervisor(run)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGHUP, hung_up)
