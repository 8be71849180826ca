import os
import time


def note(*words):
    with open(os.environ["COMPAT_NOTES"], "a") as file:
        file.write(" ".join(words) + "\n")


def test_regular(session):
    session.get("/echo", name="regular")
    answer = session.get("/status/404", name="missing")
    note("regular", type(session).__name__)
    time.sleep(0.1)
    answer.raise_for_status()
    note("never here")


def test_fast(fastsession):
    with fastsession.get("/echo", catch_response=True, name="fast") as answer:
        if answer.json()["method"] != "PUT":
            answer.failure("no PUT")
    note("fast", type(fastsession).__name__)
    time.sleep(0.1)


def helper():
    note("never called")
