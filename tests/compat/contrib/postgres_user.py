import os

from locust import constant, task
from locust.contrib.postgres import PostgresUser


class Clerk(PostgresUser):
    """Makes a table of its own, and a mistake."""

    wait_time = constant(1000)
    conn_string = os.environ["COMPAT_POSTGRES"]

    @task
    def work(self):
        self.client.execute_query("CREATE TEMPORARY TABLE letters (body text)")
        for _ in range(5):
            self.client.execute_query("INSERT INTO letters VALUES ('hello')")
        self.client.connection.commit()
        self.client.execute_query("SELECT nothing FROM letters")
        self.client.connection.rollback()
        assert self.client.connection.execute("SELECT count(*) FROM letters").fetchone() == (5,)
