"""Start a load test and watch it in this terminal.

Without any of -u, -r, -t and -H a form asks for the load first. Quitting asks whether to detach or to stop: the run
does not live in the terminal, and `tidal attach` brings it back. Where no screen can be drawn this is `tidal run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import flags, planflags

if TYPE_CHECKING:
    import argparse

STARTS_LOAD = True


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_file(parser)
    planflags.add_load(parser)
    flags.add_target(parser)
    flags.add_meaning(parser)
    flags.add_thresholds(parser)
    flags.add_distribution(parser)
    flags.add_headless(parser)
    flags.add_screen(parser)
    flags.add_files(parser)
    flags.add_json(parser)
    flags.add_verdict_files(parser)


def run(args: argparse.Namespace) -> int:
    """The form, or the run at once; without a terminal, plain lines."""
    from tidal.cli.console import is_terminal
    from tidal.cli.request import default_file, files_at_end, launch_spec, locustfiles

    at_once, files = flags.starts_at_once(args), files_at_end(args)
    if args.serve is not None:
        return _served(args, at_once=at_once)
    if args.headless or not is_terminal():
        from tidal.cli.headless import run_headless

        return run_headless(launch_spec(args, locustfiles(args.locustfile)), args.json, files)
    from tidal.cli import screen

    if at_once:
        return screen.launched(launch_spec(args, locustfiles(args.locustfile)), args.json, files=files, args=args)
    found = locustfiles(args.locustfile) if args.locustfile else [default_file()]
    return screen.form(launch_spec(args, found), args.json, files=files, args=args)


def _served(args: argparse.Namespace, *, at_once: bool) -> int:
    """In a browser: a run that begins at once is attached to by every page, else each page has the form."""
    from tidal.cli.request import launch_spec, locustfiles
    from tidal.cli.serve import place_of, serve, serve_words, this_command
    from tidal.launch import launch

    place = place_of(args.serve)
    if at_once:
        begun = launch(launch_spec(args, locustfiles(args.locustfile)))
        print(f"run {begun.run}", flush=True)
        return serve(place, this_command("attach", begun.run), f"tidal {begun.run}")
    return serve_words(args.serve, "tidal")
