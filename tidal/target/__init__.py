"""A small shop to send load to: `python -m tidal.target`. For demos, tests and first steps, never for the internet.

    __main__   the process: a port, a lifeline, the end
    server     HTTP/1.1 over asyncio, one small state machine a connection
    pages      what each path of the shop answers, how fast and how reliably: pure
    lab        pages for trying a client out: echo, redirects, cookies, an answer in N that fails: pure
    counts     what was served, for whoever wants to check a load tester's sums: /__counts, /__arrivals, /__reset
    shop.py    the locustfile that loads it: the demo's, and the example of the docs

Only the standard library is needed.
"""
