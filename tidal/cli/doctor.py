"""Say whether a Redis will do for tidal, and this machine as a worker, and what to change when they will not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.cli import flags

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    flags.add_redis(parser, flags.NEEDED)


def run(args: argparse.Namespace) -> int:
    """Print the findings; 0 when none of them would lose a run."""
    from tidal import preflight
    from tidal.address import mask
    from tidal.cli.request import required_redis
    from tidal.doctor import doctor
    from tidal.errors import RedisUnfit
    from tidal.measure import cores
    from tidal.outputs.layout import shorten

    url = required_redis(args, "doctor")
    findings = doctor(url)
    print(mask(url))
    for finding in findings:
        print(f"  {finding.level:<7}  {shorten(finding.what, 40)}: {shorten(finding.found, 80)}")
        if finding.advice:
            print(f"{'':>11}{shorten(finding.advice, 200)}")
    for warning in preflight.warnings(preflight.look(), cores()):
        print(f"  warning  this machine, as a worker: {warning}")
    return RedisUnfit.exit_code if any(finding.level == "error" for finding in findings) else 0
