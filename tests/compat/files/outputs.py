# CSV with its history in full, JSON and HTML into files, the summary alone.
# compat: -u 1 -t 3s --csv-full-history --html report.html --json-file stats --only-summary
# compat exit: 1
# compat tolerance: 0.3 4
# compat writes: report.html stats.json out_stats.csv out_stats_history.csv
from locust import HttpUser, constant_pacing, task


class Visitor(HttpUser):
    wait_time = constant_pacing(0.2)

    @task
    def ask(self):
        self.client.get("/echo")
        self.client.get("/status/404", name="missing")
