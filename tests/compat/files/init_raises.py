# An init listener that raises: nothing is started.
# compat: -u 1 -t 2s
# compat exit: 1
# compat says: ValueError: not ready
# compat differs: csv Locust opens its files before, tidal when there is a run
from _notes import note
from locust import User, constant, events, task


@events.init.add_listener
def wrong(**_):
    raise ValueError("not ready")


class Visitor(User):
    wait_time = constant(60)

    @task
    def ask(self):
        note("asks")
