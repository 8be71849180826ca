# A file without users.
# compat: -u 1 -t 1s
# compat file: {here}/_pytest/no_user.py
# compat exit: 1
# compat differs: csv nothing ran
