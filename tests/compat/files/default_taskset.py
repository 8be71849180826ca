# Plugins patch DefaultTaskSet.execute_task to count iterations (locust-plugins -i): so does this file.
# compat: -u 1 -t 10s
# compat exit: 0
from _notes import note
from locust import HttpUser, TaskSet, task
from locust.user.task import DefaultTaskSet

original = DefaultTaskSet.execute_task


def counted(self, task):
    runner = self.user.environment.runner
    if not hasattr(runner, "iterations_started"):
        runner.iterations_started = 0
    if runner.iterations_started == 5:
        runner.quit()
        return
    runner.iterations_started += 1
    original(self, task)


DefaultTaskSet.execute_task = counted
own = TaskSet.execute_task


def told(self, task):
    note("task set", type(self).__name__, task.__name__)
    own(self, task)


TaskSet.execute_task = told


class Visitor(HttpUser):
    @task
    class Inner(TaskSet):
        @task
        def ask(self):
            note(type(self.parent).__name__, type(self.user._taskset_instance).__name__)
            self.client.get("/echo", name="inner")
            self.interrupt()
