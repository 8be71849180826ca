"""The demo's locustfile, in a folder of its own: what lies beside a locustfile may be shipped with it."""

from pathlib import Path

SHOP = Path(__file__).with_name("shop.py")
"""The locustfile that `tidal demo` runs against `tidal.target`."""
