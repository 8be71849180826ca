"""The users' greenlets: started, stopped and counted as the schedule says.

A member is one user in its greenlet. Stopping one that waits kills it at once; one in a task may finish it within the
stop timeout; its `on_stop` then has a moment of its own, after which it is killed again, and at last given up.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import gevent

from tidal.flow import RUNNING, STOPPING, WAITING, FeedExhausted, StopTest, StopUser
from tidal.users import made_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tidal.generator.environment import Environment
    from tidal.generator.recorder import Recorder
    from tidal.generator.scheduler import Key
    from tidal.users import User

logger = logging.getLogger("locust.user.task")

ON_STOP_MS = 2_000
"""How long `on_stop` may take after a kill."""
KILLS_MAX = 3
SPAWNS_AT_ONCE = 200
"""After so many starts in one go the others get a turn."""


class UserGreenlet(gevent.Greenlet):  # type: ignore[type-arg] # its stubs are generic, the class is not
    """A user's greenlet: plugins look for the user in its `args`."""

    spawning_stack_limit = 0  # where it was spawned is known, and would take 700 bytes
    user: User | None = None
    user_class: str = ""  # what its samples are counted under (`class_of_caller`)

    @property
    def args(self) -> tuple[User | None]:  # type: ignore[override]
        """The user, once it is made."""
        return (self.user,)


class Member:
    """One user in its greenlet.

    Attributes:
        deadline_ms: when it is killed (again); None while nobody wants it to stop.
        wanted: whether it is to run again when this life has ended.
    """

    __slots__ = ("deadline_ms", "greenlet", "key", "kills", "user", "wanted")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.user: User | None = None
        self.greenlet: Any = None
        self.deadline_ms: int | None = None
        self.kills = 0
        self.wanted = True

    def __repr__(self) -> str:
        return f"<Member {self.name} {self.number} {'wanted' if self.wanted else 'to stop'}>"

    @property
    def name(self) -> str:
        """The user's class."""
        return self.key[0]

    @property
    def number(self) -> int:
        """Which one of its class it is."""
        return self.key[1]

    @property
    def is_idle(self) -> bool:
        """Whether it is between two tasks, or has not begun."""
        return self.user is None or self.user._state in (None, WAITING)  # noqa: SLF001 - Locust's private name

    def tell(self, state: str) -> None:
        """Set what the user is doing, which its loop reads."""
        if self.user is not None:
            self.user._state = state  # noqa: SLF001 - Locust's private name

    def kill(self, now_ms: int) -> None:
        """End it now; `on_stop` still runs."""
        self.kills += 1
        self.deadline_ms = now_ms + ON_STOP_MS
        self.tell(STOPPING)
        self.greenlet.kill(block=False)


class Population:
    """All members of this process.

    Args:
        environment: what each user is given.
        recorder: is told who begins and ends, and what user code raises.
        now_ms: Redis time.
        ended: called with the key of a user that ended by itself.
    """

    def __init__(
        self, environment: Environment, recorder: Recorder, now_ms: Callable[[], int], ended: Callable[[Key], None]
    ) -> None:
        self._environment = environment
        self._recorder = recorder
        self._now_ms = now_ms
        self._ended = ended
        self._members: dict[Key, Member] = {}
        self.classes: dict[str, type[User]] = {}

    def __repr__(self) -> str:
        return f"<Population {self.count} members>"

    @property
    def count(self) -> int:
        """How many users there are, those that are stopping too."""
        return len(self._members)

    @property
    def next_deadline_ms(self) -> int | None:
        """When somebody's patience ends next."""
        return min((m.deadline_ms for m in self._members.values() if m.deadline_ms is not None), default=None)

    def start(self, users: Sequence[Key]) -> None:
        """Start users; one that is still stopping goes on, or starts again."""
        for done, key in enumerate(users, 1):
            member = self._members.get(key)
            if member is None:
                self._spawn(Member(key))
            else:
                self._keep(member)
            if done % SPAWNS_AT_ONCE == 0:
                gevent.sleep(0)

    def _keep(self, member: Member) -> None:
        member.wanted = True
        if not member.kills:
            member.deadline_ms = None
            member.tell(RUNNING)

    def _spawn(self, member: Member) -> None:
        self._members[member.key] = member
        self._note(member, 1)
        member.greenlet = UserGreenlet(self._live, member)
        member.greenlet.user_class = member.name
        member.greenlet.rawlink(lambda _: self._gone(member))
        if (runner := self._environment.runner) is not None:
            runner.user_greenlets.add(member.greenlet)
        member.greenlet.start()

    def _note(self, member: Member, change: int) -> None:
        """Somebody has begun (+) or gone (-)."""
        self._recorder.moved(member.name, change)

    def _live(self, member: Member) -> None:
        """A user's whole life. What it raises ends here."""
        try:
            user = made_user(self.classes[member.name], self._environment, member.number)
            member.user = user
            member.greenlet.user = user
            self._run(member, user)
        except (StopUser, gevent.GreenletExit) as end:
            member.wanted &= not isinstance(end, FeedExhausted)  # there is nothing to come back to
        except StopTest as stop:
            member.wanted = False
            self._environment.runner.leave(f"StopTest: {stop}")
        except BaseException as error:  # noqa: BLE001 - a SystemExit of user code would end the process
            self.report(error, error.__traceback__)

    def _run(self, member: Member, user: User) -> None:
        """What it lives for."""
        del member
        user.run()

    def _gone(self, member: Member) -> None:
        """The greenlet has ended: called by the event loop."""
        if self._members.get(member.key) is not member:
            return
        del self._members[member.key]
        self._note(member, -1)
        if self._environment.tickets is not None:
            self._environment.tickets.left(member.key, is_last=not self._members)
        if member.wanted and member.deadline_ms is not None:  # it was to stop, then wanted again
            self._spawn(Member(member.key))
        elif member.wanted:
            self._ended(member.key)

    def report(self, error: BaseException, tb: Any, where: str = "") -> None:
        """Count an exception of user code; the first of a kind is logged with its traceback."""
        if self._recorder.error(error, tb, where):
            logger.error("%s%s: %s", where, type(error).__name__, error, exc_info=(type(error), error, tb))

    def stop(self, keys: Iterable[Key], timeout_ms: int) -> None:
        """Stop users: those that wait at once, those in a task within the timeout."""
        now_ms = self._now_ms()
        for key in keys:
            member = self._members.get(key)
            if member is None:
                continue
            member.wanted = False
            if member.deadline_ms is None:
                self._stop(member, now_ms, timeout_ms)

    @staticmethod
    def _stop(member: Member, now_ms: int, timeout_ms: int) -> None:
        if member.is_idle or timeout_ms <= 0:
            member.kill(now_ms)
        else:
            member.deadline_ms = now_ms + timeout_ms
            member.tell(STOPPING)

    def stop_all(self, timeout_ms: int) -> None:
        """Stop everybody; who is stopping already gets no more time than this."""
        now_ms = self._now_ms()
        self.stop(tuple(self._members), timeout_ms)
        for member in self._members.values():
            if member.deadline_ms is not None and not member.kills:
                member.deadline_ms = min(member.deadline_ms, now_ms + timeout_ms)

    def enforce(self) -> None:
        """Kill whose time is up; give up who does not go."""
        now_ms = self._now_ms()
        for member in list(self._members.values()):
            if member.deadline_ms is None or member.deadline_ms > now_ms:
                continue
            if member.kills < KILLS_MAX:
                member.kill(now_ms)
            else:
                logger.error("%r does not stop: it catches what ends it; given up", member)
                self._gone(member)
