# --config-users sets attributes of classes: as JSON, and as a file.
# compat: -u 4 -r 10 -t 2s --config-users '{"user_class_name": "Two", "fixed_count": 2, "tasks": ["second"]}' {here}/_config_users.json
# compat exit: 0
from _notes import note
from locust import HttpUser, constant, task


class One(HttpUser):
    wait_time = constant(60)
    own = "unset"

    @task
    def ask(self):
        note("One", self.own, self.fixed_count, self.weight)


class Two(HttpUser):
    wait_time = constant(60)
    weight = 1

    @task
    def first(self):
        note("Two first", self.host == self.environment.host)

    @task
    def second(self):
        note("Two second")
