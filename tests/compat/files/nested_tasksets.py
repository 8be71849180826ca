# Task sets in task sets, inline and by name; interrupt with and without rescheduling; both levels of on_start/on_stop.
# compat: -u 1 -t 10s
# compat exit: 0
# compat notes: ordered
from _notes import note
from locust import HttpUser, SequentialTaskSet, TaskSet, constant, task


class Named(TaskSet):
    wait_time = constant(0)

    def on_start(self):
        note("Named.on_start", type(self.parent).__name__, type(self.user).__name__)

    def on_stop(self):
        note("Named.on_stop")

    @task
    def ask(self):
        self.client.get("/echo/named", name="named")
        self.interrupt(reschedule=False)


class Journey(SequentialTaskSet):
    def wait(self):
        note("Journey waits")

    def on_start(self):
        note("Journey.on_start", self.client is self.user.client, self.user is self.parent)

    def on_stop(self):
        note("Journey.on_stop")

    @task
    def first(self):
        self.client.get("/echo/first", name="first")

    @task
    class Inline(TaskSet):
        def on_start(self):
            note("Inline.on_start", type(self.parent).__name__)

        @task
        def ask(self):
            self.client.get("/echo/inline", name="inline")
            self.interrupt()

        def on_stop(self):
            note("Inline.on_stop")

    tasks = [Named]

    @task
    def last(self):
        note("last")
        self.interrupt()


class Visitor(HttpUser):
    rounds = 0

    def on_start(self):
        note("Visitor.on_start")

    def on_stop(self):
        note("Visitor.on_stop")

    @task
    class Twice(SequentialTaskSet):
        tasks = [Journey]

        @task
        def end(self):
            self.user.rounds += 1
            note("round", self.user.rounds, type(self.parent).__name__)
            if self.user.rounds == 2:
                self.user.environment.runner.quit()
