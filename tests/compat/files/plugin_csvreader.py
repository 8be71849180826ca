# locust-plugins: rows of a file, again from the beginning at its end.
# compat: -u 1 -t 2s
# compat exit: 0
# compat notes: ordered
from pathlib import Path

from _notes import note
from locust import User, constant, task
from locust_plugins.csvreader import CSVDictReader, CSVReader

FILE = Path(__file__).parent / "_people.csv"
rows, people = CSVReader(str(FILE), delimiter=";"), CSVDictReader(str(FILE), delimiter=";")


class Reader(User):
    wait_time = constant(1000)

    @task
    def read(self):
        note([next(rows) for _ in range(4)])
        note([next(people)["name"] for _ in range(3)])
