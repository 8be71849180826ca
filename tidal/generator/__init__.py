"""The gevent side: a child process that imports the locustfile and runs its users.

`python -m tidal.generator` runs users for an agent; `python -m tidal.generator --hooks` serves a master. Both take
orders on stdin and answer on a pipe (`tidal.model.pipe`). Who reads what:

    __main__      patches the standard library before anything else is imported
    main          a child's life: orders in, parts told, answers out
    pipes         the two pipes and the lifeline
    clock         Redis time from the machine's own clock
    loadfile      the locustfiles imported, or why not; discovery: their classes and shapes, chosen and filtered;
                  needs: which files they take along; pytestfile: test functions as users
    scheduler     PURE: which users are to run now, and when that changes next
    population    the users' greenlets
    recorder      PURE: samples, user time and errors as batches
    http          requests: the client of HttpUser
    environment   what user code sees of the run; runners, nodes: its process's part of it; messages: custom ones
    local         users in a script's own process; dispatch: how many of which class; single: one user, for debuggers
    hookhost      the hooks that run beside a master
"""
