# --json: on standard output.
# compat: -u 1 -t 10s --json --only-summary --skip-log-setup
# compat exit: 0
# compat says: "num_requests": 2
# compat says: "name": "/echo"
# compat says: "last_request_timestamp"
# compat says: "num_reqs_per_sec"
from locust import HttpUser, task


class Visitor(HttpUser):
    @task
    def ask(self):
        self.client.get("/echo")
        self.client.get("/echo")
        self.environment.runner.quit()
