# Tasks that raise: counted by message, logged with the traceback, the user goes on after its wait.
# compat: -u 1 -t 10s
# compat exit: 1
# compat says: ValueError: wrong number
from _notes import note
from locust import SequentialTaskSet, User, constant, events, task
from locust.exception import StopUser


@events.user_error.add_listener
def error(user_instance, exception, tb, **_):
    note("user_error", type(user_instance).__name__, repr(exception), tb is not None)


class Visitor(User):
    wait_time = constant(0.01)
    rounds = 0

    @task
    class Tasks(SequentialTaskSet):
        @task
        def wrong(self):
            raise ValueError("wrong number")

        @task
        def missing(self):
            {}["key"]

        @task
        def own(self):
            class OwnError(Exception):
                pass

            raise OwnError("own")

        @task
        def end(self):
            self.user.rounds += 1
            if self.user.rounds == 3:
                self.user.environment.runner.quit()
                raise StopUser
