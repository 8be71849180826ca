# --logfile and --loglevel.
# compat: -u 1 -t 1s --logfile run.log --loglevel DEBUG
# compat exit: 0
# compat writes: run.log
# compat says: DEBUG/own: a detail
# compat says: Shutting down (exit code 0)
import logging

from locust import User, constant, task


class Visitor(User):
    wait_time = constant(60)

    @task
    def nothing(self):
        logging.getLogger("own").debug("a detail")
