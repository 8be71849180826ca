"""Locustfiles made from what was recorded: a HAR file, curl commands. Pure: text in, text out.

har, curl    the recording, checked, as exchanges: hostile input is bounded, and refused with the place
exchange     a request and its answer
choose       which exchanges are replayed: hosts, static assets, redirects
steps        what was done at one go, the pauses between, names that leave ids out
secrets      what must not be written down becomes a variable of the environment
links        values that an answer gave to a later request
literal      Python literals of any value, laid out as ruff leaves them
draft        the file
first        the file that `tidal new` writes
"""
