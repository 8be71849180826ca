# Every wait function: a user of each for six seconds.
# compat: -u 9 -r 100 -t 6s
# compat tolerance: 0.3 20
# compat exit: 0
from locust import User, between, constant, constant_pacing, constant_throughput, poisson, task


class Waits(User):
    abstract = True
    fixed_count = 1
    lasts_s = 0.02

    @task
    def ask(self):
        import gevent

        gevent.sleep(self.lasts_s)
        with self.environment.events.request.measure("WAIT", type(self).__name__):
            pass


class Between(Waits):
    wait_time = between(0.05, 0.15)


class Constant(Waits):
    wait_time = constant(0.1)


class Pacing(Waits):
    wait_time = constant_pacing(0.1)


class Throughput(Waits):
    wait_time = constant_throughput(10)


class Poisson(Waits):
    wait_time = poisson(20)


class Method(Waits):
    def wait_time(self):
        return 0.1


class Function(Waits):
    wait_time = lambda self: 0.1  # noqa: E731


class Old(Waits):
    min_wait = 50
    max_wait = 150
    lasts_s = 0.1  # neither heeds the two: without a wait it is the machine that would set the count


class OwnWait(Waits):
    @task
    def two(self):
        self.wait()

    wait_time = constant(0.1)
