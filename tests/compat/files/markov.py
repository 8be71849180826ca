# MarkovTaskSet: transitions by name, as a dict, as a list; the first declared begins; what is not reached.
# compat: -u 1 -t 20s
# compat tolerance: 0.25 12
# compat exit: 0
# compat notes: set
from _notes import note
from locust import MarkovTaskSet, User, events, task, transition, transitions
from locust.user import markov_taskset


class Ring(MarkovTaskSet):
    def on_start(self):
        self.remaining = 200
        note("begins with", self.current.__name__)

    def hit(self, name):
        self.user.environment.events.request.fire(
            request_type="RING", name=name, response_time=1, response_length=0, exception=None, context={}
        )
        self.remaining -= 1
        if not self.remaining:
            self.user.environment.runner.quit()

    @transition("left", 3)
    @transition("right")
    def start(self):
        self.hit("start")

    @transitions({"right": 1, "start": 1})
    def left(self):
        self.hit("left")

    @transitions([("start", 2), "left"])
    def right(self):
        self.hit("right")


class Visitor(User):
    tasks = [Ring]


def refused(**members):
    try:
        type("Wrong", (MarkovTaskSet,), members)
    except Exception as error:
        return f"{type(error).__name__} {type(error) is getattr(markov_taskset, type(error).__name__)}"
    return "accepted"


@transition("nowhere")
def lost(self):
    pass


@task
def plain(self):
    pass


@events.test_start.add_listener
def tell(**_):
    note("no tasks", refused())
    note("unknown target", refused(lost=lost))
    note("plain target", refused(lost=transition("plain")(lambda self: None), plain=plain))
