"""Every public name of Locust's, looked up in tidal: modules, classes, objects, what they are called with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SCRIPT = Path(__file__).parent / "surface.py"
VARIABLE = {"VAR_POSITIONAL", "VAR_KEYWORD"}
TO_BE_GIVEN = "(to be given)"
NUMBERS = {"int", "float"}
PLAIN = {*NUMBERS, "str", "bytes", "bool", "NoneType", "list", "tuple", "dict"}

EXPLAINED = {
    # what tidal does not have: docs/compatibility.md says what to use instead
    "locust.web: *": "no web page",
    "locust.env: WebUI *": "no web page",
    "locust.html: *": "reports are made of archives",
    "locust.input_events *": "the keys of Locust's console are the terminal's",
    "locust.main: input_listener *": "the same",
    "locust.opentelemetry *": "`--otel` is tidal's own",
    "locust.main: setup_opentelemetry *": "the same",
    "locust.env: StatsCSV *": "it is in locust.stats; a file that asks for its Environment need not load it",
    # a transport of its own
    "locust.rpc.*": "messages go by the log",
    "locust.argument_parser: *_from_master *": "files come with the run",
    "locust.argument_parser: exit_handler *": "the same",
    "locust.main: merge_locustfiles_content *": "the same",
    "locust.*: setup_distributed_stats_event_listeners *": "reports go by the log",
    "locust.*: MasterRunner() *": "a script cannot lead a fleet",
    "locust.*: WorkerRunner() *": "the same",
    "locust.*: MasterRunner.stop() *": "the plan's end is everybody's",
    "locust.*: MasterRunner.rebalancing_enabled *": "it is always on",
    # what Locust's runners and tables do inside
    "locust.*: WorkerRunner.worker_index *": "an object's",
    "locust.*: UsersDispatcher.dispatch_iteration_durations *": "what its tests measure",
    "locust.stats: StatsCSVFileWriter.* is not there": "the files are written whole",
    "locust.stats: resize_handler *": "widths are asked for when a table is printed",
    "locust.stats: validate_stats_configuration *": "what is wrong is said by what reads it",
    "locust.stats: avg *": "a helper",
    "locust.stats: CachedResponseTimes *": "percentiles need no copies",
    "an endpoint: .response_times_cache *": "the same",
    "locust.stats: RequestStatsAdditionError *": "never raised by Locust",
    "locust.runners: locust_exception_handler *": "a helper",
    "locust.user.markov_taskset: validate_* *": "helpers",
    "locust.user.markov_taskset: get_markov_tasks *": "a helper",
    "locust.user.markov_taskset: to_weighted_list *": "a helper",
    "locust.user.task: is_markov_taskset *": "a helper",
    "locust.main: load_locustfile_pytest *": "a helper, in locust.util.load_locustfile",
    "locust.util.deprecation: *": "helpers of Locust's",
    "locust.event: DeprecatedEventHook *": "nothing is deprecated with it",
    "locust.debug: UTC *": "an import",
    "locust.shape: Runner *": "an import for annotations; it would make `import locust` slow",
    "locust.clients: DEFAULT_CA_BUNDLE_PATH *": "an import",
    "locust.clients: basestring *": "a rest of Python 2",
    "locust._version *": "the version is locust.__version__",
    "locust.*: version *": "the same",
    # names for annotations
    "locust.*: *Dict *": "of typed dicts",
    "locust.env: RunnerType *": "a type variable",
    "locust.stats: CSVWriter *": "a protocol",
    "locust.stats: S *": "a type variable",
    "locust.stats: StatsHolder *": "a protocol",
    "locust.user.task: TaskT *": "a type variable",
    "locust.user.users: RestResponseT *": "a type variable",
    # parsers
    "locust.argument_parser: Locust*ConfigParser *": "config files are read by a parser of its own",
    "locust.argument_parser: UIExtraArgOptions *": "a tuple for the web page",
    "locust.argument_parser: download_locustfile_from_url *": "a URL is fetched as it is named",
    "locust.argument_parser: raise_argument_type_error *": "a helper",
    # what is made in another way, by tidal alone
    "locust*: MarkovTaskSet() *": "the parent by name; it is Locust that makes it",
    "*.request() has context=None, Locust {}": "a default that nobody can change",
    "*HttpUser's client: .request() has context=None, Locust {}": "the same",
    "locust.*: HttpSession() *": "requests' Session takes nothing",
    "locust.clients: LocustHttpAdapter() *": "what is passed on is named",
    "locust.*: *ResponseContextManager() *": "made by the client",
    "*.wrap_response *": "made by the client",
    "HttpUser's client: .explicit_name *": "what a request passes to the tracing",
    "locust.*: WorkerNode() has heartbeat_liveness=None, Locust 3": "the constant may have been set meanwhile",
    # geventhttpclient's, which tidal does not use
    "locust.contrib.fasthttp: ErrorResponse.* is None, *": "declared otherwise, the same of an object",
    "locust.contrib.fasthttp: *.history *": "the same",
    "locust.contrib.fasthttp: FastRequest.type *": "the scheme that it is",
    "locust.contrib.fasthttp: FastRequest.payload *": "an object's",
    "locust.contrib.fasthttp: FastRequest*() *": "made by the client",
    "locust.contrib.fasthttp: FastResponse() *": "made by the client",
    "locust.contrib.fasthttp: LocustUserAgent.re*_type*": "said of FastRequest and FastResponse",
    "locust.contrib.fasthttp: LocustUserAgent.download *": "nothing to do with load",
    "*.readline *": "lines come from `iter_lines`",
    "*.stream *": "pieces come from `iter_content`",
    "*.unzipped *": "`content` is",
}
OF_RUNNERS = """monitor_cpu_and_memory shape_worker check_stopped client_listener heartbeat_worker handle_message
    reset_connection connect_to_master heartbeat heartbeat_timeout_checker logs_reporter spawning_complete start_worker
    stats_reporter worker"""
OF_URLLIB = """add_header get_host get_method get_origin_req_host get_type has_proxy header_items is_unverifiable
    original_host original_origin redirect remove_header set_proxy set_url unredirected_hdrs"""
EXPLAINED |= {f"*unner*.{name} is not there": "a greenlet of Locust's, or what it does" for name in OF_RUNNERS.split()}
EXPLAINED |= {f"*equest*.{name} is not there": "what urllib's Request has, of Python 2" for name in OF_URLLIB.split()}
"""Where a file would find something else, and why."""


def surface(side: str, asked: str = "") -> str:
    """What one side has."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "TIDAL_"))}
    argv = [sys.executable, str(SCRIPT), side]
    done = subprocess.run(argv, input=asked, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def gaps(path: str, one: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    """What a file would miss: the path first, then what it is."""
    for name, theirs in one.items():
        ours, here = other[name], f"{path}{name}"
        if ours is None:
            yield f"{here} is not there"
        elif theirs is not None and not ours.get("declared"):
            yield from unlike(here, theirs, ours)


def unlike(here: str, theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    """How a name differs."""
    if "has" in theirs:
        yield from gaps(f"{here}.", theirs["has"], ours.get("has") or {}) if "has" in ours else [f"{here} is no class"]
    if "call" in theirs:
        yield from (f"{here}() {said}" for said in called(theirs["call"], ours.get("call")))
    elif not {theirs["type"], ours.get("type")} <= NUMBERS and look(here, theirs) != look(here, ours):
        yield f"{here} is {look(here, theirs)}, tidal's {look(here, ours)}"


def look(here: str, thing: dict[str, Any]) -> str:
    """What is compared of a value: of an object's its kind, since it may be another every time."""
    kind = str(thing.get("type"))
    if kind not in PLAIN:
        return "something"
    return kind if ": ." in here else str(thing["is"])


def called(theirs: list[list[str]] | None, ours: list[list[str]] | None) -> Iterator[str]:
    """How a call of Locust's would fail: the name counts where a value may be left out, else the place does."""
    if theirs is None or ours is None:
        return
    kinds = {kind for _, kind, _ in ours}
    places = sum(kind.startswith("POSITIONAL") for _, kind, _ in ours)
    for n, (name, kind, value) in enumerate(theirs):
        if kind in VARIABLE:
            yield from () if kind in kinds else [f"does not take any {name}"]
        elif value != TO_BE_GIVEN:
            yield from left_out(name, value, ours)
        elif n >= places and "VAR_POSITIONAL" not in kinds:
            yield f"takes less than {n + 1} values"
    needed, wanted = (sum(v == TO_BE_GIVEN and k not in VARIABLE for _, k, v in side) for side in (theirs, ours))
    if wanted > needed:
        yield f"wants {wanted} values, Locust {needed}"


def left_out(name: str, value: str, ours: list[list[str]]) -> Iterator[str]:
    """How a parameter with a default differs."""
    found = [default for own, _, default in ours if own == name]
    if found and found[0] != value:
        yield f"has {name}={found[0]}, Locust {value}"
    if not found and not any(kind == "VAR_KEYWORD" for _, kind, _ in ours):
        yield f"does not take {name}"


@pytest.fixture(scope="module")
def found() -> list[str]:
    """Every gap."""
    asked = surface("locust")
    theirs, ours = json.loads(asked), json.loads(surface("tidal", asked))
    flags = gaps("", theirs["flags"], {**dict.fromkeys(theirs["flags"]), **ours["flags"]})
    return [*flags, *_of_modules(theirs["modules"], ours["modules"]), *_of_objects(theirs, ours)]


def _of_modules(theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    for name, names in theirs.items():
        if ours[name] is None:
            yield f"{name} is not there"
        else:
            yield from gaps(f"{name}: ", names, ours[name])


def _of_objects(theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    for name, members in theirs["objects"].items():
        yield from gaps(f"{name}: .", members, ours["objects"][name])


def test_what_differs_from_locust_is_explained(found: list[str]) -> None:
    """Nothing else is missing that a file can name."""
    assert [line for line in found if not any(fnmatchcase(line, pattern) for pattern in EXPLAINED)] == []


def test_every_explanation_explains_something(found: list[str]) -> None:
    """What was mended is no longer explained."""
    assert [pattern for pattern in EXPLAINED if not any(fnmatchcase(line, pattern) for line in found)] == []
