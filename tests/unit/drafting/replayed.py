"""A drafted file executed against stand-ins of what it imports: the requests it makes, and of what it is made."""

from __future__ import annotations

import ast
import builtins
import contextlib
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

VERBS = {"get", "options", "head", "post", "put", "patch", "delete", "request"}
NAMES = {
    *("os", "random", "self", "response", "HttpUser", "SequentialTaskSet", "Recording", "between", "task", "int"),
    "float",
}
ATTRIBUTES = VERBS | {
    "client",
    "headers",
    "update",
    "environ",
    "pause_s",
    "uniform",
    "status_code",
    "success",
    "encode",
}


class Client:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, method: str, url: str, **more: Any) -> Any:
        """Note a request."""
        self.asked.append((method, url, more))
        return contextlib.nullcontext(types.SimpleNamespace(status_code=0, success=lambda: None))

    def __getattr__(self, verb: str) -> Any:
        return lambda url, **more: self.request(verb.upper(), url, **more)


class Base:
    """Of users and of sets of tasks."""

    host = ""


def _locust() -> types.ModuleType:
    module = types.ModuleType("locust")
    module.__dict__.update(HttpUser=Base, SequentialTaskSet=Base, task=lambda f: f, between=lambda *_: None)
    return module


def replayed(code: str) -> tuple[str, Client, dict[str, Any]]:
    """Run the file's steps in order: the host, what was asked, and the file's names."""
    locust = _locust()

    def imported(name: str, *more: Any) -> Any:
        return locust if name == "locust" else builtins.__import__(name, *more)

    names: dict[str, Any] = {"__builtins__": {**vars(builtins), "__import__": imported}, "__name__": "draft"}
    exec(compile(code, "draft.py", "exec"), names)  # noqa: S102 - what it is made of was looked at before
    owner = names.get("Recording") or names["Visitor"]
    made = owner()
    made.client = Client()
    for name, step in vars(owner).items():
        if callable(step) and name != "wait_time":
            step(made)
    return names["Visitor"].host, made.client, names


def foreign(code: str) -> Iterator[str]:
    """Whatever is in the file's code that a draft never has."""
    constants: set[str] = set()
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node in tree.body:
            constants.add(node.targets[0].id)
    own = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)} | {"host", "tasks", "pause_s", "wait_time"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in NAMES | constants | own:
            yield f"name {node.id}"
        elif isinstance(node, ast.Attribute) and node.attr not in ATTRIBUTES:
            yield f"attribute {node.attr}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ({ast.unparse(node).split(" import ")[0]} - {"import os", "import random", "from locust"})
        elif isinstance(
            node, ast.Lambda | ast.Await | ast.Yield | ast.Global | ast.Delete | ast.Try | ast.For | ast.While
        ):
            yield type(node).__name__
    yield from (f"variable {name}" for name in constants if not name.isupper())
