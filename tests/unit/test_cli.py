"""The command line: words, hints, spans, and which run is meant. Processes are in tests/e2e."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidal import __main__, __version__, paths
from tidal.archive import ArchiveWriter
from tidal.cli import SUBCOMMANDS, amounts, flags, planflags
from tidal.cli.find import ARCHIVED, LOCAL, Found, pick, to_follow
from tidal.cli.parser import Parser, meant, overview, parser_of
from tidal.cli.request import locustfile, locustfiles, run_options
from tidal.cli.runs import as_dict, as_table, known_runs
from tidal.cli.set import wanted, wishes
from tidal.errors import BadPlan, NoSuchFile, NoSuchRun, UsageError
from tidal.model.codec import pack
from tidal.model.events import RunOptions, WantRate, WantStage, WantTarget
from tidal.model.tickets import ITERATIONS_MAX
from tidal.paths import HOME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis

CLI = Path(flags.__file__).parent
HEAVY = ("gevent", "textual", "requests", "redis", "msgpack", "fakeredis")


def found(run: str, opened_ms: int = 1, **more: object) -> Found:
    """A run that goes on here."""
    return Found(run, LOCAL, opened_ms, **{"url": "unix:///s", **more})  # type: ignore[arg-type]


# ------------------------------------------------------------------ words


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["run", "--help"], ["tui", "-h"], ["help", "replay"]])
def test_help_is_quick_because_it_imports_nothing_heavy(words: list[str]) -> None:
    """Neither gevent nor Textual nor redis, whatever help is asked for."""
    script = (
        "import sys; from tidal.__main__ import main; code = main(sys.argv[1:]); "
        f"sys.exit(code or [m for m in {HEAVY!r} if m in sys.modules] or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_the_map_of_subcommands_is_the_folder() -> None:
    """Every subcommand has its module and its line in the overview."""
    for name, what in SUBCOMMANDS.items():
        assert (CLI / f"{name}.py").is_file()
        assert f"  {name:<10}  {what}" in overview(200)


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_and_flag_has_help(name: str) -> None:
    """A description, and a line for each flag."""
    parser = parser_of(name)
    assert parser.description
    assert all(action.help for action in parser._actions)


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_help_that_is_asked_for_is_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By the way that a user takes: what reads the words formats the help, and it reads positional ones its own way."""
    with pytest.raises(SystemExit) as end:
        parser_of(name).read(["--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: tidal {name}")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["rnu"], 2, "no subcommand 'rnu'; did you mean run?"),
        (["locustfile.py"], 2, "did you mean tidal tui -f locustfile.py?"),
        (["run", "--user", "5"], 2, "unknown flag --user; did you mean --users"),
        (["run", "--hostt=http://x"], 2, "unknown flag --hostt; did you mean --host"),
        (["stop", "a", "b"], 2, "unexpected argument 'b'"),
        (["run", "-t", "soon"], 2, "'soon' is not a span of time such as 20, 20s, 3m or 1h20m"),
        (["run", "-u", "-5"], 2, "-u/--users"),
        (["set", "r1", "user=5"], 2, "'user=5' is not users=N, rate=N or arrivals=N; did you mean users?"),
        (["set", "r1", "rate=5"], 2, "users=N"),
        (["run", "-f", "/nowhere/x.py"], 10, "no file /nowhere/x.py"),
        (["worker"], 2, "a worker needs the Redis of its fleet"),
        (["master", "--redis", "redis://h", "--run", "r", "-u", "5"], 2, "takes a run over as it is"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(
    words: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One message on stderr, the documented exit code, nothing on stdout."""
    assert __main__.main(words) == code
    out, err = capsys.readouterr()
    assert (out, err[:7]) == ("", "tidal: ")
    assert says in err
    assert "Traceback" not in err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Both spellings."""
    assert [__main__.main(["--version"]), __main__.main(["-V"])] == [0, 0]
    assert capsys.readouterr().out == f"tidal {__version__}\n" * 2


def test_a_mistake_of_ours_says_where_and_asks_for_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback for the report, then the one line, exit code 70."""
    assert __main__.unexpected(ValueError("odd")) == 70
    err = capsys.readouterr().err
    assert "ValueError: odd" in err
    assert err.endswith("tidal: internal error: please report it (ValueError)\n")


def test_a_name_that_no_file_can_have_is_the_callers_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    """Not ours, whichever command it was said to."""
    assert __main__.main(["explain", "r" * 5_000]) == 2
    assert "of 5,000 characters: too long for a file's name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "ms"),
    [("2:30", 150_000), ("+0:20", 20_000), ("1:02:03.5", 3_723_500), ("75:00", 4_500_000), ("2m", 120_000)],
)
def test_a_moment_may_be_said_as_it_is_shown(text: str, ms: int) -> None:
    """The screen, the tables and the story say 2:30, so --at, --from and --between read it."""
    assert amounts.moment_ms(text) == ms


@pytest.mark.parametrize("text", ["2:3", ":30", "1:75", "2:30:", "1:2:03", "-1:00", "a:30"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """Minutes and seconds have two digits."""
    with pytest.raises(argparse.ArgumentTypeError, match="is not a span of time"):
        amounts.moment_ms(text)


def test_flags_may_stand_between_user_classes() -> None:
    """`tidal run Buyer -u 5 Browser` means what it says."""
    args = parser_of("run").read(["Buyer", "-u", "5", "Browser"])
    assert (args.classes, args.users) == (["Buyer", "Browser"], 5)


def test_flags_are_not_abbreviated() -> None:
    """A flag that is added later must not change what an old script says."""
    with pytest.raises(UsageError, match="unknown flag --proc"):
        parser_of("run").read(["--proc", "2"])


@given(st.text(max_size=30))
def test_hints_never_fail(word: str) -> None:
    """Whatever was typed."""
    assert isinstance(meant(word, SUBCOMMANDS), str)


# ------------------------------------------------------------------ values


@pytest.mark.parametrize(
    ("text", "value_ms"),
    [
        ("20", 20_000), ("20s", 20_000), ("3m", 180_000), ("2h", 7_200_000), ("1h20m", 4_800_000),
        ("3h30m10s", 12_610_000), ("0.5s", 500), ("0", 0), ("1m30", 90_000),
    ],
)  # fmt: skip
def test_spans_are_read_as_locust_writes_them(text: str, value_ms: int) -> None:
    """Hours, minutes, seconds, in this order."""
    assert amounts.span_ms(text) == value_ms


@pytest.mark.parametrize("text", ["", "s", "5x", "-5", "1s2m", "5d", "1 m", "99999h", "٣", "9" * 400, "9" * 400 + "h"])
def test_other_spans_are_refused(text: str) -> None:
    """With examples of what would do."""
    with pytest.raises(argparse.ArgumentTypeError):
        amounts.span_ms(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "x", "1e99"])
def test_rates_that_cannot_be_are_refused(text: str) -> None:
    """A rate of 0 would never spawn anybody."""
    with pytest.raises(argparse.ArgumentTypeError):
        amounts.spawn_rate(text)


@pytest.mark.parametrize("text", ["-1", "1.5", "x", "", "²", "99999999999", "9" * 5_000])
def test_user_counts_that_cannot_be_are_refused(text: str) -> None:
    """Whole and not negative."""
    with pytest.raises(argparse.ArgumentTypeError):
        amounts.user_count(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1048576", 1 << 20), ("0", 0), ("3B", 3), ("512KB", 512 << 10), ("512MB", 512 << 20), ("2g", 2 << 30),
        (" 1GiB ", 1 << 30), ("16384G", 1 << 44),
    ],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    """In powers of two, with and without the B."""
    assert amounts.size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "-1", "1.5G", "2T", "MB", "16385G", "9" * 400, "٣"])
def test_other_sizes_are_refused(text: str) -> None:
    """What is no size, and what no Redis has."""
    with pytest.raises(argparse.ArgumentTypeError, match="is not a size such as 512MB or 2GB"):
        amounts.size_bytes(text)


@pytest.mark.parametrize(
    ("read", "least", "most"),
    [
        (amounts.user_count, 0, 10_000_000),
        (amounts.process_count, 0, 1_024),
        (flags.exit_code, 0, 255),
        (planflags.count, 1, ITERATIONS_MAX),
        (planflags.in_flight, 1, 10_000_000),
        (planflags.seed, 0, 10**18 - 1),
    ],
)
def test_whole_numbers_are_read_up_to_their_bounds(read: Callable[[str], int], least: int, most: int) -> None:
    """Both with them; beyond, and what is no whole number, is refused."""
    assert [read(str(number)) for number in (least, most)] == [least, most]
    for text in (str(least - 2), str(most + 1), "1.5", "", "x", "²", "٣"):
        with pytest.raises(argparse.ArgumentTypeError):
            read(text)


def test_a_run_has_some_time_and_at_most_a_year() -> None:
    """None would do nothing; a year is enough, and so are ten million users a second, or one in ten million seconds."""
    assert amounts.positive_span_ms("0.001") == 1
    with pytest.raises(argparse.ArgumentTypeError, match="would do nothing"):
        amounts.positive_span_ms("0s")
    assert amounts.span_ms("8784h") == 366 * 86_400_000
    with pytest.raises(argparse.ArgumentTypeError, match="longer than a year"):
        amounts.span_ms("8784h1s")
    assert [amounts.spawn_rate(text) for text in ("1e-7", "1e7")] == [1e-7, 1e7]


def test_processes_as_locust_says_it() -> None:
    """-1 means as many as cores."""
    assert [amounts.process_count("-1"), amounts.process_count("3")] == [0, 3]


def test_what_was_not_said_stays_at_its_default() -> None:
    """The flags' defaults are the options' defaults."""
    assert run_options(parser_of("run").read([])) == RunOptions()


def test_every_option_of_the_load_can_be_said() -> None:
    """Flag by flag into `RunOptions`."""
    words = shlex.split(
        "-u 50 -r 2.5 -t 1m -H http://h -s 0 --expect-workers 3 --expect-workers-max-wait 5 --keep-running "
        "--masterless-timeout 2 --isolation-timeout 3 A B"
    )
    assert run_options(parser_of("run").read(words)) == RunOptions(
        users=50, spawn_rate=2.5, run_time_ms=60_000, host="http://h", classes=("A", "B"), stop_timeout_ms=0,
        expect_workers=3, expect_workers_max_wait_ms=5_000, keep_running=True, masterless_timeout_ms=2_000,
        isolation_timeout_ms=3_000, takes_plan=False,
    )  # fmt: skip


def test_what_a_run_keeps_to_and_tells_can_be_said() -> None:
    """The rest of the flags that are options."""
    words = shlex.split(
        "--log-budget 2G --tags a b --exclude-tags c --reset-stats --exit-code-on-error 7 --allow-suspect -L debug "
        "--log-lines info --threshold 'p95<300ms and fail%<1' --iterations 100 --redo-unknown "
        '--config-users \'{"user_class_name": "A", "weight": 3}\''
    )
    assert run_options(parser_of("run").read(words)) == RunOptions(
        log_budget_bytes=2 << 30, tags=("a", "b"), exclude_tags=("c",), reset_stats=True, exit_code_on_error=7,
        allow_suspect=True, log_level="DEBUG", log_lines="INFO", thresholds=("p95 < 300ms", "fail% < 1%"),
        iterations=100, redo_unknown=True, class_settings=(("A", '{"weight": 3}'),),
    )  # fmt: skip
    assert run_options(parser_of("run").read(["--iterations-per-user", "5"])) == RunOptions(iterations_per_user=5)
    for clash, why in (("--iterations 5 --iterations-per-user 5", "say one of them"), ("--redo-unknown", "goes with")):
        with pytest.raises(UsageError, match=why):
            run_options(parser_of("run").read(clash.split()))


def test_a_plan_can_be_said_for_each_class() -> None:
    """With what goes with it; "none" leaves the file's own out too; users and a rate go without one."""
    words = shlex.split(
        "--plan '0->5 in 3s' --plan 'Buyer=rate 50/s for 2m' --spacing poisson --seed 7 --max-in-flight 40 "
        "--fresh-users --plan '0->9 in 3s'"
    )
    found = run_options(parser_of("run").read(words))
    assert found == RunOptions(
        plan=(("Buyer", "rate 50/s for 2m"), ("", "0->9 in 3s")), spacing="poisson", seed=7, max_in_flight=40,
        fresh_users=True,
    )  # fmt: skip
    assert run_options(parser_of("run").read(["--plan", "none"])) == RunOptions(takes_plan=False)
    with pytest.raises(BadPlan, match=r"Buyer: plan, column 3, at 'fir 3s'"):
        parser_of("run").read(["--plan", "Buyer=5 fir 3s"])
    with pytest.raises(UsageError, match="leave --users and --spawn-rate out"):
        run_options(parser_of("run").read(["--plan", "5 for 3s", "-u", "3"]))


@pytest.mark.parametrize(
    ("words", "at_once"),
    [([], False), (["-s", "3"], False), (["-u", "1"], True), (["-t3"], True), (["--plan", "5 for 3s"], True)],
)
def test_a_form_asks_only_when_nothing_was_said(words: list[str], *, at_once: bool) -> None:
    """Any of -u, -r, -t, -H and --plan starts at once."""
    assert flags.starts_at_once(parser_of("tui").read(words)) is at_once


def test_wishes_are_absolute() -> None:
    """Users and rate by name, arrivals, stages; one thing at a time."""
    assert wishes(["users=500", "rate=2.5"]) == ({"users": 500, "rate": 2.5}, "")
    assert wanted(["users=500", "rate=2.5"], None) == WantTarget(500, 2.5)
    assert wanted(["arrivals=2.5", "over=1m", "class=Buyer"], None) == WantRate(2.5, 60_000, "Buyer")
    assert wanted([], "next") == WantStage("next")
    for words, stage in (
        ([], None),
        (["users=5"], "next"),
        (["rate=5"], None),
        (["arrivals=x"], None),
        (["x=1"], None),
    ):
        with pytest.raises(UsageError):
            wanted(words, stage)


def test_near_files_are_offered(tmp_path: Path) -> None:
    """A slip in the name; a folder; nothing at all."""
    (tmp_path / "locustfile.py").touch()
    assert locustfile(str(tmp_path / "locustfile.py")).is_absolute()
    with pytest.raises(NoSuchFile, match=r"near ones: locustfile\.py"):
        locustfile(str(tmp_path / "locusfile.py"))
    with pytest.raises(NoSuchFile, match="is a folder"):
        locustfile(str(tmp_path))


def test_a_file_above_the_working_folder_is_named_as_it_is(tmp_path: Path) -> None:
    """`..` in the name: whoever asks whether a file lies below a folder compares names."""
    (tmp_path / "below").mkdir()
    (tmp_path / "locustfile.py").touch()
    typed, really = str(tmp_path / "below" / ".." / "locustfile.py"), tmp_path.resolve() / "locustfile.py"
    assert locustfile(typed) == really
    assert locustfiles(f"{typed},{tmp_path / 'below' / '..'}") == [really]


# ------------------------------------------------------------------ which run

RUNS = (found("20261123-1200-aaaa", 1), found("20261123-1300-bbbb", 3), found("20261122-0900-cccc", 2))


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("latest", "20261123-1300-bbbb"),
        ("20261122", "20261122-0900-cccc"),
        ("20261123-1200-aaaa", "20261123-1200-aaaa"),
        ("aaaa", "20261123-1200-aaaa"),
        ("cc", "20261122-0900-cccc"),
        ("0900", "20261122-0900-cccc"),
        ("latest~0", "20261123-1300-bbbb"),
        ("latest~1", "20261122-0900-cccc"),
        ("latest~2", "20261123-1200-aaaa"),
    ],
)
def test_a_run_is_named_by_id_a_part_of_it_or_latest(name: str, run: str) -> None:
    """The part must be unique; a beginning wins over an end, an end over a middle."""
    assert pick(name, RUNS).run == run


def test_a_whole_id_wins_over_longer_ones() -> None:
    """An id that begins another's is still an id."""
    assert pick("r1", [found("r1"), found("r10")]).run == "r1"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("20261123", "'20261123' may mean 2 runs: 20261123-1300-bbbb, 20261123-1200-aaaa"),
        ("20261123-1200-aaab", "near ones: 20261123-1200-aaaa"),
        ("00-", "'00-' may mean 3 runs: 20261123-1300-bbbb, 20261122-0900-cccc, "),
        ("latest~3", r"there are 3, the first is latest~2"),
        ("", "there are: 20261123-1300-bbbb"),
        ("zzz", "there are: 20261123-1300-bbbb"),
    ],
)
def test_near_runs_are_offered(name: str, says: str) -> None:
    """So that nobody needs to type an id twice."""
    with pytest.raises(NoSuchRun, match=says):
        pick(name, RUNS)


def test_no_run_at_all_says_where_to_look() -> None:
    """`latest` of nothing."""
    with pytest.raises(NoSuchRun, match="tidal runs"):
        pick("latest", [])


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A TIDAL_HOME with two archives of runs that are over."""
    before = os.environ.get(HOME)
    os.environ[HOME] = str(tmp_path)
    for number, run in enumerate(("20261122-0900-cccc", "20261123-1200-aaaa")):
        path = paths.archive_path(run)
        ArchiveWriter(path, {"run": run}).close()
        os.utime(path, (number, number))
    yield tmp_path
    os.environ.pop(HOME)
    os.environ.update({HOME: before} if before else {})


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["attach"], "no run goes on here; latest is 20261123-1200-aaaa, which is over"),
        (["stop", "latest~1"], "latest~1 is 20261122-0900-cccc, which is over"),
        (["set", "cccc", "users=3"], "run 20261122-0900-cccc is over; rewind it: tidal replay 20261122-0900-cccc"),
        (["watch", "20261124"], "there is no run here at all"),
    ],
)
def test_a_run_that_is_over_is_called_so(
    home: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And its replay is offered, instead of saying that there is none."""
    assert __main__.main(words) == NoSuchRun.exit_code
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("./nope.tidal", 30, "no archive file ./nope.tidal"),
        ("nope.tidal", 30, "no archive file nope.tidal"),
        ("{home}/runs/nope", 30, "there are: 20261122-0900-cccc.tidal, 20261123-1200-aaaa.tidal"),
        ("{home}/runs", 30, "is a folder: name an archive in it; there are: 20261122-0900-cccc.tidal"),
        ("..", 30, ".. is a folder"),
        ("cccc", 31, "cccc.tidal holds no entry: its run was never opened"),
        ("{home}/text", 32, "is not an archive of tidal"),
        ("{home}/cut", 31, "is cut within its head"),
        ("{home}/torn", 31, "holds no entry: it was cut before its first entry"),
        ("{home}/huge", 31, "is damaged at byte"),
    ],
)
def test_what_is_no_archive_is_told_in_a_line(
    home: Path, name: str, code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the code of its kind, also for one that claims to be 10 GB."""
    whole = paths.archive_path("20261122-0900-cccc").read_bytes()
    (home / "text").write_text("not an archive", encoding="utf-8")
    (home / "cut").write_bytes(whole[:12])
    (home / "torn").write_bytes(whole + b"\xf5tdl\x01")
    (home / "huge").write_bytes(whole)
    os.truncate(home / "huge", 10 << 30)
    assert __main__.main(["replay", name.format(home=home), "--print"]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err


@pytest.mark.usefixtures("home")
def test_who_names_a_redis_means_its_runs(real_redis: redis.Redis, redis_url: str) -> None:
    """A newer run of this machine is not the latest of that Redis; without the flag it is."""
    real_redis.hset("tidal:runs", "far", pack({"opened_ms": 1}))
    empty, own = f"{redis_url}?db=2", f"{redis_url}?db=1"
    here = paths.Registration(paths.LocalRun("near", "f.py", 9, redis_url=own, supervisor_pid=os.getpid()))
    assert to_follow(argparse.Namespace(run="latest", redis=redis_url)).run == "far"
    with pytest.raises(NoSuchRun, match="knows of none"):
        to_follow(argparse.Namespace(run="latest", redis=empty))
    assert to_follow(argparse.Namespace(run="latest", redis=None)).run == "near"
    here.end("closed", 10)


def test_the_first_source_that_knows_a_run_tells_of_it() -> None:
    """A run that goes on has an archive too; it is listed once, as going on."""
    runs = known_runs([found("b", 2)], [Found("b", ARCHIVED, 9), Found("a", ARCHIVED, 1, phase="finished")])
    assert [(run.run, run.where) for run in runs] == [("b", LOCAL), ("a", ARCHIVED)]
    table = as_table(runs)
    assert "tidal attach b" in table
    assert "tidal replay a" in table


def test_the_list_never_shows_a_password() -> None:
    """The URL of a run stays in the process."""
    run = found("r", url="redis://:secret@h")
    assert "secret" not in as_table([run]) + str(as_dict(run))


def test_parsers_raise_instead_of_leaving() -> None:
    """Only `main` ends the process."""
    with pytest.raises(UsageError, match="see: x --help"):
        Parser("x").error("no")


# ------------------------------------------------------------------ odd shells


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line of sh in which `$tidal` is the command."""
    env = {**os.environ, "tidal": f"{shlex.quote(sys.executable)} -m tidal"}
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False, env=env)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
def test_a_closed_standard_stream_is_the_null_device(closed: str) -> None:
    """A shell or a service manager closed it: the command does what it does, without a word."""
    done = shell(f"$tidal --version {closed}")
    assert (done.returncode, done.stderr) == (0, "")


def test_closed_streams_stay_taken_for_what_is_started_afterwards() -> None:
    """A child's standard input and output are the null device, and not some socket that got their numbers."""
    script = (
        "import os, subprocess, sys; from tidal.cli.streams import open_streams; open_streams(); "
        "held = os.open('/', os.O_RDONLY); seen = subprocess.run(['sh', '-c', 'read x; echo said']).returncode; "
        "sys.exit(held <= 2 or seen != 0)"
    )
    done = shell(f"{shlex.quote(sys.executable)} -c {shlex.quote(script)} <&- >&-")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a system without /dev/full")
@pytest.mark.parametrize("words", ["--help", "--version", "info", "help run"])
def test_a_full_disk_behind_standard_output_is_one_line(words: str) -> None:
    """No traceback, neither from us nor from Python as it ends."""
    done = shell(f"$tidal {words} >/dev/full")
    assert (done.returncode, done.stderr) == (56, "tidal: cannot write: No space left on device\n")


@pytest.fixture
def quiet_file(tmp_path: Path) -> Path:
    """A locustfile that does nothing."""
    file = tmp_path / "quiet.py"
    file.write_text(
        "from tidal import User, task\n\n\nclass Quiet(User):\n    @task\n    def rest(self):\n        pass\n"
    )
    return file


@pytest.mark.parametrize(("words", "code"), [("judge incident p95<1us", 62), ("diff incident incident --all", 0)])
def test_a_reader_that_had_enough_changes_no_verdict(words: str, code: int) -> None:
    """`tidal judge … | grep -q x` in a pipeline: its code is still the judgement's."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "tidal", *words.split()]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr


def test_too_few_descriptors_are_told_before_anything_starts(quiet_file: Path) -> None:
    """Else the server that comes along has none for its clients, and the error would be about Redis."""
    words = f"TIDAL_HOME={shlex.quote(str(quiet_file.parent))} $tidal run -f {shlex.quote(str(quiet_file))} -t 1s"
    done = shell(f"ulimit -n 64; {words}")
    assert done.returncode == UsageError.exit_code
    assert done.stderr == ("tidal: a process may open 64 files here, and a run needs 128 at least: `ulimit -n 4096`\n")
    assert not list(quiet_file.parent.rglob("*.tidal"))


@pytest.mark.skipif(sys.platform != "linux", reason="file systems elsewhere take no such name")
def test_a_file_whose_name_is_no_text_is_refused_by_its_name(quiet_file: Path) -> None:
    """The name travels in the log, as text: it is not said that the file is not there."""
    odd = os.fsdecode(os.fsencode(quiet_file.parent) + b"/n\xe9.py")
    quiet_file.rename(odd)
    with pytest.raises(UsageError, match=r"n.[.]py: a name in it is no UTF-8 text here"):
        locustfile(odd)
