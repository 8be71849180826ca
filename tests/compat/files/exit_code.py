# The exit code from the statistics, as the examples of Locust's documentation do it.
# compat: -u 1 -t 10s
# compat exit: 3
import logging

from _notes import note
from locust import HttpUser, SequentialTaskSet, events, task
from locust.runners import WorkerRunner


@events.test_stop.add_listener
def seen(environment, **_):
    if not isinstance(environment.runner, WorkerRunner):
        note("test_stop", environment.stats.total.num_requests)


@events.quitting.add_listener
def judge(environment, **_):
    if isinstance(environment.runner, WorkerRunner):
        return
    total = environment.stats.total
    note(total.num_requests, total.num_failures, round(total.fail_ratio, 3), total.avg_response_time < 1000)
    note(total.get_response_time_percentile(0.95) > 0, sorted(environment.stats.entries))
    note([(e.method, e.name, e.occurrences) for e in environment.stats.errors.values()])
    entry = environment.stats.get("ten", "GET")
    note(entry.num_requests, entry.num_failures, entry.min_response_time > 0, entry.avg_content_length)
    if total.fail_ratio > 0.01:
        logging.error("Test failed due to failure ratio > 1%")
        environment.process_exit_code = 3


class Visitor(HttpUser):
    @task
    class Ten(SequentialTaskSet):
        @task(10)
        def ask(self):
            self.client.get("/flaky/5", name="ten")

        @task
        def end(self):
            self.user.environment.runner.quit()
