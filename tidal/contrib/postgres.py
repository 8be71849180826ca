"""Users that speak to PostgreSQL: `PostgresUser.client.execute_query(sql)` counts one query.

The connection is one transaction until the file commits or closes it, as psycopg has it; under gevent psycopg waits
without holding up other users.
"""

from __future__ import annotations

import time
from typing import Any

from tidal.contrib import missing
from tidal.hooks import events
from tidal.users import User

try:
    import psycopg
except ImportError as error:
    raise missing("PostgresUser", "psycopg", "postgres", error) from error


class PostgresClient:
    """A connection whose queries are counted.

    Attributes:
        connection: psycopg's own, for what is not to be counted.
    """

    def __init__(self, conn_string: str) -> None:
        self.connection: psycopg.Connection[Any] = psycopg.connect(conn_string)

    def execute_query(self, query: str) -> None:
        """Execute a query and forget its rows; what goes wrong is counted and not raised."""
        began_s = time.perf_counter()
        try:
            self.connection.execute(query)
        except Exception as error:  # noqa: BLE001 - whatever the server, the network or the text brings is the sample's
            _tell("postgres_failure", began_s, exception=error)
        else:
            _tell("postgres_success", began_s)

    def close(self) -> None:
        """Close the connection; what was not committed is rolled back."""
        self.connection.close()


def _tell(request_type: str, began_s: float, **more: Any) -> None:
    taken_ms = (time.perf_counter() - began_s) * 1000
    events.request.fire(
        request_type=request_type, name="execute_query", response_time=taken_ms, response_length=0, **more
    )


class PostgresUser(User):
    """A user with a connection of its own, open as long as it lives.

    Attributes:
        conn_string: where to connect, `postgresql://user:password@host/database`; a class must have it.
    """

    abstract = True
    conn_string: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client = PostgresClient(conn_string=self.conn_string)

    def on_stop(self) -> None:
        """Close the connection."""
        self.client.close()
