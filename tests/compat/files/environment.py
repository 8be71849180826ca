# What user code finds in environment and runner.
# compat: -u 3 -r 10 -t 2s -s 1 --tags x
# compat exit: 0
# compat ours: --processes 1
import os

import gevent
from _notes import note
from locust import User, constant, events, tag, task
from locust.exception import StopUser
from locust.runners import STATE_RUNNING, MasterRunner


@events.init.add_listener
def init(environment, runner, **_):
    if isinstance(runner, MasterRunner):
        return
    note(sorted(c.__name__ for c in environment.user_classes), sorted(environment.user_classes_by_name))
    note(environment.host == os.environ["COMPAT_TARGET"], environment.reset_stats, environment.stop_timeout)
    note(environment.tags, environment.exclude_tags, environment.shape_class, environment.catch_exceptions)
    note(environment.process_exit_code, environment.locustfile, environment.web_ui)
    note(
        environment.stats is runner.stats,
        environment.runner is runner,
        runner.worker_index,
        environment.events is events,
    )


class Visitor(User):
    wait_time = constant(60)
    weight = 2

    @tag("x")
    @task
    def ask(self):
        runner = self.environment.runner
        note(type(self).__name__, sorted(self.json()), self.fullname(), self.greenlet is not None)
        note(runner.environment is self.environment, runner.user_classes == self.environment.user_classes)


class Other(User):
    @tag("x")
    @task
    def look(self):
        runner = self.environment.runner
        if runner.state == STATE_RUNNING and runner.user_count == 3:
            note("running", dict(sorted(runner.user_classes_count.items())), len(runner.user_greenlets))
            raise StopUser
        gevent.sleep(0.1)

    @task
    def never(self):
        note("has no tag")
