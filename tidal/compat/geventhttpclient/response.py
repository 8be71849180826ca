"""geventhttpclient's `response`."""

from tidal.generator.fast_parse import HTTPConnectionClosed, HTTPParseError

__all__ = ["HTTPConnectionClosed", "HTTPParseError"]
