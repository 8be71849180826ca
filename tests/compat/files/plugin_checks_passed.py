# locust-plugins: with a ratio of failures that may be, failures alone do not make the exit code 1.
# compat: -u 2 -r 100 -t 2s --check-fail-ratio 0.9 --check-rps 0.1
# compat exit: 0
from locust import HttpUser, constant, task


class Visitor(HttpUser):
    wait_time = constant(1000)

    @task
    def ask(self):
        self.client.get("/echo", name="good")
        self.client.get("/status/500", name="bad")
