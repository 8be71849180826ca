"""geventhttpclient's `header`."""

from tidal.generator.fast_headers import Headers

__all__ = ["Headers"]
