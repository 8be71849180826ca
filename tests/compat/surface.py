"""What a file can reach under Locust's names, asked of the real Locust or of tidal: a script that prints JSON.

    python surface.py locust > names.json
    python surface.py tidal < names.json

The first one lists what is there: the public names of modules, of classes, and of the objects that a file meets, with
what each is or is called with. The second looks up the same names; what it lacks is null.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import sys
from types import ModuleType
from typing import Any

PLAIN = (int, float, str, bytes, bool, type(None))
TYPING = {"TYPE_CHECKING", "annotations"}


def parameters(function: Any) -> list[list[str]] | None:
    """Name, kind and default of each, those of an object without `self`; None where Python cannot tell."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    return [[one.name, one.kind.name, shown(one.default)] for one in found]


def shown(value: Any) -> str:
    """A value as it can be compared between processes."""
    if value is inspect.Parameter.empty:
        return "(to be given)"
    if isinstance(value, PLAIN) or (type(value) in (list, tuple, dict) and not value):
        return repr(value)
    return "something"


def names_of(thing: Any) -> list[str]:
    """The public ones; of a module, those that are Locust's own."""
    names = [name for name in dir(thing) if not name.startswith("_") and name not in TYPING]
    return [name for name in names if is_own(getattr(thing, name))] if isinstance(thing, ModuleType) else names


def is_own(value: Any) -> bool:
    """Whether a module's name is more than an import from elsewhere."""
    home = getattr(value, "__module__", None)
    return not isinstance(value, ModuleType) and (not isinstance(home, str) or home.startswith("locust"))


def told(value: Any, asked: Any, depth: int) -> dict[str, Any]:
    """What a value is: how it is called, what it has, or how it looks."""
    if inspect.isclass(value):
        return {"call": parameters(value), "has": members(value, asked, depth - 1) if depth else {}}
    if callable(value):
        return {"call": parameters(value)}
    return {"is": shown(value), "type": type(value).__name__}


def members(thing: Any, asked: Any, depth: int) -> dict[str, Any]:
    """What it has: all of it, or of what is asked for; what is declared only is there for objects."""
    found: dict[str, Any] = {}
    declared = {name for kind in getattr(thing, "__mro__", ()) for name in getattr(kind, "__annotations__", ())}
    for name in names_of(thing) if asked is None else asked:
        below = None if asked is None else ((asked[name] or {}).get("has") or {})
        try:
            value = getattr(thing, name)
        except Exception:  # noqa: BLE001 - a property: what raises with Locust is nothing to compare
            if asked is not None:
                found[name] = {"declared": True} if name in declared else None
        else:
            found[name] = told(value, below, depth)
    return found


def module_names() -> list[str]:
    """All of Locust's."""
    import locust  # noqa: PLC0415 - whose it is was decided just before

    walked = pkgutil.walk_packages(locust.__path__, "locust.", onerror=lambda _: None)
    return ["locust", *(found.name for found in walked if not found.name.endswith("__main__"))]


def modules(asked: Any) -> dict[str, Any]:
    """Every module with its names; one that cannot be imported is null."""
    found: dict[str, Any] = {}
    for name in module_names() if asked is None else asked:
        try:
            module = importlib.import_module(name)
        except Exception:  # noqa: BLE001 - what it needs may be missing: then there is nothing to compare
            if asked is not None:
                found[name] = None
        else:
            found[name] = members(module, None if asked is None else asked[name], 2)
    return found


def objects() -> dict[str, Any]:
    """What a file meets while it runs, by the name of what it does with it."""
    import locust  # noqa: PLC0415 - as above
    from gevent.pywsgi import WSGIServer  # noqa: PLC0415 - after the patch
    from locust import argument_parser, env, rpc, runners, stats  # noqa: PLC0415 - as above
    from locust.contrib import fasthttp  # noqa: PLC0415 - as above

    def answer(_: Any, start: Any) -> list[bytes]:
        start("200 OK", [("Content-Type", "application/json")])
        return [b"{}"]

    server = WSGIServer(("127.0.0.1", 0), answer, log=None)
    server.start()
    url = f"http://127.0.0.1:{server.server_port}"
    tasks = [type("Tasks", (locust.TaskSet,), {"tasks": [print]})]
    slow, fast = (
        type(kind.__name__, (kind,), {"host": url, "tasks": tasks}) for kind in (locust.HttpUser, fasthttp.FastHttpUser)
    )
    environment = env.Environment(user_classes=[slow, fast], events=locust.events)
    runner = environment.create_local_runner()
    user, quick = slow(environment), fast(environment)
    found = {
        "environment": environment,
        "runner": runner,
        "events": locust.events,
        "an event": locust.events.request,
        "shape": type("Shape", (locust.LoadTestShape,), {"tick": lambda _: None})(),
        "options": argument_parser.get_parser(default_config_files=[]).parse_args([]),
        "message": rpc.Message("kind", {}, "node"),
        "worker": runners.WorkerNode("w"),
        "statistics": environment.stats,
        "a failure": stats.StatsError("GET", "/", ValueError("no")),
        "TaskSet": tasks[0](user),
    }
    for kind, client in (("HttpUser", user.client), ("FastHttpUser", quick.client)):
        found[f"{kind}'s client"] = client
        found[f"{kind}'s response"] = response = client.get("/")
        found[f"{kind}'s response without an answer"] = client.get("http://127.0.0.1:1/")
        found[f"{kind}'s request"] = response.request
        with client.get("/", catch_response=True) as response:
            found[f"{kind}'s caught response"] = response
    return {**found, "HttpUser": user, "FastHttpUser": quick, "an endpoint": environment.stats.get("/", "GET")}


def flags() -> dict[str, Any]:
    """Every flag of the command line, with its variable, its name among the options, and how many words it takes."""
    from locust import argument_parser  # noqa: PLC0415 - as above

    found = {}
    for action in argument_parser.get_parser(default_config_files=[])._actions:
        name = "/".join(action.option_strings) or action.dest
        told = (action.dest, getattr(action, "env_var", None), action.nargs, action.choices, shown(action.default))
        found[name] = {"is": " ".join(map(str, told)), "type": "str"}
    return found


def main() -> None:
    """Ask whom the command line names."""
    asked = None
    if sys.argv[1] == "tidal":
        asked = json.load(sys.stdin)
        import tidal.compat  # noqa: PLC0415 - or the real one

        tidal.compat.install()
    importlib.import_module("locust")  # patches this process before anything else
    known = flags()  # before plugins add their own
    met = {name: members(thing, asked and asked["objects"][name], 0) for name, thing in objects().items()}
    print(json.dumps({"flags": known, "objects": met, "modules": modules(asked and asked["modules"])}), flush=True)
    os._exit(0)  # nobody waits for greenlets


if __name__ == "__main__":
    main()
