# locust-plugins: -i patches TaskSet.execute_task at test_start, and the last user to go quits the runner.
# compat: -u 3 -r 100 -t 20s -i 7
# compat exit: 0
# compat says: Iteration limit reached (7), stopping Users at the start of their next task run
# compat says: Last user stopped, quitting runner
from locust import HttpUser, TaskSet, constant, task


class Visitor(HttpUser):
    wait_time = constant(0.1)

    @task
    class Pages(TaskSet):
        @task
        def ask(self):
            self.client.get("/echo")
