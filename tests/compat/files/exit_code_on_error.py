# --exit-code-on-error.
# compat: -u 1 -t 10s --exit-code-on-error 7
from locust import HttpUser, task


class Visitor(HttpUser):
    @task
    def ask(self):
        self.client.get("/status/500")
        self.environment.runner.quit()
