# What fails, and how its failure reads.
# compat: -u 1 -t 10s
# compat exit: 1
# compat notes: ordered
from _notes import note
from locust import HttpUser, task


class Visitor(HttpUser):
    @task
    def all(self):
        client = self.client
        for status in (400, 404, 499, 500, 503, 599):
            client.get(f"/status/{status}")
            client.get(f"/status/{status}", name="same name")
        for _ in range(6):
            client.get("/flaky/3")
        answer = client.get("http://127.0.0.1:1/refused", name="refused")
        note(answer.status_code, answer.content, answer.text, answer.url, type(answer.error).__name__)
        for ask in (answer.raise_for_status, lambda: answer.ok, lambda: bool(answer)):
            try:
                ask()
            except Exception as error:
                note("raises", type(error).__name__)
        client.get("/drop")
        client.get("/delay/500?x=1", timeout=0.05)
        client.get("/redirect/40", name="too many redirects")
        for wrong in ("http://", "nothing://x", "http://[wrong/"):
            try:
                client.get(wrong, name=wrong)
            except Exception as error:
                note("raises", type(error).__name__)
        self.environment.runner.quit()
