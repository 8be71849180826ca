# Lines that scripts look for, and what the file itself logs and prints.
# compat: -u 2 -r 10 -t 2s --loglevel INFO
# compat exit: 0
# compat says: INFO/locust.main: Starting Locust
# compat says: INFO/locust.main: Run time limit set to
# compat says: INFO/locust.runners: Ramping to 2 users at a rate of 10.00 per second
# compat says: INFO/locust.runners: All users spawned: {"Visitor": 2} (2 total users)
# compat says: INFO/locust.main: --run-time limit reached, shutting down
# compat says: INFO/locust.main: Shutting down (exit code 0)
# compat says: WARNING/own.logger: a warning of the file's own
# compat says: INFO/root: an information
import logging

from locust import User, constant, task

logger = logging.getLogger("own.logger")


class Visitor(User):
    wait_time = constant(60)

    def on_start(self):
        logger.warning("a warning of the file's own")
        logging.info("an information")
        logging.debug("not seen")

    @task
    def nothing(self):
        pass
