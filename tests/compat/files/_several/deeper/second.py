import os

from locust import User, constant, task


class Second(User):
    wait_time = constant(60)

    @task
    def ask(self):
        with open(os.environ["COMPAT_NOTES"], "a") as file:
            file.write("second\n")
