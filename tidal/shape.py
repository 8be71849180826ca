"""Shapes: how many users are wanted at each moment, decided by Python once a second.

class Steps(LoadTestShape):
    def tick(self):
        run_time = self.get_run_time()
        return (round(run_time) // 10 * 5 + 5, 5) if run_time < 60 else None
"""

from __future__ import annotations

import time
from abc import ABCMeta, abstractmethod
from typing import TYPE_CHECKING, Any

from tidal.model.struct import Struct

if TYPE_CHECKING:
    from collections.abc import Callable


class Arrivals(Struct, frozen=True):
    """What a shape returns to have iterations begun at a rate, whether or not earlier ones came back.

    Attributes:
        rate: iterations a second.
        over_s: seconds in which the rate is reached; 0: at once.
        user_classes: the one class whose they are; empty: all of the run, by weight.
    """

    rate: float
    over_s: float = 0.0
    user_classes: tuple[Any, ...] = ()


class LoadTestShapeMeta(ABCMeta):
    """A class that does not say so is not abstract."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """The class, with `abstract` its own."""
        return super().__new__(cls, name, bases, {**namespace, "abstract": bool(namespace.get("abstract"))})


class LoadTestShape(metaclass=LoadTestShapeMeta):
    """Decides the number of users; subclasses say how in `tick`.

    Attributes:
        runner: the master's runner, or the local one; set before the first tick.
        use_common_options: whether --users, --spawn-rate and --run-time go together with the shape.
        clock: seconds that only rise; whoever asks the shape may give another before `reset_time`.
    """

    abstract: bool = True
    use_common_options: bool = False
    runner: Any = None
    clock: Callable[[], float] = staticmethod(time.perf_counter)

    def __init__(self) -> None:
        self.start_time = self.clock()

    def reset_time(self) -> None:
        """The run begins now."""
        self.start_time = self.clock()

    def get_run_time(self) -> float:
        """Seconds since the run began."""
        start_s: float | None = getattr(self, "start_time", None)
        if start_s is None:  # a subclass with an `__init__` of its own that forgot ours
            start_s = self.start_time = self.clock()
        return self.clock() - start_s

    def get_current_user_count(self) -> int:
        """Users running now."""
        return int(self.runner.user_count)

    @abstractmethod
    def tick(self) -> Any:
        """The wish for this moment: (users, spawn rate), (users, spawn rate, classes), `Arrivals`; None: the end."""


def shape_named(name: str) -> LoadTestShape | None:
    """An instance of the shape of this name; None when there is none, or none is named."""
    todo: list[Any] = [LoadTestShape] if name else []
    while todo:
        cls = todo.pop()
        if cls.__name__ == name and not cls.abstract:
            made: LoadTestShape = cls()
            return made
        todo += cls.__subclasses__()
    return None
