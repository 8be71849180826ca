"""Histograms of a keyframe that nobody has looked at: checked when they are read, put together when they are needed.

A state of an hour holds a thousand points of charts, and a picture looks at few of their histograms: the percentiles
of the others are known from the picture before, or belong to endpoints that nobody has opened.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from tidal.model.stats import Histogram, bucket_numbers, check_columns

Columns = tuple[bytes | list[int], bytes | list[int]]
"""The deltas of a histogram's indexes, and its counts (`stats.bucket_column`)."""


class Unread:
    """A base of dataclasses with slots and a `histogram`; while that slot is empty, it is that of the columns."""

    __slots__ = ("_columns",)

    histogram: Histogram

    def put_off(self, deltas: object, counts: object, size: int) -> None:
        """Forget the histogram, and take it from these columns once it is asked for.

        ValueError at once, as of `stats.histogram_of`, when it cannot be one whose indexes are below `size`.
        """
        columns = bucket_numbers(deltas), bucket_numbers(counts)
        check_columns(*columns, size)
        self._columns: Columns = columns
        del self.histogram

    def __getattr__(self, name: str) -> Any:
        """What has a slot but no value yet; asked for the columns themselves, there are none."""
        if name != "histogram":
            raise AttributeError(name)
        deltas, counts = self._columns
        histogram = dict(zip(accumulate(deltas), counts))  # noqa: B905 - checked to be of one length
        self.histogram = histogram  # type: ignore[misc]  # a slot of whoever has this base
        del self._columns
        return histogram
