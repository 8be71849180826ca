# A file without user classes: its tests are the users.
# compat: -u 2 -r 10 -t 2s
# compat file: {here}/_pytest/style.py
# compat tolerance: 0.95 4
# compat exit: 1
# compat notes: set
