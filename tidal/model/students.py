"""Student's t: the chance of a larger value, and the value of a chance. By the incomplete beta function."""

from __future__ import annotations

from math import exp, lgamma, log, log1p, pi, sqrt

_TINY, _STEPS, _CLOSE = 1e-300, 300, 1e-12
_FAR = 2.0**30
"""Where the search for a t ends: with hardly a degree of freedom there is none that anybody would write down."""


def two_sided(t: float, freedom: float) -> float:
    """The chance that |T| is larger than |t|."""
    if freedom <= 0:
        return 1.0
    whole = freedom + t * t
    return _incomplete_beta(freedom / 2, 0.5, freedom / whole, t * t / whole)


def critical(chance: float, freedom: float) -> float:
    """The t beyond which, on either side, `chance` lies: 2.23 for 0.05 and 10. Newton's way: the chance is convex."""
    t = 0.0
    for _ in range(_STEPS if freedom > 0 else 0):
        step = (two_sided(t, freedom) - chance) / (2 * _density(t, freedom))
        t += step
        if t >= _FAR or step <= t * _CLOSE:
            return min(t, _FAR)
    return _FAR


def _density(t: float, freedom: float) -> float:
    half = (freedom + 1) / 2
    return exp(lgamma(half) - lgamma(freedom / 2) - half * log1p(t * t / freedom)) / sqrt(freedom * pi)


def welch(variances: tuple[float, float], freedoms: tuple[float, float]) -> float:
    """The degrees of freedom of a difference of two means (Welch, Satterthwaite)."""
    total = sum(variances)
    parts = sum(v * v / f for v, f in zip(variances, freedoms, strict=True))
    return total * total / parts if parts > 0 else sum(freedoms)


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """I_x(a, b) by its continued fraction (Lentz), where that is quick; `rest` is 1 - x, to its last digit."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(b, a, rest, x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(rest)) / a
    c, d = 1.0, 1.0 / _away(1 - (a + b) * x / (a + 1))
    whole = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d, c = 1.0 / _away(1 + term * d), _away(1 + term / c)
            whole *= d * c
        if abs(d * c - 1) < _CLOSE:
            break
    return front * whole


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def root(value: float) -> float:
    """The square root of what may be a hair below 0."""
    return sqrt(max(0.0, value))
