# catch_response: success, failure, exceptions in the block; without it; request_meta.
# compat: -u 1 -t 10s
# compat exit: 1
# compat differs: wrapper a text is kept as it is, and whether it was one is guessed
# compat notes: ordered
from _notes import note
from locust import HttpUser, task
from locust.exception import CatchResponseError, LocustError, ResponseError, StopUser


class Visitor(HttpUser):
    @task
    def all(self):
        get = self.client.get
        with get("/status/404", catch_response=True, name="404 is fine") as answer:
            answer.success()
        with get("/status/200", catch_response=True, name="200 is not") as answer:
            answer.failure("wrong answer")
        with get("/status/200", catch_response=True, name="an error of its own") as answer:
            answer.failure(ValueError("own"))
        with get("/status/200", catch_response=True, name="raised"):
            raise ResponseError("raised in the block")
        with get("/status/500", catch_response=True, name="untouched 500") as answer:
            note(answer.ok, answer.status_code)
        with get("/status/200", catch_response=True, name="untouched 200"):
            pass
        with get("/status/200", catch_response=True, name="long") as answer:
            answer.failure("x" * 300 + " é\n end")
        with get("/status/200", catch_response=True, name="before") as answer:
            answer.request_meta["name"] = "after"
            answer.request_meta["request_type"] = "OWN"
            answer.request_meta["response_time"] = 123
        try:
            with get("/status/200", catch_response=True, name="fails by itself"):
                raise KeyError("a bug")
        except KeyError as error:
            note("passed on", error)
        try:
            with get("/status/200", catch_response=True, name="thrown"):
                raise CatchResponseError("thrown")
        except CatchResponseError as error:
            note("passed on", error)
        try:
            with get("/status/200", name="no catch"):
                pass
        except LocustError as error:
            note(type(error).__name__)
        answer = get("/status/200", name="no block")
        try:
            answer.failure("no")
        except LocustError as error:
            note(type(error).__name__)
        with get("/delay/1", catch_response=True, name="unanswered", timeout=(1, 5)) as answer:
            answer.failure(None)
        self.environment.runner.quit()
        raise StopUser
