# -f with a list of files.
# compat: -u 2 -r 10 -t 1s
# compat file: {here}/_several/first.py,{here}/_several/deeper/second.py
# compat exit: 0
