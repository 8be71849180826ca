# SIGINT: users stop, tables are printed, the exit code is the usual one.
# compat: -u 2 -r 10 -s 2
# compat signal: SIGINT 12
# compat tolerance: 0.5 6
# compat exit: 1
# compat says: Shutting down (exit code 1)
from _notes import note
from locust import HttpUser, constant, task


class Visitor(HttpUser):
    wait_time = constant(0.2)

    def on_stop(self):
        note("on_stop")

    @task
    def ask(self):
        self.client.get("/status/404", name="missing")
