# --tags and --exclude-tags on tasks, on task sets, on nested ones.
# compat: -u 1 -t 5s --tags a set b -E not b2
# compat exit: 0
# compat notes: set
from _notes import note
from locust import HttpUser, SequentialTaskSet, TaskSet, constant, tag, task


@tag("set")
class Tagged(TaskSet):
    @task
    def in_set(self):
        note("in_set")
        self.interrupt()

    @tag("not")
    @task
    def excluded(self):
        note("excluded")
        self.interrupt()


class Visitor(HttpUser):
    wait_time = constant(0.01)
    tasks = [Tagged]
    left = 60

    def context(self):
        self.left -= 1
        return {}

    @tag("a")
    @task
    def a(self):
        self.turn("a")

    @tag("b", "b2")
    @task
    def b2(self):
        self.turn("b2")

    @tag("b")
    @task
    def b(self):
        self.turn("b")

    @task
    def untagged(self):
        self.turn("untagged")

    @task
    class Nested(SequentialTaskSet):
        @tag("a", "b")
        @task
        def ask(self):
            note("nested")
            self.interrupt()

        @task
        def never(self):
            note("never")

    def turn(self, name):
        note(name)
        self.left -= 1
        if self.left <= 0:
            note(sorted(self.environment.tags or []), sorted(self.environment.exclude_tags or []))
            self.environment.runner.quit()
