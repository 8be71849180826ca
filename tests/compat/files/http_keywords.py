# What requests takes, HttpUser passes on: seen by the server.
# compat: -u 1 -t 10s
# compat exit: 1
# compat notes: ordered
from _notes import note
from locust import HttpUser, task


class Visitor(HttpUser):
    @task
    def all(self):
        client = self.client
        told = client.post("/echo", data={"a": "1 2", "b": ["x", "y"]}).json()
        note(told["body"], told["headers"]["content-type"])
        told = client.post("/echo", json={"é": [1, None]}).json()
        note(told["body"], told["headers"]["content-type"])
        told = client.put("/echo", data=b"raw", headers={"X-Own": "1"}, params={"q": "é"}).json()
        note(told["body"], told["headers"]["x-own"], told["query"])
        told = client.post("/echo", files={"f": ("a.txt", b"content", "text/plain")}, data={"k": "v"}).json()
        note("a.txt" in told["body"], "content" in told["body"], told["headers"]["content-type"].split(";")[0])
        note(sorted(set(told["headers"]) - {"content-length", "user-agent"}))
        client.headers["X-Session"] = "kept"
        note(client.get("/echo").json()["headers"]["x-session"])
        client.get("/cookies/one/1")
        client.cookies.set("two", "2")
        note(client.get("/cookies", cookies={"three": "3"}).json(), dict(client.cookies))
        note(client.get("/basic/me/secret", auth=("me", "secret"), name="basic").status_code)
        note(client.get("/basic/me/wrong", name="basic").status_code)
        client.auth = ("me", "secret")
        note(client.get("/basic/me/secret", name="basic").json())
        client.auth = None
        note(client.get("/gzip").json())
        answer = client.get("/lines/3", stream=True)
        note([line.decode() for line in answer.iter_lines()], answer.headers["Content-Type"])
        answer = client.get("/lines/2", hooks={"response": lambda r, **_: note("hook", r.status_code)})
        note(answer.text, answer.elapsed.total_seconds() > 0, answer.encoding, answer.reason, bool(answer), answer.ok)
        try:
            answer.raise_for_status()
            client.get("/status/418", name="418").raise_for_status()
        except Exception as error:
            note(type(error).__name__, str(error).replace(self.host, ""))
        note(client.get("/delay/700", timeout=0.05, name="timeout").status_code)
        self.environment.runner.quit()
