# StopTest in on_start: no task runs, but on_stop does.
# compat: -u 1 -t 1s
# compat says: not today
from _notes import note
from locust import User, task
from locust.exception import StopTest


class Visitor(User):
    def on_start(self):
        note("on_start")
        raise StopTest("not today")

    def on_stop(self):
        note("on_stop")

    @task
    def ask(self):
        note("asks")
