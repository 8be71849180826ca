"""Test data, a row for a user.

    people = tidal.feed("people.csv", order="unique")

    class Buyer(HttpUser):
        @task
        def sign_up(self):
            person = people.next(self)
            self.client.post("/accounts", json={"name": person["name"]})

`of(user)` is the row that belongs to a user for the whole run, whichever process runs it. `next(user)` is another row
each time, in the order that the feed was given. Neither asks anybody, except `next` of a unique feed: its rows are lent
to the workers in blocks through the log, so each is handed out once in the whole fleet.
"""

from __future__ import annotations

import logging
import os
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidal.datafile import BadDataFile, CopiedRows, Rows, read_rows
from tidal.flow import LocustError, OutOfRows, OutOfRowsEndsRun
from tidal.generator.feeds import source_of
from tidal.model.feed import own_place, row_drawn, row_in_turn
from tidal.model.words import plural
from tidal.tasks import TaskSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

logger = logging.getLogger("tidal.feed")

CIRCULAR, RANDOM, UNIQUE = "circular", "random", "unique"
STOP, AGAIN, END_RUN = "stop", "circular", "end run"

_lists = count(1)
relative_files: list[Path] = []
"""Files that were named by a relative path: they must travel with the locustfile."""


class Feed:
    """Rows of test data: `len()`, an index and a loop work as with a list. Made by `feed`.

    Attributes:
        name: what errors and the run's story call it.
        order: circular, random or unique.
    """

    def __init__(  # noqa: PLR0917 - made in one place
        self, rows: Rows, name: str, order: str, when_exhausted: str, classes: tuple[str, ...], seed: str | None
    ) -> None:
        self.name, self.order = name, order
        self._rows, self._when_exhausted, self._classes, self._seed = rows, when_exhausted, classes, seed
        self._used_by = ""
        self._said = False

    def __repr__(self) -> str:
        return f"<Feed {self.name}: {len(self)} rows, {self.order}>"

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Any:
        return self._rows[index]

    def __iter__(self) -> Iterator[Any]:
        return (self._rows[index] for index in range(len(self._rows)))

    # ------------------------------------------------------------------ a user's rows

    def of(self, user: Any) -> Any:
        """The row that belongs to this user: the same for the whole run, and no other user's while there are enough.

        With more users than rows they are shared; of a unique feed the users that come too late get none
        (`when_exhausted`). Inside a task set, the set may stand for its user.
        """
        user = _user(user)
        place = own_place(user._tidal_number, *self._which(user))  # noqa: SLF001 - tidal's own
        if place >= len(self):
            self._too_few(place)
        self._keep_to("of")
        return self._rows[place % len(self)]

    def next(self, user: Any) -> Any:
        """Another row for this user, in the feed's order. A user waits for a unique one while none is here.

        Raises:
            FeedExhausted: the rows of a unique feed are all handed out. Not to be caught: it ends the user, or the run.
        """
        user = _user(user)
        return self._rows[self._unique(user) if self.order == UNIQUE else self._in_turn(user)]

    def _in_turn(self, user: Any) -> int:
        turns: dict[Feed, int] = user.__dict__.setdefault("_tidal_turns", {})
        turn = turns[self] = turns.get(self, -1) + 1
        number = user._tidal_number  # noqa: SLF001 - tidal's own
        if self.order == CIRCULAR:
            return row_in_turn(own_place(number, *self._which(user)), turn, len(self))
        seed = source_of(user.environment).run if self._seed is None else self._seed
        return row_drawn(seed, type(user).__name__, number, turn, len(self))

    def _unique(self, user: Any) -> int:
        self._keep_to("next")
        size = len(self) if self._when_exhausted != AGAIN else 0
        position = source_of(user.environment).position(f"rows:{self.name}", size, user)
        if position is None:
            self._end(f"{self.name}: all {plural(len(self), 'row')} handed out")
        return position % len(self)  # type: ignore[operator] # None was the end

    def _which(self, user: Any) -> tuple[int, int]:
        """Which class this is of those that share the rows, and how many they are."""
        name = type(user).__name__
        names = self._classes or [cls.__name__ for cls in user.environment.user_classes]
        if name in names:
            return list(names).index(name), len(names)
        if self._classes:
            raise LocustError(f"{self.name} is for {', '.join(self._classes)}, not for {name}: see its `classes`")
        return 0, 1  # made by hand, outside of any run

    def _keep_to(self, method: str) -> None:
        """A row of a unique feed that both methods gave would be there twice."""
        if self.order == UNIQUE and self._used_by not in ("", method):
            raise LocustError(f"{self.name} is unique: use of() or next(), or make another feed of the same rows")
        self._used_by = method

    def _too_few(self, place: int) -> None:
        """Users are more than rows."""
        if self.order != UNIQUE or self._when_exhausted == AGAIN:
            self._say(f"{self.name}: more users than its {plural(len(self), 'row')}: users share rows")
        else:
            self._end(f"{self.name}: no row for the user in place {place}, it has {len(self)}")

    def _end(self, why: str) -> None:
        self._say(why)
        raise OutOfRowsEndsRun(why) if self._when_exhausted == END_RUN else OutOfRows(why)

    def _say(self, why: str) -> None:
        if not self._said:
            self._said = True
            logger.warning("%s", why)


def _user(user: Any) -> Any:
    return user.user if isinstance(user, TaskSet) else user


def feed(
    rows: str | os.PathLike[str] | Sequence[Any],
    *,
    order: str = CIRCULAR,
    when_exhausted: str = STOP,
    name: str = "",
    classes: Iterable[str | type] = (),
    seed: object = None,
    delimiter: str = ",",
) -> Feed:
    """Rows of test data for users: write it at the top of the locustfile, so that mistakes show before the run.

    Args:
        rows: a list, or the path of a CSV file with a header, a JSON array or JSON lines. A relative path is looked for
            beside the file that calls this, then in the working folder, and the data travels to the workers; a file
            elsewhere, named by its absolute path, must be on every worker.
        order: circular (each user walks through all rows, from its own on), random, or unique (each row once in the
            whole run).
        when_exhausted: of a unique feed, when all rows are handed out: stop (the user that needs one stops), circular
            (begin again), end run.
        name: what errors and the run's story call it; its file's when not given. Unique feeds of one name share rows.
        classes: the user classes that share the rows; all of the run when not given.
        seed: for random; the run's id when not given. The same seed gives every user the same rows again.
        delimiter: of a CSV file.

    Raises:
        BadDataFile: the file will not do; the message says where.
    """
    _check(order, when_exhausted)
    if isinstance(rows, str | os.PathLike):
        path, shown = _find(Path(rows), Path(sys._getframe(1).f_globals.get("__file__") or "?"))  # noqa: SLF001 - whose
        travels = not Path(rows).is_absolute() or path.is_relative_to(Path.cwd())
        found, name = read_rows(path, shown, travels=travels, delimiter=delimiter), name or shown
    else:
        found, name = CopiedRows(list(rows)), name or f"list {next(_lists)}"
        if not len(found):
            raise BadDataFile(f"{name}: a feed needs at least one row")
    names = tuple(
        cls if isinstance(cls, str) else cls.__name__ for cls in ([classes] if isinstance(classes, str) else classes)
    )
    return Feed(found, name, order, when_exhausted, names, None if seed is None else str(seed))


def _check(order: str, when_exhausted: str) -> None:
    if order not in (CIRCULAR, RANDOM, UNIQUE):
        raise BadDataFile(f"order is {CIRCULAR}, {RANDOM} or {UNIQUE}, not {order!r}")
    if when_exhausted not in (STOP, AGAIN, END_RUN):
        raise BadDataFile(f"when_exhausted is {STOP}, {AGAIN} or {END_RUN}, not {when_exhausted!r}")
    if when_exhausted != STOP and order != UNIQUE:
        raise BadDataFile(f"when_exhausted is for a unique feed: {order} rows never run out")


def _find(path: Path, caller: Path) -> tuple[Path, str]:
    """Where the file is, and how it is called: the same on every machine."""
    home = caller.parent.resolve()
    if path.is_absolute():
        whole = path.resolve()
        return whole, whole.relative_to(home).as_posix() if whole.is_relative_to(home) else str(path)
    beside, here = home / path, Path.cwd() / path
    whole = beside if beside.exists() or not here.exists() else here
    if not whole.is_file():
        places = f"in {home}" if home == Path.cwd().resolve() else f"in {home}, nor in {Path.cwd()}"
        raise BadDataFile(f"{path}: {'a folder, not a file' if whole.is_dir() else f'no such file {places}'}")
    relative_files.append(whole)
    return whole, path.as_posix()
