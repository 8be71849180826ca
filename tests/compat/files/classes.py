# abstract, weight and fixed_count: who is spawned.
# compat: -u 12 -r 100 -t 2s
# compat exit: 0
from _notes import note
from locust import User, constant, task


class Base(User):
    abstract = True
    wait_time = constant(1)

    def on_start(self):
        note(type(self).__name__, self.weight, self.fixed_count)

    @task
    def nothing(self):
        pass


class Often(Base):
    weight = 3


class Seldom(Base):
    weight = 1


class Never(Base):
    weight = 0


class Admin(Base):
    fixed_count = 1


class Two(Base):
    fixed_count = 3


class Child(Often):
    abstract = True
