# locust-plugins: --ips replaces every wait time; so many iterations a second for all users together.
# compat: -u 3 -r 100 -t 4s --ips 5
# compat: -u 3 -r 100 -t 4s --ips 5 --processes 1
# compat exit: 0
# compat tolerance: 0.2 6
from locust import HttpUser, task


class Visitor(HttpUser):
    @task
    def ask(self):
        self.client.get("/echo")
