# SequentialTaskSet: order of declaration, a list, weights, inheritance, a nested one, and round again.
# compat: -u 1 -t 10s
# compat exit: 0
# compat notes: ordered
from _notes import note
from locust import SequentialTaskSet, User, task


def one(tasks):
    note("one", type(tasks).__name__)


def two(tasks):
    note("two", type(tasks).__name__)
    tasks.interrupt()


class Listed(SequentialTaskSet):
    tasks = [one, one, two]


class Base(SequentialTaskSet):
    @task
    def base(self):
        note("base")


class Inherited(Base):
    @task(2)
    def first(self):
        note("first")

    @task
    class Inner(SequentialTaskSet):
        @task
        def inner(self):
            note("inner")

        @task
        def out(self):
            self.interrupt(reschedule=False)

    @task
    def last(self):
        note("last")
        self.user.rounds += 1
        if self.user.rounds == 2:
            self.interrupt()


class Visitor(User):
    rounds = 0

    @task
    class All(SequentialTaskSet):
        tasks = [Listed, Inherited]

        @task
        def end(self):
            self.user.environment.runner.quit()
