"""Test data: an account for each user, the same on whichever worker it runs, and products by chance."""

import tidal
from tidal import HttpUser, between, task

accounts = tidal.feed("accounts.csv")
products = tidal.feed([3, 7, 12, 19], order="random")


class Customer(HttpUser):
    host = "http://127.0.0.1:8089"
    wait_time = between(0.5, 2)

    def on_start(self):
        account = accounts.of(self)  # this user's own, for the whole run
        self.client.post("/cart", headers={"X-Customer": account["email"]}, name="/cart")

    @task
    def look_at_something(self):
        self.client.get(f"/products/{products.next(self)}", name="/products/N")
