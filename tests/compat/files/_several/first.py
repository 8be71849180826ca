import os

from locust import User, constant, task


def note(text):
    with open(os.environ["COMPAT_NOTES"], "a") as file:
        file.write(text + "\n")


class First(User):
    wait_time = constant(60)

    @task
    def ask(self):
        note("first")
