"""Locust's modules as files and plugins import them: the names are there, the helpers mean the same."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tidal import compat

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = {
    "locust": "User HttpUser TaskSet SequentialTaskSet MarkovTaskSet task tag transition transitions between constant"
    " constant_pacing constant_throughput poisson wait_time events LoadTestShape run_single_user __version__ HttpLocust"
    " Locust FastHttpUser event exception shape env runners clients debug user util dispatch rpc",
    "locust.exception": "LocustError ResponseError CatchResponseError MissingWaitTimeError InterruptTaskSet StopTest"
    " StopUser RescheduleTask RescheduleTaskImmediately RPCError RPCSendError RPCReceiveError RunnerAlreadyExistsError",
    "locust.env": "Environment",
    "locust.event": "EventHook Events",
    "locust.runners": "Runner LocalRunner MasterRunner WorkerRunner DistributedRunner WorkerNode WorkerNodes STATE_INIT"
    " STATE_SPAWNING STATE_RUNNING STATE_CLEANUP STATE_STOPPING STATE_STOPPED STATE_MISSING HEARTBEAT_LIVENESS"
    " HEARTBEAT_INTERVAL WORKER_REPORT_INTERVAL WORKER_LOG_REPORT_INTERVAL CPU_MONITOR_INTERVAL CPU_WARNING_THRESHOLD"
    " MASTER_HEARTBEAT_TIMEOUT CONNECT_TIMEOUT CONNECT_RETRY_COUNT HEARTBEAT_DEAD_INTERNAL FALLBACK_INTERVAL",
    "locust.user": "User HttpUser TaskSet task tag wait_time",
    "locust.user.users": "User HttpUser PytestUser UserMeta",
    "locust.user.task": "TaskSet TaskSetMeta DefaultTaskSet task tag filter_tasks_by_tags get_tasks_from_base_classes"
    " LOCUST_STATE_RUNNING LOCUST_STATE_WAITING LOCUST_STATE_STOPPING",
    "locust.user.wait_time": "between constant constant_pacing constant_throughput poisson",
    "locust.user.sequential_taskset": "SequentialTaskSet SequentialTaskSetMeta",
    "locust.user.markov_taskset": "MarkovTaskSet NoMarkovTasksError InvalidTransitionError NonMarkovTaskTransitionError"
    " MarkovTaskTagError transition transitions",
    "locust.user.inspectuser": "print_task_ratio print_task_ratio_json get_ratio _get_task_ratio",
    "locust.shape": "LoadTestShape",
    "locust.debug": "run_single_user PrintListener",
    "locust.dispatch": "UsersDispatcher",
    "locust.rpc": "Message",
    "locust.rpc.protocol": "Message",
    "locust.util.timespan": "parse_timespan",
    "locust.util.load_locustfile": "load_locustfile is_user_class is_shape_class",
    "locust.util.rounding": "proper_round",
    "locust.util.url": "is_url",
    "locust.util.cache": "memoize",
    "locust.util.date": "format_utc_timestamp format_safe_timestamp format_duration",
    "locust.util.deprecation": "DeprecatedFastHttpLocustClass",
    "locust.util.exception_handler": "retry",
    "locust.util.directory": "get_abspaths_in",
}


@pytest.fixture(autouse=True)
def _alias() -> Iterator[None]:
    """`locust` is tidal's in a test, and whatever it was after it."""
    finders, modules = sys.meta_path[:], set(sys.modules)
    compat.install(patch=False)
    yield
    sys.meta_path[:] = finders
    for name in set(sys.modules) - modules:
        if name.partition(".")[0] == "locust":
            del sys.modules[name]


@pytest.mark.parametrize("module", NAMES)
def test_names_are_there(module: str) -> None:
    """And they are tidal's."""
    found = import_module(module)
    assert Path(found.__file__ or "").is_relative_to(Path(compat.__file__).parent)
    for name in NAMES[module].split():
        assert getattr(found, name, None) is not None, f"{module}.{name}"


def test_old_names_say_what_they_are_now() -> None:
    """When they are subclassed."""
    locust = import_module("locust")
    for old in (locust.Locust, locust.HttpLocust):
        with pytest.raises(ImportError, match=r"has been renamed to (Http)?User in version 1\.0"):
            type("Mine", (old,), {})


def test_what_is_not_there_is_named() -> None:
    """Modules and names."""
    with pytest.raises(ImportError, match=r"tidal does not have locust\.nothing"):
        import_module("locust.nothing")
    with pytest.raises(AttributeError, match=r"tidal does not have locust\.nothing"):
        import_module("locust").nothing  # noqa: B018 - the access is what is tested


def test_helpers_mean_the_same() -> None:
    """As the real ones do."""

    def of(module: str, name: str) -> Any:
        return getattr(import_module(f"locust.util.{module}"), name)

    assert [of("timespan", "parse_timespan")(text) for text in ("20", "20s", "3m", "1h20m")] == [20, 20, 180, 4800]
    assert [of("rounding", "proper_round")(n) for n in (0.5, 1.5, 2.4)] == [1, 2, 2]
    assert [of("url", "is_url")(text) for text in ("http://a", "https://a/b", "ftp://a", "a.py", "http://[")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert of("date", "format_utc_timestamp")(0.9) == "1970-01-01T00:00:00Z"
    assert of("date", "format_duration")(0, 93_784.5) == "1 day, 2 hours, 3 minutes and 4 seconds"
    assert of("date", "format_duration")(0, 0.5) == "0 seconds"


def test_memoize_keeps_a_result_until_it_is_cleared() -> None:
    """For as long as it was told."""
    calls: list[int] = []

    def look() -> int:
        calls.append(1)
        return len(calls)

    kept = import_module("locust.util.cache").memoize(timeout=60)(look)
    assert (kept(), kept()) == (1, 1)
    kept.clear_cache()
    assert kept() == 2


def test_retry_tries_again() -> None:
    """So many times as there are delays, and then once more."""
    left = [ValueError("a"), ValueError("b")]

    def sometimes() -> str:
        if left:
            raise left.pop()
        return "done"

    retry = import_module("locust.util.exception_handler").retry
    assert retry(delays=(0, 0), exception=ValueError)(sometimes)() == "done"
    left[:] = [ValueError("a"), ValueError("b")]
    with pytest.raises(ValueError, match="a"):
        retry(delays=(0,), exception=ValueError)(sometimes)()


def test_shares_of_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    """By class and of everything."""
    locust, inspected = import_module("locust"), import_module("locust.user.inspectuser")

    class Pages(locust.TaskSet):  # type: ignore[misc, name-defined]
        tasks = {print: 3, repr: 1}  # noqa: RUF012 - as in a locustfile

    class Buyer(locust.User):  # type: ignore[misc, name-defined]
        weight = 3
        tasks = [Pages, len]  # noqa: RUF012 - as in a locustfile

    class Admin(locust.User):  # type: ignore[misc, name-defined]
        fixed_count = 1
        tasks = [len]  # noqa: RUF012 - as in a locustfile

    found = inspected.get_ratio([Buyer, Admin], {"Buyer": 3, "Admin": 1}, total=True)
    assert found["Buyer"]["tasks"]["Pages"]["tasks"] == {"print": {"ratio": 0.28125}, "repr": {"ratio": 0.09375}}
    inspected.print_task_ratio([Buyer, Admin], 4, total=False)
    assert "  50.0  " in capsys.readouterr().out
    inspected.print_task_ratio_json([Buyer, Admin], None)
    assert '"per_class"' in capsys.readouterr().out


def test_a_file_s_classes_for_scripts(tmp_path: Path) -> None:
    """User classes by name, and shapes made."""
    file = tmp_path / "of_a_script.py"
    file.write_text(
        "from locust import User, LoadTestShape\nclass A(User):\n  tasks = [print]\n"
        "class Base(User):\n  abstract = True\n"
        "class S(LoadTestShape):\n  def tick(self): return None\n"
    )
    helpers = import_module("locust.util.load_locustfile")
    classes, shapes = helpers.load_locustfile(str(file))
    assert (list(classes), [type(shape).__name__ for shape in shapes]) == (["A"], ["S"])
    assert helpers.is_user_class(classes["A"])
    assert not helpers.is_user_class(import_module("locust").User)
    assert helpers.is_shape_class(type(shapes[0]))
    sys.modules.pop("of_a_script")
