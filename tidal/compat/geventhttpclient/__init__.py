"""What locustfiles import of geventhttpclient, which comes with Locust but not with tidal; used where it is missing."""

from tidal.generator.fast_errors import ConnectionError  # noqa: A004 - its name there
from tidal.generator.fast_headers import Headers
from tidal.generator.fast_pool import HTTPClientPool

__all__ = ["ConnectionError", "HTTPClientPool", "Headers"]
