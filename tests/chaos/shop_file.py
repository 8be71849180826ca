"""The locustfile of the chaos runs: a steady pace, so that the plan is an exact number a second and user.

Each user says to the target who it is and from which process, and each process keeps a diary of its own: a line a
request that ended. The diary is neither the target's count nor the log's.
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
        self.client.get("/")
        os.write(diary(), f"{{self.me}}\\n".encode())
"""
