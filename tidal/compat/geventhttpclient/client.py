"""geventhttpclient's `client`."""

from tidal.generator.fast_pool import HTTPClientPool

__all__ = ["HTTPClientPool"]
