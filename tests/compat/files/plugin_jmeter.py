# locust-plugins: results in JMeter's format, reported to the master, which writes them.
# compat: -u 2 -r 100 -t 8s --processes 1
# compat exit: 1
import os
from pathlib import Path

from _notes import note
from locust import HttpUser, constant, events, task
from locust.runners import MasterRunner
from locust_plugins.listeners.jmeter import JmeterListener

os.chdir(Path(os.environ["COMPAT_NOTES"]).parent)


@events.init.add_listener
def listen(environment, **_):
    JmeterListener(environment, testplan="shop", results_filename="jmeter.csv", flush_size=1)


@events.quitting.add_listener
def tell(environment, **_):
    if isinstance(environment.runner, MasterRunner):
        with open("jmeter.csv") as file:
            rows = [line.strip().split(",") for line in file]
        note(rows[0])
        for row in rows[1:]:
            note(row[2:10])


class Visitor(HttpUser):
    wait_time = constant(1000)

    @task
    def ask(self):
        self.client.get("/echo", name="good")
        self.client.get("/status/500", name="bad")
