# How requests are called: by path, by name, by the client's request_name, redirects, absolute URLs, host with a path.
# compat: -u 1 -t 10s
# compat exit: 0
# compat notes: ordered
from _notes import note
from locust import HttpUser, task


class Visitor(HttpUser):
    host = "http://127.0.0.1:1"  # the command line wins

    @task
    def all(self):
        client = self.client
        client.get("/echo")
        client.get("/echo?a=1&b=2")
        client.get("/echo", params={"p": "v w"})
        client.get("/echo#fragment")
        client.get(self.host + "/echo/absolute")
        client.get("/echo/7", name="/echo/[id]")
        client.request_name = "grouped"
        client.get("/echo/1")
        client.post("/echo/2")
        client.get("/echo/3", name="name wins")
        client.request_name = None
        with client.rename_request("renamed"):
            client.get("/echo/4")
            client.put("/echo/5")
        client.get("/echo/after")
        answer = client.get("/redirect/2")
        note(answer.status_code, answer.url.removeprefix(self.host), [r.status_code for r in answer.history])
        answer = client.get("/redirect/2", allow_redirects=False, name="not followed")
        note(answer.status_code, answer.headers["Location"])
        for method in ("get", "options", "head", "post", "put", "patch", "delete"):
            answer = getattr(client, method)("/echo/verb", name="verbs")
            note(method, answer.status_code, answer.request.method, answer.url == self.host + "/echo/verb")
        client.request("OWN", "/echo/own")
        client.get("/echo/" + "é ü", name='ünïcode, with "quotes"')
        client.get("/echo/é")
        self.environment.runner.quit()
