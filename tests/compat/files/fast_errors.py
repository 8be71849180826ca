# FastHttpUser: what fails, and how its failure reads; settings of the class.
# compat: -u 1 -t 10s
# compat exit: 1
# compat notes: ordered
# compat differs: served where a connection breaks Locust asks five times although max_retries is 0, tidal once
from _notes import note
from locust import FastHttpUser, task
from locust.exception import LocustError


class Visitor(FastHttpUser):
    network_timeout = 0.3
    connection_timeout = 0.5
    max_redirects = 3
    max_retries = 0
    insecure = True
    concurrency = 3

    @task
    def all(self):
        client = self.client
        for status in (400, 404, 418, 500, 599):
            answer = client.get(f"/status/{status}")
            note(answer.status_code, answer.ok, answer.text)
        for status in (201, 206, 208, 226, 210, 299):
            client.get(f"/status/{status}")
        answer = client.get("/status/404", name="raise")
        try:
            answer.raise_for_status()
        except Exception as error:
            note("raises", type(error).__name__, error)
        answer = client.get("http://127.0.0.1:1/refused", name="refused")
        note(answer.status_code, answer.ok, answer.content, answer.text, type(answer.error).__name__)
        answer = client.get("/delay/900", name="timeout")
        note(answer.status_code, type(answer.error).__name__)
        answer = client.get("/drop")
        note(answer.status_code, answer.content)
        answer = client.get("/redirect/9", name="too many redirects")
        note(answer.status_code)
        with client.get("/status/200", catch_response=True, name="own failure") as answer:
            answer.failure("own")
        with client.get("/status/404", catch_response=True, name="untouched"):
            pass
        with client.get("/status/200", catch_response=True, name="raised") as answer:
            from locust.exception import ResponseError

            raise ResponseError("in the block")
        with client.get("/lines/1", catch_response=True, name="no JSON") as answer:
            try:
                answer.json()
            except ValueError as error:
                answer.failure(f"not JSON: {type(error).__name__}")
        try:
            client.get("/status/200", name="no catch").failure("x")
        except (LocustError, AttributeError) as error:
            note(type(error).__name__)
        self.environment.runner.quit()
