# locust-plugins: users on workers ask the master for the next row; each is given once.
# compat: -u 4 -r 100 -t 6s --processes 2
# compat exit: 0
from _notes import note
from locust import User, constant, events, task
from locust.runners import WorkerRunner
from locust_plugins.distributor import Distributor

rows = {}


@events.init.add_listener
def prepare(environment, **_):
    source = None if isinstance(environment.runner, WorkerRunner) else iter([{"name": f"n{n}"} for n in range(1000)])
    rows["all"] = Distributor(environment, source, "rows")


class Reader(User):
    wait_time = constant(1000)

    @task
    def read(self):
        for _ in range(3):
            note("row", next(rows["all"])["name"])
