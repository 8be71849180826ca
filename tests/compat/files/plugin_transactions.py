# locust-plugins: transactions over several requests, reported to the master and written there when the test stops.
# compat: -u 2 -r 100 -t 8s --processes 1 --log-transactions-in-file
# compat exit: 0
import os
import time
from pathlib import Path

from _notes import note
from locust import HttpUser, constant, events, task
from locust.runners import MasterRunner
from locust_plugins.transaction_manager import TransactionManager

os.chdir(Path(os.environ["COMPAT_NOTES"]).parent)


@events.quitting.add_listener
def tell(environment, **_):
    if isinstance(environment.runner, MasterRunner):
        with open(TransactionManager.transactions_filename) as file:
            rows = [line.strip().split(",") for line in file]
        note(rows[0])
        for row in rows[1:]:
            note(row[2], row[3], row[4], row[5])
        with open(TransactionManager.transactions_summary_filename) as file:
            rows = [line.strip().split(",") for line in file]
        note(rows[0])
        for row in rows[1:]:
            note(row[:4])


class Buyer(HttpUser):
    wait_time = constant(1000)

    def on_start(self):
        self.transactions = TransactionManager()

    @task
    def buy(self):
        time.sleep(1)  # until both are there, whom each transaction counts
        self.transactions.start_transaction("buying")
        for n in range(3):
            self.transactions.start_transaction("looking")
            self.client.get("/echo")
            self.transactions.end_transaction("looking", n < 2, "" if n < 2 else "no more")
        self.transactions.end_transaction("buying")
