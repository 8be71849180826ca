# A file that is not there.
# compat: -u 1 -t 1s
# compat file: {here}/_nowhere.py
# compat exit: 1
# compat says: _nowhere.py
# compat differs: csv nothing ran
