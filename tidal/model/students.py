"""Student's t: the chance of a larger value, and the value of a chance. By the incomplete beta function."""

from __future__ import annotations

from math import exp, lgamma, log, sqrt

_TINY, _STEPS, _CLOSE = 1e-300, 300, 1e-12


def two_sided(t: float, freedom: float) -> float:
    """The chance that |T| is larger than |t|."""
    if freedom <= 0:
        return 1.0
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def critical(chance: float, freedom: float) -> float:
    """The t beyond which, on either side, `chance` lies: 2.23 for 0.05 and 10."""
    low, high = 0.0, 1.0
    while two_sided(high, freedom) > chance and high < 1e9:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided(middle, freedom) > chance else (low, middle)
    return high


def welch(variances: tuple[float, float], freedoms: tuple[float, float]) -> float:
    """The degrees of freedom of a difference of two means (Welch, Satterthwaite)."""
    total = sum(variances)
    parts = sum(v * v / f for v, f in zip(variances, freedoms, strict=True))
    return total * total / parts if parts > 0 else sum(freedoms)


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b) by its continued fraction (Lentz), on the side where that is quick."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
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
