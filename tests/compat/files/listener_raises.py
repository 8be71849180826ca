# A listener that raises is logged; the others are called, the run goes on, the exit code is 2.
# compat: -u 1 -t 2s
# compat exit: 2
# compat ours: --processes 1
# compat says: Uncaught exception in event handler
# compat says: ZeroDivisionError: division by zero
from _notes import note
from locust import HttpUser, constant, events, task
from locust.runners import MasterRunner


@events.test_start.add_listener
def wrong(**_):
    1 / 0


@events.test_start.add_listener
def right(environment, **_):
    if not isinstance(environment.runner, MasterRunner):
        note("called")


class Visitor(HttpUser):
    wait_time = constant(60)

    @task
    def ask(self):
        self.client.get("/echo")
