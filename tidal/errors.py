"""What can go wrong, said so that the reader can act, each with its documented exit code.

Only the command line's `main` prints these and returns their code; everything else raises them.
The table in `docs/reference/exit-codes.md` is held to `EXIT_CODES` by a test.
"""

from __future__ import annotations

import errno
from typing import ClassVar

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What a write says when its disk is full, its quota used up, its file too large, or its device gone."""


class TidalError(Exception):
    """An error with a message for the person at the keyboard: what was wrong, where, what to do.

    Attributes:
        exit_code: what the process returns when this error ends it.
        meaning: the line of the exit code table.
    """

    exit_code: ClassVar[int] = 70
    meaning: ClassVar[str] = "internal error: please report it"


class UsageError(TidalError):
    """The command line's words are off."""

    exit_code = 2
    meaning = "the command line is wrong; or, of a run, a listener of a hook raised"


class BadPlan(UsageError):
    """A plan's text is off; the message names the column and what should be there."""

    exit_code = 3
    meaning = "a plan cannot be read, or does not fit the locustfile"


class NoSuchFile(TidalError):
    """The locustfile is not there."""

    exit_code = 10
    meaning = "no such locustfile"


class FileSyntaxError(TidalError):
    """The locustfile is not Python; the message shows the line."""

    exit_code = 11
    meaning = "the locustfile has a syntax error"


class FileImportError(TidalError):
    """The locustfile raised while it was imported."""

    exit_code = 12
    meaning = "the locustfile failed to import"


class NoUserClass(TidalError):
    """The locustfile defines no user class that could run."""

    exit_code = 13
    meaning = "the locustfile has no user class"


class UnknownUserClass(TidalError):
    """A user class was asked for that the locustfile does not define."""

    exit_code = 14
    meaning = "no such user class in the locustfile"


class NoHost(TidalError):
    """An `HttpUser` has no host, neither its own nor one from the command line."""

    exit_code = 15
    meaning = "no host to send load to"


class NotShipped(TidalError):
    """A worker misses a module or data file that the locustfile needs."""

    exit_code = 16
    meaning = "a module or data file that the locustfile needs was not shipped"


class WorkerLoadError(TidalError):
    """The locustfile imports here but not on a worker."""

    exit_code = 17
    meaning = "the locustfile failed to import on a worker"


class TooLarge(TidalError):
    """The locustfile with what it needs is over the size that the log carries."""

    exit_code = 18
    meaning = "the files to ship are too large"


class NotSigned(TidalError):
    """A worker accepts signed files only, and these are not signed with its key."""

    exit_code = 19
    meaning = "a worker demands files that are signed with its key"


class RedisUnreachable(TidalError):
    """Nothing answers at the Redis URL."""

    exit_code = 20
    meaning = "Redis cannot be reached"


class RedisDenied(TidalError):
    """Redis refuses the password, the user or a command."""

    exit_code = 21
    meaning = "Redis refuses the password or the rights are too small"


class RedisTooOld(TidalError):
    """The server lacks what tidal needs (6.2)."""

    exit_code = 22
    meaning = "Redis is older than 6.2"


class PortTaken(TidalError):
    """A port that tidal was told to listen on is in use."""

    exit_code = 23
    meaning = "a port to listen on is taken"


class NoServer(TidalError):
    """No embedded server could be started."""

    exit_code = 24
    meaning = "no embedded Redis server could be started"


class RedisUnfit(TidalError):
    """The server answers but its settings would lose a run (`tidal doctor`)."""

    exit_code = 25
    meaning = "this Redis will not do (tidal doctor)"


class NoSuchRun(TidalError):
    """No run has this id; near ones are offered."""

    exit_code = 30
    meaning = "no such run"


class ArchiveDamaged(TidalError):
    """An archive cannot be read to its end."""

    exit_code = 31
    meaning = "the archive is damaged"


class NotAnArchive(TidalError):
    """The file is something else."""

    exit_code = 32
    meaning = "the file is not an archive of tidal"


class SchemaTooNew(TidalError):
    """Written by a newer major version of the schema."""

    exit_code = 33
    meaning = "the log or archive was written by a newer tidal"


class ReplayDiffers(TidalError):
    """An archive's entries do not fold to the state whose hash its master wrote down."""

    exit_code = 34
    meaning = "the archive does not replay to what was recorded (tidal replay --verify)"


class ReplayUnproven(TidalError):
    """An archive has no hash that this version of tidal could recompute."""

    exit_code = 35
    meaning = "the archive has no checkpoint that could be verified"


class NoWorkers(TidalError):
    """Too few workers within `--expect-workers-max-wait`."""

    exit_code = 40
    meaning = "too few workers came in time"


class FleetTooSmall(TidalError):
    """The workers cannot take the users that are wanted."""

    exit_code = 45
    meaning = "the workers cannot take so many users"


class WorkerRefusedError(TidalError):
    """The master refused this worker, by name and with the reason."""

    exit_code = 41
    meaning = "the master refused this worker"


class FleetBusy(TidalError):
    """The fleet serves another run."""

    exit_code = 42
    meaning = "the fleet is busy with another run"


class RunLapsed(TidalError):
    """The run ended by itself: no viewer, no master, or its processes died."""

    exit_code = 43
    meaning = "the run ended before its plan: it lapsed, its processes died, it was stopped before it began"


class Fenced(TidalError):
    """Another master holds the lease of the run; this one stops."""

    exit_code = 44
    meaning = "another master has taken over the run"


class TerminalUnfit(TidalError):
    """No terminal, or one smaller than 60x16."""

    exit_code = 50
    meaning = "no terminal, or too small a one"


class BadRecording(TidalError):
    """A recording (a HAR file, a curl command) is none, or has something in it that cannot be."""

    exit_code = 55
    meaning = "a recording cannot be read (tidal import)"


class Unwritable(TidalError):
    """Standard output, or a file, takes no more: its disk is full or gone."""

    exit_code = 56
    meaning = "what was to be printed or written cannot be: the disk is full"


def cannot_write(place: object, error: OSError) -> TidalError:
    """What to raise for a file that cannot be written: there is no room, or its name was not a good one."""
    kind = Unwritable if error.errno in NO_ROOM else UsageError
    return kind(f"cannot write {place}: {error.strerror}")


OTHER_EXIT_CODES: dict[int, str] = {
    0: "the run finished and nothing failed",
    1: "the run finished with failed requests or exceptions, or without a single answer",
    60: "the run's verdict is invalid: its figures may not be believed",
    61: "the run's verdict is suspect (--allow-suspect leaves the code as it was)",
    62: "a threshold was not met",
    63: "a threshold could not be judged, or runs not be compared: nothing was measured, or too little",
    64: "a run is worse than its baseline (tidal diff --fail-on regression)",
    130: "ended at once by a second Ctrl-C, or by one before the run was open",
}
"""Codes that are results, not errors."""


def exit_codes() -> dict[int, str]:
    """Every exit code of tidal with its meaning, in order."""
    codes = dict(OTHER_EXIT_CODES)
    todo: list[type[TidalError]] = [TidalError]
    while todo:
        error = todo.pop()
        codes[error.exit_code] = error.meaning
        todo += error.__subclasses__()
    return dict(sorted(codes.items()))
