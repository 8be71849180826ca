# Knobs of the statistics that the file sets itself: what it reads is what it set.
# compat: -u 1 -t 1s
# compat differs: csv
# compat notes: set
# compat exit: 0
import _notes
import locust.stats
from locust import User, constant, events, task

locust.stats.PERCENTILES_TO_REPORT = [0.5, 0.9]
locust.stats.CSV_STATS_INTERVAL_SEC = 2


class Quiet(User):
    wait_time = constant(0.5)

    @task
    def nothing(self):
        pass


@events.quitting.add_listener
def on_quitting(environment, **_):
    _notes.note("percentiles", locust.stats.PERCENTILES_TO_REPORT)
