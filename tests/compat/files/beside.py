# What a file finds beside itself without naming it, and what it leaves where the command was given.
# compat: -u 2 -r 2 -t 2s
# compat exit: 0
# compat notes: set
# compat ours: --processes 1
# compat writes: left.txt
from pathlib import Path

from _notes import note
from locust import User, constant, task

HIDDEN = "." + "beside"


class Writer(User):
    wait_time = constant(60)

    @task
    def write(self):
        note((Path(__file__).parent / HIDDEN).read_text().strip())
        with open("left.txt", "a") as file:
            file.write("a line\n")
