"""Loading a locustfile: described, or refused with the reason in one line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tidal
from tidal.generator.loadfile import load
from tidal.generator.needs import needs
from tidal.model.events import RunOptions
from tidal.model.pipe import Load, Loaded, NotLoaded

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder to load from; what loading does to the process is undone."""
    modules, path, finders, cwd = set(sys.modules), sys.path[:], sys.meta_path[:], Path.cwd()
    yield tmp_path
    os.chdir(cwd)
    sys.path[:], sys.meta_path[:] = path, finders
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)) or name.partition(".")[0] == "locust":
            del sys.modules[name]


def loaded(folder: Path, text: str, side: str = "worker", classes: tuple[str, ...] = ()) -> Loaded | NotLoaded:
    """What loading a text answers."""
    (folder / "locustfile.py").write_text(text, encoding="utf-8")
    answer, _ = load(Load(str(folder), "locustfile.py", RunOptions(classes=classes), side=side))
    return answer


GOOD = """
from locust import HttpUser, User, task, TaskSet

class Base(User):
    abstract = True

class Pages(TaskSet):
    @task
    def page(self): pass

class Reader(HttpUser):
    weight = 2.5
    host = "http://a"
    tasks = {Pages: 3}
    @task
    def front(self): pass

class Admin(Base):
    fixed_count = 1
    @task
    def work(self): pass
"""


def test_classes_are_described(folder: Path) -> None:
    """Without the abstract ones, in the order of the file."""
    answer = loaded(folder, GOOD)
    assert isinstance(answer, Loaded)
    reader, admin = answer.classes
    assert (reader.name, reader.weight, reader.host, reader.needs_host) == ("Reader", 2.5, "http://a", True)
    assert reader.tasks == (("Pages", 0.75), ("front", 0.25))
    assert (admin.name, admin.fixed_count, admin.needs_host) == ("Admin", 1, False)


def test_submodules_are_there_without_an_import(folder: Path) -> None:
    """As in Locust, and they are tidal's own."""
    text = f"import locust\nassert locust.exception.StopUser and locust.runners.MasterRunner\n{GOOD}"
    assert isinstance(loaded(folder, text), Loaded)
    assert sys.modules["locust"].User is tidal.User


def test_the_chosen_classes_alone(folder: Path) -> None:
    """And an unknown one is refused with what there is."""
    chosen = loaded(folder, GOOD, classes=("Admin",))
    assert [c.name for c in chosen.classes] == ["Admin"]
    refused = loaded(folder, GOOD, classes=("Raeder",))
    assert (refused.error, refused.why) == (
        "UnknownUserClass",
        "locustfile.py: no user class 'Raeder'; there is Reader",
    )


@pytest.mark.parametrize(
    ("text", "error", "why"),
    [
        ("x = (1\ny = 2", "FileSyntaxError", "locustfile.py:1: '(' was never closed\n  x = (1\n      ^"),
        ("def f():\n    1/0\nf()", "FileImportError", "locustfile.py:2: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "FileImportError", "locustfile.py:1: SystemExit: 3"),
        ("x = 1", "NoUserClass", "locustfile.py: no class of HttpUser or User"),
        (
            "from locust import FasterHttpUser",
            "FileImportError",
            "locustfile.py:1: ImportError: tidal does not have locust.FasterHttpUser",
        ),
        (
            "from locust.event import Nothing",
            "FileImportError",
            "cannot import name 'Nothing' from 'locust.event'",
        ),
        ("import locust\nlocust.run_two_users()", "FileImportError", "tidal does not have locust.run_two_users"),
        ("import locust.contrib.nothing", "FileImportError", "tidal does not have locust.contrib"),
        ("from locust import Locust\nclass A(Locust): pass", "FileImportError", "has been renamed to User"),
        ("import nobody_has_this", "NotShipped", "locustfile.py:1: this worker has no module 'nobody_has_this'"),
        ("open('data/users.csv')", "NotShipped", "locustfile.py:1: this worker has no file 'data/users.csv'"),
        ("from tidal import User\nclass A(User):\n  weight = 'x'", "FileImportError", "A: weight and fixed_count"),
    ],
)
def test_what_will_not_do_is_said_in_a_line(folder: Path, text: str, error: str, why: str) -> None:
    """With the place, on the worker's side."""
    answer = loaded(folder, text)
    assert isinstance(answer, NotLoaded)
    assert answer.error == error
    assert why in answer.why


def test_a_missing_module_is_the_files_fault_where_it_was_written(folder: Path) -> None:
    """On the operator's machine nothing was shipped yet."""
    answer = loaded(folder, "import nobody_has_this", side="inspect")
    assert answer.error == "FileImportError"


def test_no_file(folder: Path) -> None:
    """Named in full."""
    answer, classes = load(Load(str(folder), "other.py", RunOptions()))
    assert (answer.error, classes) == ("NoSuchFile", {})
    assert str(folder / "other.py") in answer.why


def test_a_mistake_in_a_module_beside_it_is_placed_there(folder: Path) -> None:
    """The innermost line of the user's own files."""
    (folder / "helper.py").write_text("import json\njson.loads('{')\n")
    answer = loaded(folder, "import helper")
    assert answer.why.startswith("helper.py:2: JSONDecodeError")
    assert "loadfile.py" not in answer.traceback


def test_a_file_may_have_the_name_of_a_module(folder: Path) -> None:
    """`json.py` does not become the json of everybody."""
    (folder / "json.py").write_text(GOOD, encoding="utf-8")
    import json  # noqa: PLC0415 - the module as it was before

    answer, _ = load(Load(str(folder), "json.py", RunOptions()))
    assert isinstance(answer, Loaded)
    assert sys.modules["json"] is json
    sys.modules.pop("locustfile")


def test_what_a_file_takes_along(tmp_path: Path) -> None:
    """Imports inside functions, packages, relative imports and files in named folders; nothing hidden or installed."""
    files = {
        "locustfile.py": "def later():\n  from package.inner import x\n  open('../outside')\nDATA = 'users.csv'\n",
        "package/__init__.py": "from . import sibling",
        "package/inner.py": "from .sibling import path\nx = 'beside.txt'",
        "package/sibling.py": "import os\npath = os.path.join('data', 'rows.json')",
        "package/beside.txt": "",
        "data/rows.json": "",
        "users.csv": "",
        "unused.csv": "",
        ".env": "",
        "venv/lib/site-packages/thing.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    opened = {".env", "/etc/hostname", "venv/lib/site-packages/thing.py", str(tmp_path / "unused.csv")}
    root = tmp_path.resolve()
    assert needs(root, [root / "locustfile.py"], opened) == (
        "data/rows.json",
        "package/__init__.py",
        "package/beside.txt",
        "package/inner.py",
        "package/sibling.py",
        "unused.csv",
        "users.csv",
    )
