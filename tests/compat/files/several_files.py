# -f with a folder, with a list.
# compat: -u 2 -r 10 -t 1s
# compat file: {here}/_several
# compat exit: 0
