"""What changed when, in words: the post-mortem of a run from its archive, as a timeline with evidence.

Losses and what operators did as the log has it; where failures began and latency changed its level (PELT), where
throughput stopped rising with the users (segmented regression), generators that were pressed, spikes with whom the data
put them down to. A run that goes on is explained up to now when its archive is on this machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import cutting, flags

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_recording(parser)
    cutting.add(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.add_argument("--brief", action="store_true", help="the summary alone")


def run(args: argparse.Namespace) -> int:
    """Print the explanation."""
    from tidal.cli.replay import archive_of
    from tidal.cli.streams import say
    from tidal.outputs.explained import explanation_json, explanation_text
    from tidal.report import read

    recorded = read(archive_of(args.run), cutting.of(args))
    frame, explained = recorded.frame(), recorded.explanation()
    say(recorded.early)
    if args.json:
        print(explanation_json(frame, explained), end="")
    else:
        print(explanation_text(frame, explained, brief=args.brief), end="")
    return 0
