# Classes by name, --equal-weights.
# compat: -u 4 -r 10 -t 2s --equal-weights Heavy Light
# compat exit: 0
from _notes import note
from locust import User, constant, task


class Base(User):
    abstract = True
    wait_time = constant(60)

    @task
    def ask(self):
        note(type(self).__name__, self.weight, sorted(c.__name__ for c in self.environment.user_classes))


class Heavy(Base):
    weight = 30


class Light(Base):
    weight = 2


class Other(Base):
    pass
