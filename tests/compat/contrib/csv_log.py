import os

from locust import User, constant, events, task
from locust.contrib.csv_request_logger import CsvRequestLogger

log = CsvRequestLogger(os.environ["COMPAT_CSV"], flush_interval=3)


@events.init.add_listener
def register(environment, **_):
    log.register(environment)


class Response:
    status_code = "204"


class Writer(User):
    wait_time = constant(1000)

    @task
    def work(self):
        fire = self.environment.events.request.fire
        plain = {"request_type": "X", "response_length": 7, "context": {}}
        fire(name="good", response_time=1.2345, response=Response(), start_time=1000.123456789, exception=None, **plain)
        fire(name="bad", response_time=2, start_time=1000, exception=ValueError('a, "b"\nc'), **plain)
        fire(name="none", response_time=None, start_time=1000, exception=None, **plain)
        fire(name="odd", response_time=3, response=object(), start_time=1000, exception=KeyError("k"), **plain)
