# LoadTestShape with triples: the classes that run change; the common options are read.
# compat: -u 2 -r 10 -t 3s
# compat exit: 0
from locust import LoadTestShape, User, constant, task


class Turns(LoadTestShape):
    use_common_options = True

    def tick(self):
        seconds = self.get_run_time()
        options = self.runner.environment.parsed_options
        if seconds > options.run_time:
            return None
        if seconds < 1.5:
            return (options.num_users, options.spawn_rate, [Early])
        return (options.num_users + 3, options.spawn_rate, [Late])


class Base(User):
    abstract = True
    wait_time = constant(60)

    @task
    def once(self):
        with self.environment.events.request.measure("SHAPE", type(self).__name__):
            pass


class Early(Base):
    pass


class Late(Base):
    pass


class Never(Base):
    pass
