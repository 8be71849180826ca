"""The file that `tidal new` writes: a first test, to be changed."""

from __future__ import annotations

from tidal.drafting.literal import text_literal

DEMO_HOST = "http://127.0.0.1:8089"
"""Where `python -m tidal.target` serves the demo's shop."""

_HEAD = '''"""A first load test: visitors who look around.

Does it work?        tidal check -f {file}
Load, on a screen:   tidal tui -f {file}
In a pipeline:       tidal run -f {file} -u 50 -r 5 -t 1m
"""

'''
_SHOP = '''import random

from locust import {base}, between, task


class Visitor({base}):
    """One person. Many of them run at once, each with a session of its own."""

    host = {host}
    wait_time = between(1, 3)  # seconds between two tasks, as people take

    def on_start(self):
        """Called once, before the first task: log in here."""
        self.client.get("/")

    @task(3)
    def look(self):
        """Open the list, then a product: picked three times as often as `buy`."""
        self.client.get("/products")
        number = random.randint(1, 50)
        # `name`: all products count as one line of the statistics
        self.client.get(f"/products/{{number}}", name="/products/[id]")

    @task
    def buy(self):
        """Put something into the cart, and hold the answer to what was wanted."""
        with self.client.post(
            "/cart",
            json={{"product": 7}},
            catch_response=True,
        ) as response:
            if response.status_code != 201:
                response.failure(f"not put into the cart: {{response.status_code}}")
'''
_PLAIN = '''from locust import {base}, between, task


class Visitor({base}):
    """One person. Many of them run at once, each with a session of its own."""

    host = {host}
    wait_time = between(1, 3)  # seconds between two tasks, as people take

    @task
    def front_page(self):
        """What a visitor does; a second task is one more method with @task."""
        self.client.get("/")

    # @task(3)  # picked three times as often
    # def item(self):
    #     number = random.randint(1, 50)  # import random
    #     self.client.get(f"/items/{{number}}", name="/items/[id]")
    #
    # @task
    # def order(self):
    #     with self.client.post("/orders", json={{"n": 1}}, catch_response=True) as response:
    #         if "id" not in response.json():
    #             response.failure("no order was made")
'''


def first_file(file: str, host: str = "", *, is_fast: bool = False) -> str:
    """The text of a first locustfile.

    Args:
        file: its name, for the commands at its head: letters, digits and `._-/` alone.
        host: where it sends its load; "" for the demo's shop, whose pages it then knows.
        is_fast: with the client that costs less CPU.
    """
    base = "FastHttpUser" if is_fast else "HttpUser"
    body = _PLAIN if host else _SHOP
    return (_HEAD + body).format(file=file, base=base, host=text_literal(host or DEMO_HOST))
