"""The files are for Locust and tidal, not for pytest, though some are written in its style."""

collect_ignore = ["files"]
