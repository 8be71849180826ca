# --config-users for a class that is not there.
# compat: -u 1 -t 1s --config-users '{"user_class_name": "Nobody", "weight": 1}'
# compat exit: 255
# compat differs: csv nothing ran
from locust import User, task


class One(User):
    @task
    def ask(self):
        pass
