"""The gevent side: a child process that imports the locustfile and runs its users.

`python -m tidal.generator` runs users for an agent; `python -m tidal.generator --hooks` serves a master. Both take
orders on stdin and answer on a pipe (`tidal.model.pipe`). Where what is:

    a child's life           __main__, patching, child, home, pipes, main, clock, logtap, collector, nursery
    the locustfile           loadfile, discovery, needs, arguments, advice, plugins, pytestfile, pytest_plugin
    who runs when            scheduler (users), timetable (arrivals): both PURE; population, visitors: their greenlets;
                             sleepers, waiting, tickets, feeds, lateness
    what is counted          recorder, stages, scopes, measures, failed, stamps
    the client of HttpUser   http, http_swift, http_wire, http_response, http_pool, http_open, http_cookies, http_verbs
    of FastHttpUser          fasthttp, fast_agent, fast_pool, fast_client, fast_stream, fast_parse, fast_response,
                             fast_body, fast_headers, fast_cookies, fast_url, fast_errors
    of both                  caught, jars
    what user code sees      environment, runners, ports, nodes, messages, otel,
                             stats_view, stats_entry, stats_error, stats_settings, sums, totals
    beside a master          hookhost
    in a process of its own  local, dispatch, single: a script's or a debugger's; check, trial, tracing, outline:
                             `tidal check`; ratio, ratios: shares of tasks
"""
