"""`python -m tidal.generator.check`: the child of `tidal check`.

Orders on stdin: `Load`, then, once that is answered, `Try`; answers on the pipe, see `tidal.model.trial`.
"""

from tidal.generator.patching import patch_all

patch_all()

import os  # noqa: E402 - after the patch
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from tidal.generator.loadfile import load  # noqa: E402
from tidal.generator.outline import class_rows  # noqa: E402
from tidal.generator.pipes import Pipes  # noqa: E402
from tidal.generator.trial import Trial, with_arguments  # noqa: E402
from tidal.model.pipe import Load, Loaded  # noqa: E402
from tidal.model.trial import Outline, Try  # noqa: E402


def main() -> int:
    """Load, outline, try; the pipe's end is the process's end."""
    pipes = Pipes()
    pipes.watch_lifeline()
    orders = pipes.orders()
    order = next(orders)
    if not isinstance(order, Load):
        return 70
    answer, classes = load(order)
    pipes.answer(answer)
    if isinstance(answer, Loaded):
        pipes.answer(Outline(class_rows(classes, Path(order.root).resolve())))
        if isinstance(trial := next(orders, None), Try):
            Trial(pipes.answer, trial, with_arguments(order, answer.arguments), classes, answer.shape).run()
    pipes.may_end = True
    sys.stdout = sys.__stdout__
    os._exit(0)  # threads and greenlets of user code have no say in it


if __name__ == "__main__":
    sys.exit(main())
