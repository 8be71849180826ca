"""How much load, said in the file: readers by stages, buyers as arrivals.

    tidal plan -f examples/plan.py                            # shows the curves, starts nothing
    tidal run -f examples/plan.py -H http://127.0.0.1:8089    # try it against: python -m tidal.target

`--plan`, `-u` or `-r` on the command line go before what stands here.
"""

import tidal
from tidal import HttpUser, between, task

tidal.plan("warmup: 0->10 in 10s, hold: 10 for 30s, down: ->0 in 5s", Buyer="rate 2/s for 45s")


class Reader(HttpUser):
    """Looks around, and thinks in between: a closed model, up to ten of them."""

    wait_time = between(0.5, 1.5)

    @task(3)
    def front_page(self):
        self.client.get("/")

    @task
    def product(self):
        self.client.get("/products/1", name="/products/N")


class Buyer(HttpUser):
    """Comes twice a second, however long the shop takes: an open model."""

    @task
    def buy(self):
        self.client.get("/cart")
