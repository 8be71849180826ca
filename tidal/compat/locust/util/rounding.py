"""Locust's `locust.util.rounding`."""


def proper_round(val: float, digits: int = 0) -> float:
    """Round half up, where Python rounds half to even: 0.5 is 1."""
    value = float(val)
    return round(value + 10.0 ** (-len(str(value)) - 1), digits)
