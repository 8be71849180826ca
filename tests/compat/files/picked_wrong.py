# A class that is not there.
# compat: -u 1 -t 1s Nobody
# compat exit: 1
# compat says: Nobody
# compat differs: csv nothing ran
from locust import User, task


class One(User):
    @task
    def ask(self):
        pass
