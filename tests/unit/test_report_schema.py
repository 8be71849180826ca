"""`--json` keeps to its published schemas.

`PYTHONPATH=tests python tests/unit/test_report_schema.py` writes them anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from recordings import Shop, record

from tidal.__main__ import main
from tidal.outputs.json import frame_json
from tidal.outputs.json_schema import comparison_schema, explanation_schema, frame_schema, judgement_schema
from tidal.report import read_frame

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
PUBLISHED = REFERENCE / "report.schema.json"
SCHEMAS = {
    "report": frame_schema,
    "explain": explanation_schema,
    "diff": comparison_schema,
    "judge": judgement_schema,
}


def written(name: str) -> str:
    """A schema's file."""
    return json.dumps(SCHEMAS[name](), indent=2, sort_keys=True) + "\n"


def published(name: str) -> Draft202012Validator:
    """What holds a value to a published schema."""
    return Draft202012Validator(json.loads((REFERENCE / f"{name}.schema.json").read_text(encoding="utf8")))


def values(tmp_path: Path, **shop: Any) -> Any:
    """What `--json` writes of a run."""
    return json.loads(frame_json(read_frame(record(tmp_path / "r.tidal", Shop(seconds=20, **shop)))))


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_what_the_code_says(name: str) -> None:
    """A field that is added changes it in the same commit; one that goes raises its number."""
    file = REFERENCE / f"{name}.schema.json"
    assert file.read_text(encoding="utf8") == written(name), (
        "write it anew: PYTHONPATH=tests python tests/unit/test_report_schema.py"
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_is_one(name: str) -> None:
    """By the dialect that it names."""
    Draft202012Validator.check_schema(SCHEMAS[name]())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two shops, one of which says what would hurt."""
    folder = tmp_path_factory.mktemp("runs")
    return str(record(folder / "a.tidal", Shop())), str(record(folder / "b.tidal", Shop(said="\x1b[31m</script>")))


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """The JSON that a command prints."""
    capsys.readouterr()
    main(list(words))
    return json.loads(capsys.readouterr().out)


def test_what_changed_when_keeps_to_its_schema(runs: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """With findings of which each has all of its fields; what is no finding is refused."""
    for run in runs:
        found = told(capsys, "explain", run, "--json")
        assert found["findings"]
        published("explain").validate(found)
    with pytest.raises(ValidationError):
        published("explain").validate({**found, "findings": [{"kind": "spike"}]})


def test_a_comparison_keeps_to_its_schema(runs: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Of three runs, so of two comparisons; one without rows is refused."""
    found = told(capsys, "diff", *runs, runs[0], "--json")
    assert len(found["comparisons"]) == 2
    published("diff").validate(found)
    with pytest.raises(ValidationError):
        published("diff").validate({**found, "comparisons": [{"b": "x"}]})


def test_a_judgement_keeps_to_its_schema(runs: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Kept to, not kept to, and not to be judged."""
    found = told(capsys, "judge", runs[0], "p95<9s", "p95<1ms", "p95 of /nowhere < 1s", "--json", "-")
    assert [row["word"] for row in found["thresholds"]] == ["passed", "failed", "unjudged"]
    published("judge").validate(found)
    with pytest.raises(ValidationError):
        published("judge").validate({**found, "verdict": "valid"})


@pytest.mark.parametrize(
    "shop", [{}, {"measures": True}, {"is_closed": False}, {"said": "\x1b[31m</script>"}, {"endpoints": ()}], ids=str
)
def test_a_run_keeps_to_it(tmp_path: Path, shop: dict[str, Any]) -> None:
    """Closed or going on, hostile or empty."""
    Draft202012Validator(json.loads(PUBLISHED.read_text(encoding="utf8"))).validate(values(tmp_path, **shop))


@pytest.mark.parametrize(("field", "value"), [("at_ms", "now"), ("schema", 2), ("endpoints", [{}]), ("total", None)])
def test_it_tells_what_is_wrong(tmp_path: Path, field: str, value: object) -> None:
    """A schema that accepts anything would prove nothing."""
    broken = {**values(tmp_path), field: value}
    with pytest.raises(ValidationError):
        Draft202012Validator(frame_schema()).validate(broken)


if __name__ == "__main__":
    for schema in SCHEMAS:
        (REFERENCE / f"{schema}.schema.json").write_text(written(schema), encoding="utf8")
