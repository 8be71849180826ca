# Every event with its arguments, on the side where it fires: a master and one worker.
# compat: -u 2 -r 10 -t 3s --processes 1
# compat exit: 1
# compat notes: set
import locust.runners
from _notes import note
from locust import HttpUser, constant, events, task
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

locust.runners.CPU_MONITOR_INTERVAL = 0.5
locust.runners.WORKER_REPORT_INTERVAL = 1.0

NAMES = [
    "request",
    "user_error",
    "report_to_master",
    "worker_report",
    "worker_connect",
    "spawning_complete",
    "init",
    "test_start",
    "test_stopping",
    "test_stop",
    "quitting",
    "quit",
    "reset_stats",
    "heartbeat_sent",
    "heartbeat_received",
    "usage_monitor",
]


class Side:
    name = "early"


def listener(event):
    def told(**kwargs):
        note(Side.name, event, {name: type(value).__name__ for name, value in sorted(kwargs.items())})

    return told


@events.init.add_listener
def begin(environment, runner, web_ui, **_):
    kinds = (LocalRunner, MasterRunner, WorkerRunner)
    Side.name = next(kind.__name__ for kind in kinds if isinstance(environment.runner, kind))
    note(Side.name, runner is environment.runner, web_ui, environment.parsed_options.num_users)


for name in NAMES:
    getattr(events, name).add_listener(listener(name))


@events.report_to_master.add_listener
def add(client_id, data, **_):
    data["own"] = {"sent": 1}


@events.worker_report.add_listener
def read(client_id, data, **_):
    note("own data", data["own"], sorted(data))


@events.spawning_complete.add_listener
def complete(user_count, **_):
    note(Side.name, "complete", user_count)


@events.quit.add_listener
def code(exit_code, **_):
    note(Side.name, "quits with", exit_code)


class Visitor(HttpUser):
    wait_time = constant(60)

    @task
    def ask(self):
        self.client.get("/status/200")
        raise ValueError("wrong")
