# Weights as decorator, as dict, as list of pairs: one user of each class makes 300 requests.
# compat: -u 3 -r 10 -t 20s
# compat tolerance: 0.2 45
# compat exit: 0
# compat ours: --processes 1
from locust import HttpUser, task
from locust.exception import StopUser


class Counted(HttpUser):
    abstract = True
    fixed_count = 1
    left = 300
    running = 3

    def ask(self, name):
        self.client.get("/status/200", name=name)
        self.left -= 1
        if not self.left:
            Counted.running -= 1
            if not Counted.running:
                self.environment.runner.quit()
            raise StopUser


class Decorated(Counted):
    @task(3)
    def often(self):
        self.ask("decorated often")

    @task
    def seldom(self):
        self.ask("decorated seldom")


def often(user):
    user.ask(f"{type(user).__name__} often")


def seldom(user):
    user.ask(f"{type(user).__name__} seldom")


class Dict(Counted):
    tasks = {often: 2, seldom: 1}


class Pairs(Counted):
    tasks = [(often, 5), (seldom, 1)]
