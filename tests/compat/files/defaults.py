# Defaults that a file sets for options of Locust's own; the command line goes before them.
# compat: -r 5
# compat exit: 0
# compat notes: set
# compat tolerance: 0 2
# compat ours: --processes 1
from _notes import note
from locust import User, constant, events, task


@events.init_command_line_parser.add_listener
def declare(parser):
    parser.set_defaults(users=50, num_users=3, spawn_rate=1, run_time="2s")
    parser.add_argument("--mine", default="x")


class Visitor(User):
    wait_time = constant(60)

    @task
    def ask(self):
        options = self.environment.parsed_options
        note(options.num_users, options.spawn_rate, options.run_time, options.mine)
