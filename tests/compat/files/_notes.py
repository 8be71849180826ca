"""What the files write down for the comparison: a line each, in one write, so that processes do not mix."""

import os


def note(*words):
    with open(os.environ["COMPAT_NOTES"], "a") as file:
        file.write(" ".join(map(str, words)) + "\n")
