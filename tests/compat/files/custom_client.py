# A client of the file's own: request events fired, measured, with and without exceptions, with odd values.
# compat: -u 1 -t 10s
# compat exit: 1
# compat differs: wrapper a text is kept as it is, and whether it was one is guessed
import time

from _notes import note
from locust import User, events, task


class Client:
    def __init__(self, request_event):
        self.request_event = request_event

    def __getattr__(self, name):
        def call(*args):
            meta = {"request_type": "xmlrpc", "name": name, "response_length": 0, "response": None, "context": {}}
            began = time.perf_counter()
            try:
                meta["response"] = f"{name}{args}"
                if name == "fails":
                    raise OSError(5, "no such method")
            except OSError as error:
                meta["exception"] = error
            meta["response_time"] = (time.perf_counter() - began) * 1000
            self.request_event.fire(**meta)
            return meta["response"]

        return call


class Visitor(User):
    def __init__(self, environment):
        super().__init__(environment)
        self.client = Client(environment.events.request)

    @task
    def all(self):
        note(self.client.add(1, 2))
        self.client.fails()
        fire = self.environment.events.request.fire
        fire(request_type="A", name="no time", response_time=None, response_length=0, exception=None, context={})
        fire(request_type="A", name="no length", response_time=1.5, response_length=None or 0, exception=None)
        fire(request_type="A", name="text as exception", response_time=1, response_length=1, exception="just text")
        fire(request_type="", name="no type", response_time=1, response_length=1, exception=None)
        fire(request_type="A", name="extra", response_time=1, response_length=1, exception=None, own="extra")
        fire(request_type="A", name="a day", response_time=90_000_000, response_length=1, exception=None)
        with events.request.measure("M", "measured", context={"c": 1}) as meta:
            meta["response_length"] = 17
        with events.request.measure("M", "measured fails"):
            raise ValueError("inside")
        note([(n, e.num_requests, e.num_failures) for (n, _), e in sorted(self.environment.stats.entries.items())])
        self.environment.runner.quit()
