# LoadTestShape with pairs: as many users as it says, and the run ends with it.
# compat:
# compat exit: 0
# compat notes: set
from _notes import note
from locust import LoadTestShape, User, constant, task


class Steps(LoadTestShape):
    def tick(self):
        seconds = self.get_run_time()
        note("at most", max(3, self.get_current_user_count()), "after", type(seconds).__name__)
        if seconds < 1.9:
            return (1, 10)
        if seconds < 3.9:
            return (3, 10)
        return None


class Visitor(User):
    wait_time = constant(60)

    def on_start(self):
        note("a user", self.environment.runner.environment.shape_class is not None)

    @task
    def nothing(self):
        self.environment.events.request.fire(
            request_type="SHAPE", name="a user", response_time=1, response_length=0, exception=None, context={}
        )
