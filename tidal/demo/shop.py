"""A shop's visitors: most look around, some buy. `tidal demo` runs this file.

python -m tidal.target &          the shop, on port 8089
tidal tui -f examples/shop.py     the load
"""

import random

from tidal import HttpUser, SequentialTaskSet, between, task

PRODUCTS = range(1, 51)


class Browser(HttpUser):
    """Looks around and buys nothing."""

    host = "http://127.0.0.1:8089"
    weight = 3
    wait_time = between(0.5, 2)

    @task(2)
    def home(self) -> None:
        """Land on the front page."""
        self.client.get("/")

    @task(4)
    def look(self) -> None:
        """Open the list, then one product; all products count as one endpoint."""
        self.client.get("/products")
        self.client.get(f"/products/{random.choice(PRODUCTS)}", name="/products/N")

    @task(1)
    def search(self) -> None:
        """Search, and hold the answer to what was asked."""
        wanted = str(random.choice(PRODUCTS))
        with self.client.get("/search", params={"q": wanted}, name="/search", catch_response=True) as response:
            if response.status_code == 200 and response.json()["q"] != wanted:
                response.failure("found something else")


class Purchase(SequentialTaskSet):
    """One purchase, step by step."""

    @task
    def choose(self) -> None:
        """Look at a product and put it into the cart."""
        number = random.choice(PRODUCTS)
        self.client.get(f"/products/{number}", name="/products/N")
        self.client.post("/cart", json={"product": number})

    @task
    def pay(self) -> None:
        """Check out; the payment service is busy now and then, which counts as a failure."""
        self.client.post("/checkout", json={"card": "4242"})
        self.interrupt()


class Buyer(HttpUser):
    """Buys, again and again."""

    host = "http://127.0.0.1:8089"
    weight = 1
    wait_time = between(1, 3)
    tasks = [Purchase]  # noqa: RUF012 - as Locust writes it
