"""What is built to stay, a large state or the modules of an import, is built without a look for cycles in between."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def uncollected(*, stays: bool = False) -> Iterator[None]:
    """Keep the collector of cycles from looking: a quarter of the time in which a state of an hour is loaded.

    A state is a tree of some hundred thousand objects, each of which counts as new and is looked at several times while
    it is built; of imports it is a tenth. For tenths of a second only: what other threads leave in cycles waits for the
    end. One that rests already goes on resting afterwards.

    Args:
        stays: what was built is never looked through later either, nor is what was there before it: modules.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if stays:
            gc.freeze()  # before: what is new is else looked through as soon as the collector goes on
        gc.enable()
