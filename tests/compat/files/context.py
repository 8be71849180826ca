# user.context(), a request's own context, and what listeners of a request get.
# compat: -u 1 -t 10s
# compat exit: 1
# compat notes: ordered
from _notes import note
from locust import HttpUser, SequentialTaskSet, events, task


@events.request.add_listener
def told(request_type, name, response_time, response_length, exception, context, start_time, url, response, **more):
    note(request_type, name, response_length, type(exception).__name__, sorted(context.items()), sorted(more))
    note(url.partition("/echo")[2], response_time > 0, start_time > 1e9, response.status_code)


def ask(tasks):
    tasks.client.get("/echo/a?b=c")
    tasks.client.get("/echo/a", context={"own": 1, "who": "request"}, name="named")
    tasks.client.get("/status/404", name="missing")


def end(tasks):
    tasks.user.environment.runner.quit()


class Visitor(HttpUser):
    fixed_count = 1
    host_number = 7

    def context(self):
        return {"who": type(self).__name__, "number": self.host_number}

    @task
    class Tasks(SequentialTaskSet):
        tasks = [ask, end]
