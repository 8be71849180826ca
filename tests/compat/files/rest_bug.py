# An exception in a rest() block fails the request and not the task: its text names the line.
# compat: -u 1 -t 5s
# compat exit: 1
# compat differs: failures the text names lines of the one's own code
from _notes import note
from locust import FastHttpUser, task


class Fast(FastHttpUser):
    @task
    def all(self):
        with self.rest("GET", "/status/200", name="a bug") as answer:
            answer.js["missing"]["more"]
        note("goes on")
        self.environment.runner.quit()
