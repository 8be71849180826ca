"""Locust's `locust.util.url`."""

from urllib.parse import urlparse


def is_url(url: str) -> bool:
    """Whether a text is the URL of something on the web."""
    try:
        parts = urlparse(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
