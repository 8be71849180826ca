"""The command line: one module a subcommand, each with `arguments(parser)` and `run(args) -> exit code`.

A subcommand's module imports argparse and the shared flags; what is heavy (gevent, Textual, redis) it imports inside
`run`, so that `tidal --help` answers at once. Shared: `parser` (words), `flags` (flag groups and spans),
`request` (flags to a launch), `find` (which run is meant), `console` (a run without a screen).
"""

SUBCOMMANDS = {
    # a test file
    "new": "write a first locustfile",
    "check": "try a locustfile out: what it has, then each task once, with every request shown",
    "plan": "show a plan as a curve, and start nothing",
    # a run and its terminal
    "tui": "start a load test and watch it in this terminal",
    "run": "start a load test without a screen: a line per interval, tables at the end, an exit code",
    "locust": "take a command line of Locust as it is: its flags, variables, config files, tables and exit codes",
    "limit": "search for the highest load that still meets thresholds",
    "demo": "a load test of a small shop that comes along: nothing to install, nothing to write",
    # a run that is there already
    "attach": "watch and steer a run from any terminal that reaches its Redis",
    "watch": "watch a run without being able to change it",
    "set": "change the users or the arrivals of a run, or go to another stage of its plan",
    "pause": "have a run stand still",
    "resume": "have a paused run go on",
    "drain": "let a worker of a run go: its users move to the others first",
    "stop": "stop a run",
    "runs": "list the runs that this machine and this Redis know; look for some, note, tag, pin, prune",
    "replay": "rewind a run: the same screen at any moment of it",
    "log": "print the log of a run, one line an entry, picked by time and by what entries carry",
    "explain": "say in words what changed when in a run, and by what evidence",
    "diff": "compare runs with a baseline, phase by phase, with the noise said",
    "rerun": "run a recorded run again: its plan, or what was really done",
    "export": "write a run into one file to pass on, without hosts, headers or files when wished",
    "import": "take a run in from an archive file, or make a locustfile of a HAR file or curl commands",
    "report": "make a report of a run: one HTML file, Markdown for a ticket, JSON for programs",
    "judge": "judge a recorded run by thresholds: whether it kept to them, and when it would have tripped",
    # a fleet
    "worker": "lend this machine's cores to a fleet",
    "master": "lead a run over a fleet, or take a run over from a master that died",
    # the house
    "acl": "print the least rights that a worker, master, watcher or operator needs in Redis",
    "doctor": "say whether a Redis will do, and what to change",
    "completion": "print what bash, zsh or fish needs to complete subcommands, flags and runs",
    "info": "show versions, folders and the server that comes along",
}
"""Every subcommand with what it is for; `tidal.cli.NAME` is its module."""
