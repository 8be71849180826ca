# Custom messages between master and workers, in both directions, one listener of them concurrent.
# compat: -u 1 -t 2s --processes 2
# compat exit: 0
import gevent
from _notes import note
from locust import User, constant, events, task
from locust.runners import MasterRunner, WorkerRunner


def on_rows(environment, msg, **_):
    note("worker gets", msg.type, msg.data["rows"], msg.node_id == environment.runner.client_id or "not its own id")
    environment.runner.send_message("got", {"rows": len(msg.data["rows"]), "nested": [1, None, 2.5, "é", b"raw"]})


def on_got(environment, msg, **_):
    note("master gets", msg.data, msg.node_id in environment.runner.clients)
    environment.runner.send_message("thanks", "you", client_id=msg.node_id)


def on_thanks(msg, **_):
    gevent.sleep(0.1)
    note("worker is thanked", msg.data)


@events.init.add_listener
def register(environment, **_):
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        runner.register_message("rows", on_rows)
        runner.register_message("thanks", on_thanks, concurrent=True)
    elif isinstance(runner, MasterRunner):
        runner.register_message("got", on_got)


@events.test_start.add_listener
def share(environment, **_):
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        for n, worker in enumerate(sorted(runner.clients)):
            runner.send_message("rows", {"rows": list(range(n + 2))}, worker)
    else:
        note("worker of", runner.worker_index in (0, 1))


class Visitor(User):
    wait_time = constant(60)

    @task
    def ask(self):
        note("a user runs")
