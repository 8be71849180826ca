"""Locust's `locust.web`, as far as headless files name it: `environment.web_ui` is None."""

from typing import Any

from tidal.generator.environment import NotSupported

__all__ = ["HOST_IS_REQUIRED", "WebUI"]

HOST_IS_REQUIRED = False


class WebUI:
    """Locust's web interface; making one says that tidal has none."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise NotSupported("locust.web.WebUI: tidal has no web interface; `tidal tui` shows and steers a run")
