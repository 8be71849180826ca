"""The pages say what the code does: names, fields, keys, bounds, commands and links are read from both and compared."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import shlex
import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import NODEFAULT
from msgspec.structs import fields

from tidal import archive_file, cli, keys
from tidal.cli import parser as cli_parser
from tidal.model import events as ev
from tidal.model import phases, pipe, trial
from tidal.model.codec import encode
from tidal.model.liveness import Heartbeat
from tidal.model.measured import Measured, Transaction
from tidal.model.metrics import Metric
from tidal.model.stats import Tally, bucket_middle_us, bucket_of
from tidal.tui.screens.board import VIEWS

if TYPE_CHECKING:
    import struct

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
SCHEMA = (DOCS / "reference" / "schema.md").read_text()
FILES = (DOCS / "reference" / "files.md").read_text()
TRACE = (DOCS / "trace.md").read_text()

PARTS = (ev.ClassSpec, ev.FileSpec, ev.RunOptions, ev.Track, ev.Rest, ev.StageSpec, ev.Beat,
         ev.FailureTally, ev.ExceptionTally,
         ev.FailedRequest, ev.LogLine, ev.PaceTally, ev.Watch, ev.LimitSpec,
         ev.GeneratorState, pipe.ClientRow, pipe.EndpointRow, pipe.ArgumentSpec,
         trial.TaskRow, trial.ClassRow)  # fmt: skip
KINDS = (*ev.MASTER_EVENTS, *ev.WORKER_EVENTS, *ev.OPERATOR_EVENTS, *pipe.ORDERS, *pipe.ANSWERS)


# ------------------------------------------------------------------ reading the pages


def page_name(path: Path) -> str:
    """How a page is called in a failing test."""
    return str(path.relative_to(ROOT))


def section(text: str, heading: str) -> str:
    """What stands between a heading and the next of its level or a higher one."""
    level = heading.partition(" ")[0]
    body = text.partition(f"\n{heading}\n")[2]
    assert body, f"no heading {heading!r}"
    return re.split(rf"(?m)^#{{1,{len(level)}}} ", body)[0]


def rows(text: str) -> list[list[str]]:
    """The rows of every table in a text, without heads, cells without backticks."""
    found = []
    lines = text.splitlines()
    for above, line in zip(["", *lines], lines, strict=False):
        if not line.startswith("|") or re.fullmatch(r"[|\s:-]+", line):
            continue
        if not above.startswith("|"):
            continue  # the head
        cells = re.split(r"(?<!\\)\|", line)[1:-1]
        found.append([cell.strip().replace("\\|", "|").replace("`", "") for cell in cells])
    return found


def fenced(page: Path) -> list[str]:
    """Every line of the fenced blocks of a page."""
    blocks = re.findall(r"(?ms)^```\w*\n(.*?)^```", page.read_text())
    return [line.strip() for block in blocks for line in block.splitlines()]


def inline(page: Path) -> list[str]:
    """Every inline code of a page."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```", "", page.read_text()))


def code_of(page: Path) -> list[str]:
    """Both."""
    return fenced(page) + inline(page)


# ------------------------------------------------------------------ the schema


def documented_default(field: Any) -> str:
    """A field's default as the page writes it."""
    if field.default is not NODEFAULT:
        return repr(field.default).replace("''", '""')
    if field.default_factory is not NODEFAULT:
        return repr(field.default_factory())
    return "required"


def fields_of(cls: Any) -> list[list[str]]:
    """[name, type, default] of a struct's fields."""
    return [[f.name, cls.__annotations__[f.name], documented_default(f)] for f in fields(cls)]


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
def test_a_kind_is_documented_field_by_field(cls: type[ev.Event]) -> None:
    """The page has the fields of the kind, in order, with type and default, and no others."""
    table = rows(section(SCHEMA, f"### `{cls.KIND}` {cls.__name__}"))
    assert [row[:3] for row in table] == fields_of(cls)
    assert all(row[3] for row in table)


@pytest.mark.parametrize("cls", PARTS, ids=lambda cls: cls.__name__)
def test_a_part_is_documented_field_by_field(cls: type) -> None:
    """What stands inside the events is on the page too."""
    assert [row[:3] for row in rows(section(SCHEMA, f"### {cls.__name__}"))] == fields_of(cls)


def test_the_page_has_no_kind_that_the_code_has_not() -> None:
    """Every third-level heading is a kind, a part, or one of the two about entries."""
    wanted = {f"`{cls.KIND}` {cls.__name__}" for cls in KINDS} | {cls.__name__ for cls in PARTS}
    assert set(re.findall(r"(?m)^### (.+)$", SCHEMA)) == wanted | {"The bytes of an entry", "Rules"}


@pytest.mark.parametrize(
    ("heading", "classes"),
    [
        ("## Reports, by workers", ev.WORKER_EVENTS),
        ("## Intents, by operators", ev.OPERATOR_EVENTS),
        ("## Pipe messages", (*pipe.ORDERS, *pipe.ANSWERS)),
    ],
)
def test_a_kind_stands_under_its_writer(heading: str, classes: tuple[type[ev.Event], ...]) -> None:
    """Who writes a kind is told by the section that it is in."""
    assert set(re.findall(r"(?m)^### `(\w+)`", section(SCHEMA, heading))) == {cls.KIND for cls in classes}


def test_masters_write_the_commands_and_the_observations() -> None:
    """The two sections together are what masters write."""
    text = section(SCHEMA, "## Commands, by masters") + section(SCHEMA, "## Observations, by masters")
    assert set(re.findall(r"(?m)^### `(\w+)`", text)) == {cls.KIND for cls in ev.MASTER_EVENTS}


def test_blocks_and_tallies_are_documented_field_by_field() -> None:
    """The two classes with columns of their own."""
    tally = [[field.name, field.type] for field in dataclasses.fields(Tally)]
    wanted = [row[:2] for row in fields_of(ev.Block)] + tally
    assert [row[:2] for row in rows(section(SCHEMA, "## Samples: blocks, tallies, histograms"))] == wanted


def test_what_users_measure_is_documented_field_by_field() -> None:
    """Three more classes with columns of their own."""
    wanted = [row[:2] for cls in (Measured, Transaction, Metric) for row in fields_of(cls)]
    assert [row[:2] for row in rows(section(SCHEMA, "## Measured: transactions, metrics, tags"))] == wanted


def test_the_heartbeat_is_documented_field_by_field() -> None:
    """What a worker's lease holds."""
    assert [row[:3] for row in rows(section(SCHEMA, "## Heartbeat"))] == fields_of(Heartbeat)


def test_the_envelopes_are_as_the_page_writes_them() -> None:
    """The fields before the event, in order."""
    table = {row[0]: row[2] for row in rows(section(SCHEMA, "## An entry"))}
    envelopes = {"log": ev.ByMaster, "reports": ev.ByWorker, "intents": ev.ByOperator}
    for stream, envelope in envelopes.items():
        assert table[stream] == f"[{', '.join(name for name in envelope.__struct_fields__)}]"


def test_the_bytes_of_the_example_are_those_of_the_codec() -> None:
    """The note that the page spells out, byte by byte."""
    block = section(SCHEMA, "### The bytes of an entry").split("```")[1]
    digits = re.sub(r"(?m)^[kvd] | ", "", "\n".join(line[:51].strip() for line in block.strip().splitlines()))
    fields = encode(ev.ByMaster(3, 7, 1_700_000_000_000, ev.Noted("ann@laptop", "info", "deploy began")))
    assert digits.replace("\n", "") == b"".join(fields.values()).hex()


def test_the_tally_of_the_example_is_what_the_code_makes() -> None:
    """Three samples as ten columns."""
    tally = Tally()
    for latency_us in (900, 1_000, 250_000):
        tally.add(latency_us, 512, failed=latency_us == 250_000)
    blocks = section(SCHEMA, "## Samples: blocks, tallies, histograms").split("```")
    assert ast.literal_eval(blocks[1].strip()) == tally.to_wire()


def test_the_map_of_the_keys_is_that_of_the_code() -> None:
    """Key, type, life, writer and reader as `tidal/keys.py` draws them."""
    drawn = [re.split(r"\s{2,}", line.strip()) for line in inspect.cleandoc(keys.__doc__ or "").splitlines()]
    wanted = [line for line in drawn if line[0].startswith("tidal:")]
    table = rows(section(SCHEMA, "## Keys in Redis"))
    assert [row[:5] for row in table if row[0].startswith("tidal:")] == wanted


def test_every_key_that_the_code_can_make_is_in_the_map() -> None:
    """The properties of `RunKeys` and `FleetKeys` are the rows, no more and no less."""
    run, fleet = keys.RunKeys("RUN"), keys.FleetKeys("NAME")
    made = {getattr(run, name) for name in _properties(keys.RunKeys)}
    made |= {getattr(fleet, name) for name in _properties(keys.FleetKeys)} | {fleet.beat("ID"), keys.RUNS}
    table = rows(section(SCHEMA, "## Keys in Redis"))
    assert {row[0] for row in table if row[0].startswith("tidal:")} == made


def _properties(cls: type) -> list[str]:
    return [name for name, value in vars(cls).items() if isinstance(value, property) and name != "lasting"]


def test_the_bounds_are_those_of_the_code() -> None:
    """Constants with their values."""
    for name, value, what in rows(section(SCHEMA, "## Bounds")):
        module, _, constant = name.rpartition(".")
        found = getattr(import_module(module), constant)
        assert value == (f"{found:,}" if isinstance(found, int) else str(found)), name
        assert what


@pytest.mark.parametrize(
    ("above", "form", "lead"),
    [("head", archive_file.HEAD_STRUCT, archive_file.MAGIC), ("block", archive_file.BLOCK_STRUCT, archive_file.MARKER)],
)
def test_the_archive_is_laid_out_as_documented(above: str, form: struct.Struct, lead: bytes) -> None:
    """Sizes in bytes, in order, and what a file and a block begin with."""
    text = section(SCHEMA, "## The archive").partition(f"\n| {above} |")[2]
    table = rows(f"| {above} |{text}".partition("\n\n")[0])
    sizes = [int(row[1]) for row in table if row[1].isdigit() and row[0] != "head crc32"]
    letters = {1: "B", 2: "H", 4: "I", 8: "Q"}
    wanted = f">{len(lead)}s" + "".join(letters[size] for size in sizes[1:])
    assert (sizes[0], wanted) == (len(lead), form.format)
    assert lead.hex(" ") in table[0][2]


def test_the_moves_of_a_run_are_drawn_as_the_table_has_them() -> None:
    """The state diagram in the concepts names every move."""
    text = (DOCS / "concepts.md").read_text()
    for phase, moves in phases.RUN_MOVES.items():
        assert phase in text
        for kind, after in moves.items():
            assert re.search(rf"{phase} ─+ `?{kind}`? ─+▶ {after}", text), (phase, kind, after)


# ------------------------------------------------------------------ the walk through the code


def names_in(path: Path) -> set[str]:
    """Functions, classes, methods and module-level names of a source file, as `name` and `Class.name`."""
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        names |= _names_of(node, "")
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                names |= _names_of(inner, f"{node.name}.")
    return names


def _names_of(node: ast.stmt, prefix: str) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {prefix + node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {prefix + target.id for target in targets if isinstance(target, ast.Name)}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_code_that_a_page_names_exists(page: Path) -> None:
    """Every `tidal/x.py` and every `tidal/x.py:name` is there."""
    for path, name in re.findall(r"\b(tidal/[\w/]+\.py)(?::([\w.]*\w))?", page.read_text()):
        assert (ROOT / path).is_file(), path
        assert not name or name in names_in(ROOT / path), f"{path}:{name}"


def test_the_walk_names_much_of_the_code() -> None:
    """A trace without names would pass every test."""
    assert len(set(re.findall(r"tidal/[\w/]+\.py:[\w.]+", TRACE))) >= 25


def test_the_block_of_the_walk_is_what_the_code_makes() -> None:
    """The request that the trace follows, as a block and as a bucket."""
    tally = Tally()
    tally.add(38_214, 512, failed=False)
    block = ev.Block(1_764_000_000, 1, {("GET", "/products/N"): tally}, {"Browser": 1_000}, user_class="Browser")
    written = next(line for line in TRACE.splitlines() if line.startswith("[1764000000"))
    assert ast.literal_eval(written) == block.to_wire()
    assert f"{bucket_middle_us(bucket_of(38_214)):,}" in TRACE


# ------------------------------------------------------------------ commands, flags, files


def commands() -> list[tuple[str, str]]:
    """(page, command) of every `tidal …` command in code on a page."""
    return [(page_name(page), code) for page in PAGES for code in code_of(page) if re.match(r"tidal [a-z-]", code)]


def mentions() -> set[str]:
    """Inline code that only names a subcommand, such as `tidal stop`: what it needs besides is told elsewhere."""
    return {code for page in PAGES for code in inline(page) if re.fullmatch(r"tidal [a-z]+", code)}


@pytest.mark.parametrize(("page", "command"), commands())
def test_a_command_on_a_page_is_understood(page: str, command: str) -> None:
    """The real parser reads it: subcommand, flags and values."""
    _, word, *rest = shlex.split(command, comments=True)
    if word in (*cli_parser.HELP, *cli_parser.VERSION):
        return
    parser = cli_parser.parser_of(cli_parser.subcommand(word))
    if word == "locust":  # it looks into the file for arguments of its own, so there must be one
        rest = [str(ROOT / "examples" / "shop.py") if w == "locustfile.py" else w for w in rest]
    if command not in mentions() or command in fenced(ROOT / page):
        parser.read([w for w in rest if w != "--help"])


def test_the_readme_shows_commands() -> None:
    """Without this a page without commands would pass."""
    assert len({command for page, command in commands() if page == "README.md"}) >= 8


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_a_flag_on_a_page_exists(page: Path) -> None:
    """A flag that is named by itself belongs to some subcommand."""
    known = {flag for name in cli.SUBCOMMANDS for flag in cli_parser.parser_of(name).flags()}
    named = {code.split()[0].rstrip(",") for code in code_of(page) if re.match(r"--[a-z]", code)}
    assert not named - known


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_make_has_the_targets_that_a_page_names(page: Path) -> None:
    """`make X` is in the Makefile."""
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    assert {code.split()[1] for code in code_of(page) if re.match(r"make [a-z]", code)} <= targets


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_python_on_a_page_compiles(page: Path) -> None:
    """A block that says that it is Python is Python."""
    for block in re.findall(r"(?ms)^```python\n(.*?)^```", page.read_text()):
        compile(block, page_name(page), "exec")


def test_every_variable_is_documented_and_no_other() -> None:
    """`TIDAL_…` in the code and in the page are the same."""
    code = "\n".join(path.read_text() for path in (ROOT / "tidal").rglob("*.py"))
    assert set(re.findall(r"\bTIDAL_[A-Z_]+\b", FILES)) == set(re.findall(r"\bTIDAL_[A-Z_]+\b", code))


def test_every_dependency_has_its_reason() -> None:
    """Those of the package and those of development, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(line for extra in extras.values() for line in extra if "tidal[" not in line)]
    table = {row[0] for row in rows((DOCS / "decisions" / "0002-dependencies.md").read_text())}
    named = {name.strip() for cell in table for name in cell.split(",")}
    assert named == {re.split(r"[<>=;\[\s]", line)[0] for line in wanted}


# ------------------------------------------------------------------ links


def anchors_of(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link is a file that is there, every anchor a heading of its page."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text())
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_the_index_leads_to_every_page() -> None:
    """`docs/README.md` names all pages of the documentation."""
    index = (DOCS / "README.md").read_text()
    missing = [p for p in DOCS.rglob("*.md") if f"({p.relative_to(DOCS)})" not in index and p.name != "README.md"]
    assert not missing


@pytest.mark.parametrize("word", sorted({*VIEWS, *phases.WORKER_STATES, "valid", "suspect", "invalid"}))
def test_a_word_of_the_screen_is_in_the_glossary(word: str) -> None:
    """A view's name, a worker's state and a verdict have a row, or stand in the row of what they belong to."""
    rows = re.findall(r"(?m)^\| (\*\*.*)$", (DOCS / "glossary.md").read_text())
    forms = "|".join((word, word.removesuffix("s"), word.removesuffix("es")))
    assert any(re.search(rf"\b({forms})\b", row, re.IGNORECASE) for row in rows)
