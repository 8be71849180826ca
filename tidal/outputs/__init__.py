"""What people and programs keep of a run: functions from a frame to text. Pure; the same live and replayed.

text    the line of an interval, the tables at the end
json    the whole frame as canonical JSON
layout  columns, units and widths for text
"""
