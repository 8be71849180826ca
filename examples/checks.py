"""Say yourself what counts as a failure, and log in before the tasks begin."""

from tidal import HttpUser, constant_pacing, task


class Customer(HttpUser):
    host = "http://127.0.0.1:8089"
    wait_time = constant_pacing(1)

    def on_start(self):
        self.client.post("/cart")

    @task(3)
    def missing_is_fine(self):
        with self.client.get("/products/999", name="/products/N", catch_response=True) as response:
            if response.status_code == 404:
                response.success()

    @task(1)
    def slow_is_a_failure(self):
        with self.client.get("/delay/30", catch_response=True) as response:
            if response.elapsed.total_seconds() > 0.5:
                response.failure("slower than 500 ms")
