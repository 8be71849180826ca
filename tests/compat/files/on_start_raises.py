# on_start that raises: user_error, no tasks, no on_stop, nobody in its place.
# compat: -u 2 -r 10 -t 2s
# compat says: ValueError: cannot start
from _notes import note
from locust import User, constant, events, task


@events.user_error.add_listener
def error(user_instance, exception, tb, **_):
    note("user_error", type(user_instance).__name__, repr(exception), tb is not None)


class Broken(User):
    fixed_count = 1

    def on_start(self):
        note("Broken starts")
        raise ValueError("cannot start")

    def on_stop(self):
        note("Broken stops")

    @task
    def ask(self):
        note("Broken asks")


class Fine(User):
    wait_time = constant(60)

    @task
    def ask(self):
        note("Fine asks")
