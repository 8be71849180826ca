# --reset-stats: what was measured while the users came is gone.
# compat: -u 2 -r 1 -t 5s --reset-stats
# compat tolerance: 0 1
# compat exit: 0
# compat differs: served the target saw what was reset
from locust import HttpUser, constant, task


class Visitor(HttpUser):
    wait_time = constant(60)

    def on_start(self):
        self.client.get("/echo", name="on_start of the first")

    @task
    def ask(self):
        import gevent

        gevent.sleep(2.5)
        self.client.get("/echo", name="when all are there")
