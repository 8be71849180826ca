# RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet, StopUser: what waits, what does not, what ends.
# compat: -u 1 -t 2s
# compat exit: 0
# compat notes: ordered
from _notes import note
from locust import SequentialTaskSet, User, task
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopUser


class Flow(SequentialTaskSet):
    def wait_time(self):
        note("wait")
        return 0.01

    @task
    def plain(self):
        note("plain")

    @task
    def again(self):
        note("reschedule")
        raise RescheduleTask

    @task
    def at_once(self):
        note("reschedule immediately")
        raise RescheduleTaskImmediately

    @task
    class Inner(SequentialTaskSet):
        @task
        def out(self):
            note("interrupt, no reschedule")
            raise InterruptTaskSet(False)

    @task
    class Other(SequentialTaskSet):
        @task
        def out(self):
            note("interrupt, reschedule")
            raise InterruptTaskSet

    @task
    def scheduled(self):
        note("schedules")
        self.schedule_task(self.extra, first=True)
        self.schedule_task(self.more)

    def extra(self):
        note("extra")

    def more(self):
        note("more")

    @task
    def end(self):
        note("stop user")
        raise StopUser

    def on_stop(self):
        note("Flow.on_stop")


class Visitor(User):
    tasks = [Flow]

    def on_stop(self):
        note("Visitor.on_stop")
