"""Which row of a feed a user gets: functions of the class, the number and the turn, the same on every machine. PURE.

A user's own place among all users of the classes that share a feed is number * classes + place of its class, so that
no two users of a run have the same one, and nobody has to be asked.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from math import gcd

GOLDEN = 0.6180339887498949


def own_place(number: int, which: int, classes: int) -> int:
    """The user's place among all users of `classes` user classes, of which its own is number `which`."""
    return number * classes + which


@cache
def stride(size: int) -> int:
    """By how many rows a user moves on: prime to the size, so that all rows come before one comes again.

    It is as near as can be to the golden section of the size. Then users that are a few turns apart are far apart in
    the file: those with neighbouring places do not run into each other's rows, as they would one row at a time.
    """
    wish = round(size * GOLDEN)
    near = (wish + sign * by for by in range(size) for sign in (1, -1))
    return next((n for n in near if 0 < n < size and gcd(n, size) == 1), 1)


def row_in_turn(place: int, turn: int, size: int) -> int:
    """The row of a user's turn (from 0): its own first, then on by the stride, around the end."""
    return (place + turn * stride(size)) % size


def row_drawn(seed: str, name: str, number: int, turn: int, size: int) -> int:
    """A row by chance that is the same whenever seed, class, number and turn are."""
    drawn = blake2b(f"{seed}\0{name}\0{number}\0{turn}".encode("utf-8", "backslashreplace"), digest_size=8)
    return int.from_bytes(drawn.digest(), "big") % size
