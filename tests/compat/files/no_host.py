# No host at all: said at once.
# compat: -u 1 -t 2s
# compat host: none
# compat differs: exit Locust ends with 0 although nothing ran
# compat differs: csv tidal refuses it at once, before there is a run
# compat differs: heads nothing is printed for a run that never was
from locust import HttpUser, task


class Visitor(HttpUser):
    @task
    def ask(self):
        self.client.get("/echo")
