import logging

from locust import HttpUser, User, constant, events, task


@events.test_start.add_listener
def say(environment, **_):
    logging.getLogger("shop").info("the shop opens")


class Visitor(HttpUser):
    wait_time = constant(1000)

    @task
    def work(self):
        self.client.get("/")
        self.client.get("/missing/7", name="/missing/[id]")


class Many(User):
    """More names than a backend likes, and one without a time."""

    wait_time = constant(1000)

    @task
    def work(self):
        fire = self.environment.events.request.fire
        plain = {"request_type": "X", "response_length": 1, "context": {}, "exception": None}
        for n in range(25):
            fire(name=f"n{n}", response_time=5, **plain)
        fire(name="none", response_time=None, **plain)
