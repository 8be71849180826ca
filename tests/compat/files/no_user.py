# A file without users.
# compat: -u 1 -t 1s
# compat file: {here}/_no_user.py
# compat exit: 1
# compat says: No User class found!
# compat differs: csv nothing ran
