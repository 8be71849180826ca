# Users that do not speak HTTP mean by --host what they like.
# compat: -u 1 -t 2s -H localhost:50051
# compat exit: 0
# compat host: none
from _notes import note
from locust import User, constant, task


class Device(User):
    host = "mqtt.example"
    wait_time = constant(60)

    @task
    def ask(self):
        note(self.host, self.environment.host)
