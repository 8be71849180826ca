"""Locust's `locust.util.deprecation`: classes that were renamed long ago, and say so when they are subclassed."""

from typing import Any

_CHANGELOG = "For more info see: https://docs.locust.io/en/latest/changelog.html#changelog-1-0"


def _renamed(old: str, new: str) -> Any:
    """A class that cannot be subclassed."""

    def refuse(_cls: Any, /, **_: Any) -> None:
        raise ImportError(f"The {old} class has been renamed to {new} in version 1.0. {_CHANGELOG}")

    return type(old, (), {"__init_subclass__": classmethod(refuse), "__doc__": f"Now {new}."})


DeprecatedLocustClass = _renamed("Locust", "User")
DeprecatedHttpLocustClass = _renamed("HttpLocust", "HttpUser")
DeprecatedFastHttpLocustClass = _renamed("FastHttpLocust", "FastHttpUser")
