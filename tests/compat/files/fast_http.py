# FastHttpUser: verbs, names, bodies, cookies, redirects, streams, what the answer has.
# compat: -u 1 -t 10s
# compat exit: 0
# compat notes: ordered
from _notes import note
from locust import task
from locust.contrib.fasthttp import FastHttpUser


class Visitor(FastHttpUser):
    default_headers = {"X-Default": "d"}

    @task
    def all(self):
        client = self.client
        for method in ("get", "options", "head", "post", "put", "patch", "delete"):
            answer = getattr(client, method)("/echo/verb", name="verbs")
            note(method, answer.status_code, answer.ok, bool(answer.content))
        client.request("OWN", "/echo/own")
        client.get("/echo?a=1&b=2")
        client.get("/echo", params={"p": "v w"})
        client.get(self.host + "/echo/absolute")
        client.get("/echo/7", name="/echo/[id]")
        with client.rename_request("renamed"):
            client.get("/echo/4")
        told = client.post("/echo", data={"a": "1 2", "b": "é"}).json()
        note(told["body"], told["headers"]["content-type"], told["headers"]["x-default"])
        told = client.post("/echo", json={"é": [1, None]}, headers={"X-Own": "1"}).json()
        note(told["body"], told["headers"]["content-type"], told["headers"]["x-own"])
        note(client.put("/echo", data=b"raw").json()["body"], client.patch("/echo", data="text é").json()["body"])
        told = client.post("/echo", files={"f": ("a.txt", b"content", "text/plain")}, data={"k": "v"}).json()
        note("a.txt" in told["body"], told["headers"]["content-type"].split(";")[0])
        note(sorted(client.get("/echo").json()["headers"]))
        client.get("/cookies/one/1")
        note(client.get("/cookies").json(), [cookie.name for cookie in client.cookiejar])
        note(client.get("/basic/me/secret", auth=("me", "secret"), name="basic").status_code)
        note(client.get("/gzip").json(), client.get("/gzip").text)
        answer = client.get("/redirect/2")
        note(answer.status_code, answer.url)
        answer = client.get("/redirect/2", allow_redirects=False, name="not followed")
        note(answer.status_code, answer.headers["location"], answer.ok)
        answer = client.get("/lines/3", stream=True)
        note("".join(answer.iter_content(decode_content=True)))
        note(list(client.iter_lines("/lines/3")))
        answer = client.get("/lines/2", catch_response=False)
        note(answer.text, answer.encoding, answer.headers["Content-Type"], answer.url)
        note(answer.request.url, answer.request.method)
        with client.get("/status/500", catch_response=True, name="fine") as answer:
            answer.success()
        self.environment.runner.quit()
