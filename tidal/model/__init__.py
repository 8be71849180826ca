"""The pure core: no I/O, no clock, no randomness, no thread. Time is handed in."""
