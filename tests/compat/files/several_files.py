# -f with a file and a folder, which is read to its depth but for what begins with _.
# compat: -u 2 -r 10 -t 2s
# compat file: {here}/_several/first.py,{here}/_several
# compat exit: 0
