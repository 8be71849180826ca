# locust-plugins: what a run must reach, looked at on the master as it quits; exit code 3 when it did not.
# compat: -u 2 -r 100 -t 2s --check-rps 1000
# compat: -u 2 -r 100 -t 2s --check-fail-ratio 0.1
# compat: -u 2 -r 100 -t 2s --check-avg-response-time 1 --check-fail-ratio 0.9
# compat exit: 3
# compat says: CHECK FAILED
from locust import HttpUser, constant, task


class Visitor(HttpUser):
    wait_time = constant(1000)

    @task
    def ask(self):
        self.client.get("/delay/20", name="slow")
        self.client.get("/status/500", name="bad")
