"""The demo's locustfile, in a folder of its own: what lies beside a locustfile may be shipped with it."""

from pathlib import Path

SHOP = Path(__file__).with_name("shop.py")
"""The locustfile that `tidal demo` runs against `tidal.target`."""
RECORDED = Path(__file__).with_name("incident.tidal")
"""A run that went wrong, recorded: `tidal demo --incident` shows it, every other command knows it as `incident`."""
