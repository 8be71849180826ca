# Locust as a library: users in the script's own process.
# compat:
# compat script
# compat exit: 0
# compat notes: ordered
import os

import gevent
from _notes import note
from locust import HttpUser, constant, events, task
from locust.env import Environment
from locust.log import setup_logging
from locust.runners import STATE_INIT, STATE_RUNNING, STATE_STOPPED, LocalRunner
from locust.stats import stats_history, stats_printer

setup_logging("ERROR")


class Visitor(HttpUser):
    host = os.environ["COMPAT_TARGET"]
    wait_time = constant(60)

    def on_start(self):
        note("on_start")

    @task
    def ask(self):
        self.client.get("/echo")
        self.client.get("/status/404")


class Other(Visitor):
    fixed_count = 1


@events.test_start.add_listener
def start(environment, **_):
    note("test_start", environment.runner.state)


events.test_stop.add_listener(lambda **_: note("test_stop"))
events.spawning_complete.add_listener(lambda user_count: note("spawning_complete", user_count))

env = Environment(user_classes=[Visitor, Other], events=events, stop_timeout=1)
runner = env.create_local_runner()
events.init.fire(environment=env, runner=runner, web_ui=None)
note(isinstance(runner, LocalRunner), env.runner is runner, runner.state == STATE_INIT, runner.user_count)
try:
    env.create_local_runner()
except Exception as error:
    note(type(error).__name__)

gevent.spawn(stats_history, runner)
runner.start(3, spawn_rate=10)
gevent.sleep(0.6)
note(runner.state == STATE_RUNNING, runner.user_count, runner.target_user_count, runner.user_classes_count)
runner.start(1, spawn_rate=10)
gevent.sleep(0.4)
note(runner.user_count)
spawned = runner.spawn_users({"Other": 1})
gevent.sleep(0.2)
note([type(user).__name__ for user in spawned], runner.user_count)
runner.stop_users({"Other": 1})
note(runner.user_count)
runner.stop()
note(runner.state == STATE_STOPPED, runner.user_count)

total = env.stats.total
note(
    total.num_requests,
    total.num_failures,
    total.fail_ratio,
    total.median_response_time >= 1,
    total.max_response_time > 0,
)
note(
    [
        (e.method, e.name, e.num_requests, e.num_failures)
        for e in sorted(env.stats.entries.values(), key=lambda e: e.name)
    ]
)
note([(e.method, e.name, e.to_name(), e.occurrences) for e in env.stats.errors.values()])
note(
    total.get_response_time_percentile(0.5) >= 1,
    total.total_rps > 0,
    len(env.stats.history) >= 1,
    total.avg_content_length > 0,
)
env.stats.reset_all()
note(env.stats.total.num_requests, callable(stats_printer(env.stats)))
runner.start(1, spawn_rate=10)
gevent.spawn_later(0.5, runner.quit)
runner.greenlet.join()
note("joined", runner.user_count, env.stats.total.num_requests)
