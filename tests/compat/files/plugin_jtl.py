# locust-jtl-logger: a row in JMeter's format for each request, of the response and its context.
# compat: -u 2 -r 100 -t 3s
# compat exit: 1
import os

from _notes import note
from locust import HttpUser, constant, events, task
from locust_jtl_logger import LocustJTLLogger

FILE = os.environ["COMPAT_NOTES"] + ".jtl"


@events.init.add_listener
def listen(environment, **_):
    LocustJTLLogger(environment, f"{FILE}{environment.runner.worker_index}")  # each node writes its own


@events.test_stop.add_listener
def tell(environment, **_):
    if (index := environment.runner.worker_index) == 0:
        with open(f"{FILE}{index}") as file:
            rows = [line.strip().split(",") for line in file]
        note(rows[0])
        for row in rows[1:]:
            note(row[2:10], row[13].rpartition(":")[2].partition("/")[2])


class Visitor(HttpUser):
    wait_time = constant(1000)

    @task
    def ask(self):
        self.client.get("/echo", name="good", context={"name_param": "a param"})
        self.client.get("/status/500", name="bad")
