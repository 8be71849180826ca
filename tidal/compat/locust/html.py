"""Locust's `locust.html`: the report is made from a run's archive, by `--html` or `tidal report`."""

from typing import Any

from tidal.generator.runners import NotSupported


def get_html_report(environment: Any, show_download_link: bool = True, theme: str = "") -> str:  # noqa: ARG001, FBT001, FBT002 - Locust's signature
    """Refused: a report is made from the whole run, which no process of user code has."""
    raise NotSupported("locust.html.get_html_report() is not part of tidal: use --html, or `tidal report RUN --html`")


def process_html_filename(options: Any) -> None:
    """Fill in {u}, {r} and {t} in `options.html_file`; what was not given stays as it is."""
    for place, value in (("{u}", options.num_users), ("{r}", options.spawn_rate), ("{t}", options.run_time)):
        if value is not None:
            whole = isinstance(value, float) and value.is_integer()
            options.html_file = options.html_file.replace(place, str(int(value) if whole else value))
