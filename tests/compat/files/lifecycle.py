# on_start and on_stop of user and task set, when the run ends while users wait, work and sleep.
# compat: -u 3 -r 100 -t 1s --stop-timeout 0
# compat: -u 3 -r 100 -t 1s -s 3
# compat exit: 0
import gevent
from _notes import note
from locust import TaskSet, User, constant, task


class Base(User):
    abstract = True
    fixed_count = 1

    def on_start(self):
        note(type(self).__name__, "starts")

    def on_stop(self):
        note(type(self).__name__, "stops")


class Waits(Base):
    wait_time = constant(60)

    @task
    def ask(self):
        note("Waits asks")


class Works(Base):
    @task
    def long(self):
        gevent.sleep(2)
        note("finished")


class Nested(Base):
    @task
    class Inner(TaskSet):
        wait_time = constant(60)

        def on_start(self):
            note("Inner starts")

        def on_stop(self):
            note("Inner stops")

        @task
        def ask(self):
            note("Inner asks")
