# --host wins over the class.
# compat: -u 1 -t 10s
# compat exit: 0
from _notes import note
from locust import HttpUser, task


class Visitor(HttpUser):
    host = "http://127.0.0.1:1"

    @task
    def ask(self):
        self.client.get("/echo")
        note(self.host == self.environment.host == self.client.base_url)
        self.environment.runner.quit()
