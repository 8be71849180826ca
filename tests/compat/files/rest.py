# rest() and rest_() of HttpUser and FastHttpUser.
# compat: -u 2 -r 10 -t 2s
# compat exit: 1
# compat differs: wrapper a text is kept as it is, and whether it was one is guessed
from _notes import note
from locust import FastHttpUser, HttpUser, task
from locust.exception import StopUser


class Rest:
    fixed_count = 1

    def ask(self):
        who = type(self).__name__
        with self.rest("POST", "/echo", json={"a": 1}, name=f"{who} echo") as answer:
            note(who, answer.js["body"], answer.js["headers"]["content-type"], answer.js["headers"]["accept"])
            assert answer.js["method"] == "POST"
        with self.rest("GET", "/lines/2", name=f"{who} no JSON") as answer:
            note(who, answer.js)
        with self.rest("GET", "/echo", name=f"{who} assert") as answer:
            assert answer.js["method"] == "PUT", "not a PUT"
        with self.rest("GET", "/status/200", name=f"{who} assert with body") as answer:
            assert answer.js["status"] == 1, "not 1,"
        with self.rest("GET", "/echo", name=f"{who} assert without text") as answer:
            assert not answer.js
        with self.rest("GET", "/echo", name=f"{who} own failure") as answer:
            answer.failure("own failure")
        with self.rest("GET", "/status/404", name=f"{who} 404") as answer:
            note(who, answer.js, answer.status_code)
        with self.rest("GET", "/status/404", name=f"{who} 404 is fine") as answer:
            answer.success()
        with self.rest("GET", "http://127.0.0.1:1/", name=f"{who} refused") as answer:
            note(who, answer.js, answer.status_code)
        with self.rest("GET", "/echo", name=f"{who} headers", headers={"Accept": "a/b", "X": "1"}) as answer:
            note(who, answer.js["headers"]["accept"], answer.js["headers"]["content-type"], answer.js["headers"]["x"])
        with self.rest_("GET", f"/echo/{who}") as answer:
            note(who, list(answer.js["query"]))
        with self.rest_("GET", f"/echo/{who}?a=1") as answer:
            note(who, list(answer.js["query"]))
        raise StopUser


class WithRequests(Rest, HttpUser):
    @task
    def all(self):
        self.ask()


class Fast(Rest, FastHttpUser):
    @task
    def all(self):
        self.ask()
