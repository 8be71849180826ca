# The order of a run's events for the process that runs the users.
# compat: -u 2 -r 10 -t 2s
# compat exit: 0
# compat ours: --processes 1
# compat notes: ordered
from _notes import note
from locust import User, constant, events, task
from locust.runners import MasterRunner


class Here:
    """Notes of the process that runs users; a master alone has none."""

    runs_users = False

    def __call__(self, *words):
        if self.runs_users:
            note(*words)


here = Here()


@events.init.add_listener
def init(environment, **_):
    here.runs_users = not isinstance(environment.runner, MasterRunner)
    here("init", environment.runner.state, environment.host == environment.parsed_options.host)


@events.test_start.add_listener
def start(environment, **_):
    here("test_start", environment.runner.user_count)


@events.spawning_complete.add_listener
def complete(user_count, **_):
    here("spawning_complete", user_count)


@events.test_stopping.add_listener
def stopping(environment, **_):
    here("test_stopping", environment.runner.user_count)


@events.test_stop.add_listener
def stop(environment, **_):
    here("test_stop", environment.runner.user_count)


@events.quitting.add_listener
def quitting(environment, **_):
    here("quitting, first added")


@events.quitting.add_listener
def quitting_last(environment, **_):
    here("quitting, last added")


class Visitor(User):
    wait_time = constant(60)

    def on_stop(self):
        here("on_stop")

    @task
    def nothing(self):
        pass
