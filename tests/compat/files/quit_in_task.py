# runner.quit() in a task stops everybody. (Locust then waits for -t, because the user that quits is killed in it.)
# compat: -u 3 -r 100 -t 2s
# compat exit: 0
from _notes import note
from locust import HttpUser, constant, task


class Either(HttpUser):
    abstract = True
    fixed_count = 1
    wait_time = constant(60)

    def on_stop(self):
        note(type(self).__name__, "stops")


class Visitor(Either):
    @task
    def ask(self):
        self.client.get("/echo")


class Another(Visitor):
    pass


class Ends(Either):
    @task
    def ask(self):
        self.client.get("/delay/500", name="waits")
        self.environment.runner.quit()
