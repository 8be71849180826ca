# StopTest in a task: the user is gone. (tidal ends the run, as Locust's documentation has it; Locust goes on.)
# compat: -u 1 -t 1s
# compat exit: 0
from _notes import note
from locust import User, task
from locust.exception import StopTest


class Visitor(User):
    def on_stop(self):
        note("on_stop")

    @task
    def ask(self):
        note("asks")
        raise StopTest("enough")
