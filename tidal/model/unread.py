"""Histograms of a keyframe that nobody has looked at: checked when they are read, put together when they are needed.

A state of an hour holds a thousand points of charts, and a picture looks at few of their histograms: the percentiles
of the others are known from the picture before, or belong to endpoints that nobody has opened.
"""

from __future__ import annotations

from typing import Any

from tidal.model.stats import Column, Histogram, checked_columns, put_together

Columns = tuple[int | Column, Column]
"""The columns of a histogram (`stats.bucket_column`)."""


class Unread:
    """A base of structs with a `histogram`; while that field is empty, it is that of the columns.

    C copies the fields of a struct without asking for them, so this asks for the histogram before.
    """

    __slots__ = ("_columns",)

    histogram: Histogram

    def put_off(self, place: object, counts: object, size: int) -> None:
        """Forget the histogram, and take it from these columns once it is asked for.

        ValueError at once, as of `stats.histogram_of`, when it cannot be one whose indexes are below `size`.
        """
        self._columns: Columns = checked_columns(place, counts, size)
        del self.histogram

    def __getattr__(self, name: str) -> Any:
        """What has a slot but no value yet; asked for the columns themselves, there are none."""
        if name != "histogram":
            raise AttributeError(name)
        histogram = put_together(*self._columns)
        self.histogram = histogram  # type: ignore[misc]  # a slot of whoever has this base
        del self._columns
        return histogram

    def __copy__(self) -> Any:
        return self._read().__copy__()

    def __reduce__(self) -> Any:
        return self._read().__reduce__()

    def _read(self) -> Any:
        """What a struct does by itself, now that it has all of its fields."""
        _ = self.histogram
        return super()
