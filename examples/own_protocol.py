"""Load something that is not HTTP: time it and fire the `request` hook. Here: a connection to a port."""

import socket
import time

from tidal import User, between, task


class Connector(User):
    host = "127.0.0.1:8089"
    wait_time = between(0.5, 1.5)

    @task
    def connect(self):
        name, _, port = self.host.rpartition(":")
        began, error = time.perf_counter(), None
        try:
            socket.create_connection((name.removeprefix("http://"), int(port)), timeout=5).close()
        except OSError as problem:
            error = problem
        self.environment.events.request.fire(
            request_type="TCP",
            name="connect",
            response_time=(time.perf_counter() - began) * 1000,
            response_length=0,
            exception=error,
        )
