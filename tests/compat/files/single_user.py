# run_single_user: one line per request.
# compat:
# compat script
# compat exit: 0
import os

from _notes import note
from locust import HttpUser, events, run_single_user, task
from locust.exception import StopUser


@events.init.add_listener
def init(environment, **_):
    note("init", type(environment.runner).__name__)


@events.test_start.add_listener
def start(**_):
    note("test_start")


class Visitor(HttpUser):
    host = os.environ["COMPAT_TARGET"]

    def on_start(self):
        note("on_start")

    @task
    def ask(self):
        self.client.get("/echo")
        self.client.get("/status/404", name="missing", context={"own": 1})
        raise StopUser


if __name__ == "__main__":
    run_single_user(Visitor, include_length=True, include_context=True)
