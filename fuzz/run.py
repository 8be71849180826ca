"""Fuzz what hostile bytes may reach.

    make fuzz                         every target in turn
    python fuzz/run.py entry 60       one target for so many seconds

With atheris (`pip install atheris`, Linux and macOS on x86) coverage leads the way. Without it the same targets get
random and mutated bytes from hypothesis, which finds less; either way what is found is printed as bytes to replay:

    python fuzz/run.py entry --bytes 0141ff
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

SECONDS = 30


def main() -> int:
    """Fuzz one target or all of them; the exit code says whether anything was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", default="")
    parser.add_argument("seconds", nargs="?", type=int, default=SECONDS, help="for each target")
    parser.add_argument("--bytes", help="hexadecimal: feed these alone")
    options = parser.parse_args()
    from targets import TARGETS, timed  # noqa: PLC0415 - only now is the way to it known

    if options.bytes is not None:
        timed(TARGETS[options.target], bytes.fromhex(options.bytes))
        return 0
    has_atheris = importlib.util.find_spec("atheris") is not None
    if not has_atheris:
        print("atheris is not installed: hypothesis takes its place, without the guidance of coverage")
    feed = _with_atheris if has_atheris else _with_hypothesis
    found = [name for name in ([options.target] if options.target else TARGETS) if not feed(name, options.seconds)]
    print(f"found something in: {', '.join(found)}" if found else "nothing found")
    return 1 if found else 0


def _with_atheris(name: str, seconds: int) -> bool:
    """A process of its own: libFuzzer ends it."""
    from targets import corpus  # noqa: PLC0415 - see above

    print(f"== {name}, {seconds} s with atheris", flush=True)
    code = f"""
import sys, atheris
sys.path.insert(0, {str(Path(__file__).parent)!r})
with atheris.instrument_imports(include=["tidal"]):
    from targets import TARGETS, timed
atheris.Setup(sys.argv, lambda data: timed(TARGETS[{name!r}], data))
atheris.Fuzz()
"""
    limits = [
        f"-max_total_time={seconds}",
        "-max_len=8192",
        "-timeout=20",
        "-verbosity=0",
        f"-artifact_prefix={tempfile.gettempdir()}/tidal-{name}-",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(corpus(name)):
            (Path(folder) / str(number)).write_bytes(data)
        return subprocess.run([sys.executable, "-c", code, *limits, folder], check=False).returncode == 0


def _with_hypothesis(name: str, seconds: int) -> bool:
    from draw import inputs  # noqa: PLC0415 - hypothesis is a development package
    from hypothesis import HealthCheck, given, settings  # noqa: PLC0415 - the same
    from targets import TARGETS, timed  # noqa: PLC0415 - see above

    print(f"== {name}, {seconds} s with hypothesis", flush=True)
    until_s, count = time.monotonic() + seconds, 0

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(inputs(name))
    def feed(data: bytes) -> None:
        nonlocal count
        count += 1
        timed(TARGETS[name], data)

    while time.monotonic() < until_s:
        try:
            feed()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            print(f"{name}: {type(error).__name__}: {error}")
            return False
    print(f"   {count:,} inputs", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
