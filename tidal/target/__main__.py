"""`python -m tidal.target [--port N] [--seed N]`: serve the shop on loopback until Ctrl-C or the end of a parent pipe.

The first line on stdout is the port.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import stat
import sys
import threading
from contextlib import suppress
from random import Random

from tidal.errors import TidalError
from tidal.target.server import listen, port_of

LOOPBACK = "127.0.0.1"


def main(argv: list[str] | None = None) -> int:
    """Serve; the exit code."""
    args = _parser().parse_args(argv)
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(_serve(args.port, Random(args.seed), lifeline=not args.no_lifeline and _is_piped()))
    except TidalError as error:
        print(f"tidal: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tidal.target", description="A small shop to send load to, on loopback.")
    parser.add_argument("--port", type=int, default=8089, help="0: any free port (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="make latencies and failures repeatable")
    parser.add_argument("--no-lifeline", action="store_true", help="go on when a pipe on standard input ends")
    return parser


def _is_piped() -> bool:
    """Whether a parent holds the other end of stdin; a terminal, a file or `/dev/null` (`… &`) says nothing of one."""
    with suppress(OSError):
        return stat.S_ISFIFO(os.fstat(0).st_mode)
    return False


async def _serve(port: int, luck: Random, *, lifeline: bool) -> None:
    server = await listen(LOOPBACK, port, luck)
    print(port_of(server), flush=True)
    over = asyncio.Event()
    if lifeline:
        loop = asyncio.get_running_loop()
        threading.Thread(target=_wait_for_end, args=(loop, over), daemon=True).start()
    await over.wait()


def _wait_for_end(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    with suppress(OSError):
        while os.read(0, 4_096):
            pass
    loop.call_soon_threadsafe(over.set)


if __name__ == "__main__":
    sys.exit(main())
