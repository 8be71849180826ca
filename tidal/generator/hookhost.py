"""The hook host: the locustfile beside the master, for its hooks. It runs no users.

`Load(side="inspect")` describes the file and leaves. `Load(side="master")` stays: `init` at once, `test_start` with the
first `SetShare`, `test_stop` and `quitting` with `Finish`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tidal.generator.environment import STATE_RUNNING, STATE_STOPPED, Environment, MasterRunner, set_scene, tell
from tidal.generator.loadfile import load
from tidal.generator.main import set_up
from tidal.hooks import events
from tidal.model.pipe import Finish, Finished, Load, Loaded, SetShare

if TYPE_CHECKING:
    from tidal.generator.pipes import Pipes
    from tidal.model.events import Event


class HookHost:
    """The master's side of the locustfile."""

    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes
        self._environment = Environment(events=events)
        self._has_begun = False
        self.is_done = False

    def run(self) -> None:
        """Obey until the master closes the pipe, or there was only a description to give."""
        self._pipes.watch_lifeline()
        for order in self._pipes.orders():
            self._obey(order)
            if self.is_done:
                return

    def _obey(self, order: Event) -> None:
        if isinstance(order, Load):
            self._load(order)
        elif isinstance(order, SetShare) and not self._has_begun:
            self._has_begun = True
            self._environment.runner.state = STATE_RUNNING
            tell(self._environment.events.test_start, environment=self._environment)
        elif isinstance(order, Finish):
            self._finish()

    def _load(self, order: Load) -> None:
        answer, classes = load(order)
        if order.side == "inspect":
            self.is_done = self._pipes.may_end = True
        elif isinstance(answer, Loaded):
            runner = MasterRunner(self._environment, number=-1, run=order.run)
            set_scene(self._environment, runner, order, classes)
            tell(self._environment.events.init, environment=self._environment, runner=runner, web_ui=None)
        self._pipes.answer(answer)

    def _finish(self) -> None:
        hooks = self._environment.events
        if self._has_begun:
            tell(hooks.test_stopping, environment=self._environment)
            self._environment.runner.state = STATE_STOPPED
            tell(hooks.test_stop, environment=self._environment)
        tell(hooks.quitting, reverse=True, environment=self._environment)
        self._pipes.may_end = True
        self._pipes.answer(Finished())


def main() -> None:
    """Live; exit at once when the master is gone, in order when the work was done."""
    pipes = set_up()
    HookHost(pipes).run()
    if not pipes.may_end:
        os._exit(0)
