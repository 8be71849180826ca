"""Locust's `locust.util.date`."""

from datetime import UTC, datetime


def format_utc_timestamp(unix_timestamp: float) -> str:
    """A moment as ISO text in UTC, to the second."""
    return datetime.fromtimestamp(int(unix_timestamp), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_safe_timestamp(unix_timestamp: float) -> str:
    """A moment in local time, fit for the name of a file."""
    return datetime.fromtimestamp(int(unix_timestamp)).astimezone().strftime("%Y-%m-%d-%Hh%M")


def format_duration(start_time: float, end_time: float) -> str:
    """The time between two moments in words: 1 hour, 2 minutes and 3 seconds."""
    rest = int(end_time - start_time)
    parts = []
    for seconds, word in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        count, rest = divmod(rest, seconds)
        if count > 0:
            parts.append(f"{count} {word}{'' if count == 1 else 's'}")
    if not parts:
        return "0 seconds"
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
