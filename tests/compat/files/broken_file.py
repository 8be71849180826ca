# A file that does not import.
# compat: -u 1 -t 1s
# compat file: {here}/_broken.py
# compat exit: 1
# compat says: ZeroDivisionError
# compat differs: csv nothing ran
