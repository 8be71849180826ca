"""Transactions, metrics, checks and tags, beside requests. These words are tidal's own, not Locust's."""

import random

import tidal
from tidal import HttpUser, between, task, transaction

tidal.redact("membership")  # besides passwords, tokens, cookies: from what is kept of failed requests


class Buyer(HttpUser):
    host = "http://127.0.0.1:8089"
    wait_time = between(0.5, 2)

    def on_start(self):
        self.region = random.choice(["eu", "us"])

    @task(3)
    @transaction("browse")
    def browse(self):
        self.client.get("/")
        response = self.client.get(f"/products/{random.randint(1, 9)}", name="/products/N")
        self.check("is not empty", len(response.content) > 0)

    @task
    def buy(self):
        with self.tags(region=self.region), self.transaction("buy"):
            items = random.randint(1, 5)
            self.metrics.trend("cart_size", unit="items").add(items)
            with self.transaction("fill the cart"):
                for _ in range(items):
                    self.client.post("/cart")
            with self.transaction("check out"):
                response = self.client.post("/checkout", json={"membership": "gold"})
            self.metrics.rate("declined").add(not response.ok)
            if response.ok:
                self.metrics.counter("orders").add()
