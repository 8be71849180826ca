# Variables over ./locust.conf, the command line over both.
# compat: -r 100
# compat env: LOCUST_USERS=3 LOCUST_RUN_TIME=2s LOCUST_SPAWN_RATE=1 LOCUST_TAGS=[a,b]
# compat conf: users = 9
# compat conf: stop-timeout = 2
# compat conf: exclude-tags = c
# compat exit: 0
from _notes import note
from locust import User, constant, tag, task


class Visitor(User):
    wait_time = constant(60)

    @tag("a")
    @task
    def ask(self):
        options = self.environment.parsed_options
        note(options.tags, options.exclude_tags, self.environment.stop_timeout, options.run_time)

    @tag("b", "c")
    @task
    def never(self):
        note("never")
