# locust-plugins: listeners of `request` that raise what steers a user, call something, or end the run.
# compat: -u 1 -t 3s --on-fail RescheduleTaskOnFail
# compat: -u 1 -t 3s --on-fail InterruptTaskOnFail
# compat: -u 1 -t 3s --on-fail StopUserOnFail
# compat: -u 1 -t 10s --on-fail QuitOnFail
# compat: -u 1 -t 3s --on-fail RunOnFail
# compat: -u 1 -t 3s --on-fail RunOnUserError
# compat exit: 1
# compat notes: ordered
from _notes import note
from locust import HttpUser, TaskSet, constant, events, task
from locust_plugins import listeners


@events.init_command_line_parser.add_listener
def arguments(parser):
    parser.add_argument("--on-fail", default="RunOnFail")


@events.init.add_listener
def listen(environment, **_):
    name = environment.parsed_options.on_fail
    if name.startswith("Run"):
        more = [lambda *given, **_: note("called with", *[type(each).__name__ for each in given])]
    else:
        more = []
    getattr(listeners, name)(environment, *more)


class Visitor(HttpUser):
    """The third time all goes well, or a task that is interrupted would be begun again for ever."""

    wait_time = constant(1000)
    asked = 0

    @task
    class Pages(TaskSet):
        @task
        def ask(self):
            self.user.asked += 1
            note("asks")
            self.client.get("/echo", name="good")
            if self.user.asked <= 3:
                self.client.get("/status/500", name="bad")
            note("goes on")
            raise ValueError("a mistake")
