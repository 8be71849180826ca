"""The words of Locust's command line: every flag with its variable, type and default, and who reads them.

    parser   LocustArgumentParser: what `init_command_line_parser` hands to a locustfile
    flags    Locust's own flags, in its groups
    kinds    how values are read
    config   config files

Shared by the command line (`tidal locust`) and the processes that import a locustfile, for both must understand the
same words: the file's own arguments stand between Locust's.
"""

LOCUST_VERSION = "2.47.0"
"""The version of Locust whose words these are."""

ONLY_DESCRIBE = ("?",)
"""Instead of words: what arguments does the file have? Nothing is required then."""
