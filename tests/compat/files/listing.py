# What is printed without a run.
# compat: --list
# compat: --show-task-ratio -u 10
# compat: --show-task-ratio-json -u 10
# compat: --show-task-ratio
# compat: One --show-task-ratio
# compat print
# compat exit: 0
from locust import HttpUser, SequentialTaskSet, TaskSet, task


class Inner(TaskSet):
    @task(3)
    def three(self):
        pass

    @task
    class Deeper(SequentialTaskSet):
        @task
        def deepest(self):
            pass


class One(HttpUser):
    weight = 3
    tasks = {Inner: 2}

    @task
    def one(self):
        pass


class Two(HttpUser):
    @task
    def two(self):
        pass


class Base(HttpUser):
    abstract = True
