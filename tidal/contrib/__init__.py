"""Users of more than HTTP: each module needs a package of its own, which an extra of tidal brings.

`pip install 'tidal[dns,mqtt,postgres,socketio]'`. Under Locust's names they are `locust.contrib.…`.
"""


def missing(module: str, package: str, extra: str, error: ImportError) -> ImportError:
    """What to raise when a module's package is not there: one line that says how to get it."""
    why = "is not installed" if isinstance(error, ModuleNotFoundError) else f"does not work here ({error})"
    return ImportError(f"{module} needs {package}, which {why}: pip install 'tidal[{extra}]'", name=error.name)
