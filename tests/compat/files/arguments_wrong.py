# What argparse refuses of the file's own arguments.
# compat: -u 1 -t 2s --number seven
# compat: -u 1 -t 2s --numbre 7
# compat exit: 2
# compat differs: csv nothing ran, so there is nothing to write
from locust import User, constant, events, task


@events.init_command_line_parser.add_listener
def add(parser):
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument("--pick", choices=["a", "b"], default="a")


class Visitor(User):
    wait_time = constant(1)

    @task
    def nothing(self):
        pass
