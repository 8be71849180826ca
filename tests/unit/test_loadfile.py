"""Loading a locustfile: described, or refused with the reason in one line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    tidal.events.__init__()


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

ONE_USER = "from tidal import User, TaskSet, task\nclass A(User):\n"
ONE_TASK = f"{ONE_USER}  @task\n  def t(self): pass\n"
ASYNC_SET = "from tidal import User, TaskSet, task\nclass S(TaskSet):\n  @task\n  async def t(self): pass\n"


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
        (f"{ONE_USER}  tasks = [5]", "FileImportError", "A.tasks has 5 in it, neither a function nor a TaskSet"),
        (
            f"{ONE_USER}  @task\n  async def t(self): pass",
            "FileImportError",
            "A.t is `async`, so a user would never do it",
        ),
        (f"{ASYNC_SET}class A(User):\n  tasks = [S]", "FileImportError", "S.t is `async`, so a user would never do it"),
        (f"{ONE_TASK}  host = 5", "FileImportError", "A.host is 5, and has to be a URL"),
        (f"{ONE_TASK}  wait_time = 2", "FileImportError", "A.wait_time is 2, and has to be a function: constant(2)?"),
        ("\0", "FileSyntaxError", "locustfile.py: source code string cannot contain null bytes"),
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


# ------------------------------------------------------------------ several files, choices and filters

SHOP = """
from locust import User, TaskSet, task, tag

class Pages(TaskSet):
    @tag("slow")
    @task
    def report(self): pass
    @task(3)
    def page(self): pass

class Buyer(User):
    tasks = [Pages]
    @tag("fast")
    @task
    def buy(self): pass

class Looker(User):
    @task
    def look(self): pass
"""


def of_options(folder: Path, text: str, **options: Any) -> Loaded | NotLoaded:
    """What loading a text with these options answers."""
    (folder / "locustfile.py").write_text(text, encoding="utf-8")
    return load(Load(str(folder), "locustfile.py", RunOptions(**options)))[0]


def tasks(answer: Loaded | NotLoaded) -> dict[str, list[str]]:
    """The tasks of each class."""
    assert isinstance(answer, Loaded), answer
    return {cls.name: [name for name, _ in cls.tasks] for cls in answer.classes}


def test_errors_in_rest_blocks_name_lines_from_the_root(folder: Path) -> None:
    """Every worker has the files in another folder, and the same failure is one row."""
    (folder / "locustfile.py").write_text(REST_BUG, encoding="utf-8")
    answer, classes = load(Load(str(folder), "locustfile.py", RunOptions()))
    assert isinstance(answer, Loaded), answer
    assert classes["Asker"].look() == "KeyError: 'more' at locustfile.py:9 in look. Response was {}"  # type: ignore[attr-defined]


REST_BUG = """
from types import SimpleNamespace
from tidal import HttpUser, task
from tidal.rest import _error_text
class Asker(HttpUser):
    @task
    def look(self=None):
        try:
            {}["more"]
        except KeyError as error:
            return _error_text(error, SimpleNamespace(text="{}"))
"""


def test_tags_leave_what_they_want(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A class without a task left is not run, which is said; nested sets are filtered too."""
    assert tasks(of_options(folder, SHOP, tags=("fast",))) == {"Buyer": ["buy"]}
    assert "Looker is left out of the run" in caplog.text


def test_excluded_tags_take_away(folder: Path) -> None:
    """Whatever has no tag stays."""
    assert tasks(of_options(folder, SHOP, exclude_tags=("fast",))) == {"Buyer": ["Pages"], "Looker": ["look"]}
    pages = sys.modules["locustfile"].Pages
    assert [task.__name__ for task in pages.tasks] == ["report", "page", "page", "page"]


def test_tags_that_leave_nothing_are_refused(folder: Path) -> None:
    """In a line that says which."""
    answer = of_options(folder, SHOP, tags=("nothing",), exclude_tags=("fast",))
    assert isinstance(answer, NotLoaded)
    assert answer.why == "locustfile.py: no task is left by --tags nothing and --exclude-tags fast"


def test_settings_of_classes(folder: Path) -> None:
    """Attributes, and tasks by name; before classes are chosen and dropped for their weight."""
    settings = (("Buyer", '{"weight": 2, "host": "http://b", "tasks": ["buy"]}'), ("Looker", '{"weight": 0}'))
    answer = of_options(folder, SHOP, class_settings=settings)
    assert tasks(answer) == {"Buyer": ["buy"]}
    assert (answer.classes[0].weight, answer.classes[0].host) == (2, "http://b")
    unknown = of_options(folder, SHOP.replace("Buyer", "Payer"), class_settings=(("Buyer", "{}"),))
    assert isinstance(unknown, NotLoaded)
    assert unknown.error == "UnknownUserClass"


def test_equal_weights_are_a_setting_of_all(folder: Path) -> None:
    """Every class and every task once, sets dissolved."""
    answer = of_options(folder, SHOP + "    weight = 9\n", class_settings=(("", '{"equal_weights": true}'),))
    assert {name: sorted(found) for name, found in tasks(answer).items()} == {
        "Buyer": ["buy", "page", "report"],
        "Looker": ["look"],
    }
    assert [cls.weight for cls in answer.classes] == [1, 1]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("pass", "A has no tasks: mark its methods with @task"),
        ("task_set = 1", "did you mean `tasks` where it says `task_set`?"),
        ("weight = 0\n  tasks = [print]", "there are no users with weight > 0: A"),
    ],
)
def test_a_class_that_could_only_fail_is_refused(folder: Path, body: str, why: str) -> None:
    """When it is loaded."""
    answer = of_options(folder, f"from locust import User\nclass A(User):\n  {body}")
    assert isinstance(answer, NotLoaded)
    assert answer.error == "NoUserClass"
    assert why in answer.why


def test_tasks_may_come_late(folder: Path) -> None:
    """From the class's own code."""
    text = "from locust import User\nclass A(User):\n  def on_start(self): self.tasks = [print]"
    assert tasks(of_options(folder, text)) == {"A": []}


def test_fixed_users_run_without_a_weight(folder: Path) -> None:
    """As in Locust."""
    text = "from locust import User\nclass A(User):\n  weight = 0\n  fixed_count = 2\n  tasks = [print]"
    answer = of_options(folder, text)
    assert isinstance(answer, Loaded)
    assert answer.classes[0].fixed_count == 2


def several(folder: Path, **files: str) -> Loaded | NotLoaded:
    """What loading several files answers."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    first, *more = (f"{name}.py" for name in files)
    return load(Load(str(folder), first, RunOptions(), side="inspect", more_files=tuple(more)))[0]


def test_several_files_are_one_run(folder: Path) -> None:
    """All their classes and hooks; one that another imports is there once, and all but the first are shipped."""
    first = f"from second import Admin\nfrom locust import events\n{SHOP}"
    second = """
from locust import User, task, events, LoadTestShape
class Admin(User):
    @task
    def work(self): pass
class Steps(LoadTestShape):
    use_common_options = True
    def tick(self): return None
@events.quitting.add_listener
def end(**_): pass
@events.init_command_line_parser.add_listener
def more(parser): parser.add_argument("--colour", default="red")
"""
    answer = several(folder, first=first, second=second)
    assert sorted(tasks(answer)) == ["Admin", "Buyer", "Looker"]
    assert (answer.shape, answer.shape_uses_options, answer.needs) == ("Steps", True, ("second.py",))
    assert {"quitting", "init_command_line_parser"} <= set(answer.hooks)
    assert len(tidal.events.quitting._handlers) == 1
    assert [(a.name, a.value) for a in answer.arguments if a.name == "colour"] == [("colour", '"red"')]


def test_two_classes_of_one_name_are_refused(folder: Path) -> None:
    """With both files."""
    answer = several(folder, one=SHOP, two=SHOP)
    assert isinstance(answer, NotLoaded)
    assert answer.why == "user class 'Buyer' is defined in both one.py and two.py: give one another name"


def test_files_of_one_name_in_two_folders(folder: Path) -> None:
    """Each is a module of its own."""
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    answer = several(folder, **{"a/same": SHOP, "b/same": SHOP.replace("Buyer", "Payer").replace("Looker", "Gazer")})
    assert sorted(tasks(answer)) == ["Buyer", "Gazer", "Looker", "Payer"]
