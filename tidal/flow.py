"""What a task raises to steer its user, what a request raises about itself, and what a user is doing; as in Locust."""

from __future__ import annotations

RUNNING, WAITING, STOPPING = "running", "waiting", "stopping"
"""What a user is doing: in a task, between two tasks, or finishing its last one."""


class LocustError(Exception):
    """A locustfile uses the API in a way that cannot work."""


class ResponseError(Exception):
    """Raised inside a `with client.get(…, catch_response=True)` block: the request counts as failed."""


class CatchResponseError(Exception):
    """A request that was marked as failed with a text."""


class MissingWaitTimeError(LocustError):
    """Neither the task set nor its user says how long to wait."""


class InterruptTaskSet(Exception):
    """Leave the task set.

    Attributes:
        reschedule: whether the parent picks its next task at once, or waits first.
    """

    def __init__(self, reschedule: bool = True) -> None:  # noqa: FBT001, FBT002 - Locust's signature
        super().__init__(reschedule)
        self.reschedule = reschedule


class RescheduleTask(Exception):
    """End the task, as `return` does."""


class RescheduleTaskImmediately(Exception):
    """End the task and pick the next one without waiting."""


class StopUser(Exception):
    """End this user; it comes back later, as a new one."""


class StopTest(Exception):
    """Stop the whole run."""


class FeedExhausted(Exception):
    """A feed has no row left for this user. It ends the user, who does not come back, or the run: as the feed says."""


class OutOfRows(FeedExhausted, StopUser):
    """It ends the user."""


class OutOfRowsEndsRun(FeedExhausted, StopTest):
    """It ends the run."""


class RunnerAlreadyExistsError(Exception):
    """An environment has one runner."""


class RPCError(Exception):
    """Locust's word for a broken network between master and workers; nothing here raises it."""


class RPCSendError(Exception):
    """Locust's word for a message that could not be sent; nothing here raises it."""


class RPCReceiveError(Exception):
    """Locust's word for a message that could not be read; nothing here raises it.

    Attributes:
        addr: whose message it was.
    """

    def __init__(self, *args: object, addr: str | None = None) -> None:
        super().__init__(*args)
        self.addr = addr


STEERING = (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopUser, StopTest)
"""Exceptions that are no errors."""
