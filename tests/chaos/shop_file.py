"""The locustfile of the chaos runs: a steady pace, so that the plan is an exact number a second and user.

Each user says to the target who it is and from which process, and each process keeps a diary of its own: a line a
request that ended. The diary is neither the target's count nor the log's. A file beside the diaries orders the next
user of a worker to burn CPU.
"""

PACE_S = 0.5

TEXT = f"""
import os
import time

from locust import HttpUser, constant_pacing, task

ME = f"{{os.getppid()}}-{{os.getpid()}}"
DIARY = []


def diary():
    if not DIARY:
        path = os.path.join(os.environ["CHAOS_DIARY"], ME)
        DIARY.append(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    return DIARY[0]


class Visitor(HttpUser):
    wait_time = constant_pacing({PACE_S})

    def on_start(self):
        self.me = f"Visitor/{{self.number}}"
        self.client.headers.update({{"X-User": self.me, "X-Sender": ME}})

    @task
    def home(self):
        self.burn_if_told()
        self.client.get("/")
        os.write(diary(), f"{{self.me}}\\n".encode())

    def burn_if_told(self):
        order = os.path.join(os.environ["CHAOS_DIARY"], f"burn.{{os.getppid()}}")
        if os.path.exists(order):
            until_s = time.monotonic() + float(open(order).read())
            os.unlink(order)
            while time.monotonic() < until_s:
                pass
"""

HOOKS = """
from locust import events


def block_if_told():
    if os.path.exists(os.path.join(os.environ["CHAOS_DIARY"], "block")):
        open(os.path.join(os.environ["CHAOS_DIARY"], "blocked"), "w").close()
        time.sleep(30)


@events.worker_report.add_listener
def never_comes_back(**_):
    block_if_told()


@events.heartbeat_sent.add_listener
def neither_does_this(**_):
    block_if_told()
"""

FLAKY = """
import random


class Visitor(Visitor):
    starts = 0

    def on_start(self):
        type(self).starts += 1
        if type(self).starts % 3 == 0:
            raise RuntimeError("no login today")
        super().on_start()

    @task
    def home(self):
        if random.random() < 0.03:
            raise StopUser
        self.client.get("/")
        os.write(diary(), f"{self.me}\\n".encode())
"""
