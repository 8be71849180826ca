# Arguments of the file's own: of every kind, from the command line, from variables, by default; on every node.
# compat: -u 1 -t 2s --processes 1 --text given --number 7 --pick b --many x y --flag --token s3cret --span 1m
# compat env: COMPAT_FROM_ENV=from-env
# compat exit: 0
from _notes import note
from locust import User, constant, events, task
from locust.argument_parser import timespan
from locust.runners import MasterRunner, WorkerRunner


@events.init_command_line_parser.add_listener
def add(parser):
    group = parser.add_argument_group("own", "Arguments of this file")
    parser.add_argument("--text", type=str, default="unset", help="a text", include_in_web_ui=True)
    parser.add_argument("--hidden", include_in_web_ui=False, default="hidden by default")
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument("--pick", choices=["a", "b"], default="a")
    parser.add_argument("--many", nargs="*", default=[], is_multiple=True, choices=["x", "y", "z"])
    parser.add_argument("--token", is_secret=True, default="none")
    parser.add_argument("--needed", is_required=True, default="there")
    parser.add_argument("--by-env", env_var="COMPAT_FROM_ENV", default="not set")
    group.add_argument("--flag", action="store_true", default=False)
    group.add_argument("--float", dest="real", type=float, default=0.5)
    group.add_argument("--span", type=timespan, default=0)


OWN = ["text", "hidden", "number", "pick", "many", "token", "needed", "by_env", "flag", "real", "span"]


def told(where, options):
    note(where, {name: getattr(options, name) for name in OWN})


@events.init.add_listener
def init(environment, **_):
    if isinstance(environment.runner, MasterRunner):
        told("master at init", environment.parsed_options)


@events.test_start.add_listener
def start(environment, **_):
    side = "worker" if isinstance(environment.runner, WorkerRunner) else "master"
    told(f"{side} at start", environment.parsed_options)
    options = environment.parsed_options
    note(side, options.num_users if side == "master" else "-", options.headless, options.host == environment.host)


class Visitor(User):
    wait_time = constant(60)

    @task
    def ask(self):
        note("user", self.environment.parsed_options.text, self.environment.parsed_options.number)
