# A host in the class, and one in a class above it.
# compat: -u 2 -r 10 -t 2s
# compat host: none
# compat exit: 0
import os

from _notes import note
from locust import HttpUser, task
from locust.exception import StopUser


class Above(HttpUser):
    abstract = True
    host = os.environ["COMPAT_TARGET"]
    fixed_count = 1


class Visitor(Above):
    @task
    def ask(self):
        self.client.get("/echo", name=f"{type(self).__name__} echo")
        note(type(self).__name__, self.host == self.client.base_url, self.environment.host)
        raise StopUser


class Deeper(Above):
    host = f"{os.environ['COMPAT_TARGET']}/echo/below"

    @task
    def path(self):
        note(self.client.get("/path", name="below").json()["path"])
        raise StopUser
