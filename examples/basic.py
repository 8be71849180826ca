"""The smallest useful locustfile: every user gets the front page about once a second.

python -m tidal.target &
tidal tui -f examples/basic.py
"""

from tidal import HttpUser, between, task


class Visitor(HttpUser):
    host = "http://127.0.0.1:8089"
    wait_time = between(0.5, 1.5)

    @task
    def front_page(self):
        self.client.get("/")
