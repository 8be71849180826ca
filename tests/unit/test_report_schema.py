"""`--json` keeps to its published schema. `python tests/unit/test_report_schema.py` writes the schema anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from recordings import Shop, record

from tidal.outputs.json import frame_json
from tidal.outputs.json_schema import frame_schema
from tidal.report import read_frame

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "reference" / "report.schema.json"


def written() -> str:
    """The schema's file."""
    return json.dumps(frame_schema(), indent=2, sort_keys=True) + "\n"


def values(tmp_path: Path, **shop: Any) -> Any:
    """What `--json` writes of a run."""
    return json.loads(frame_json(read_frame(record(tmp_path / "r.tidal", Shop(seconds=20, **shop)))))


def test_the_published_schema_is_what_the_code_says() -> None:
    """A field that is added changes it in the same commit; one that goes raises its number."""
    assert PUBLISHED.read_text(encoding="utf8") == written(), "write it anew: python tests/unit/test_report_schema.py"


def test_the_schema_is_one() -> None:
    """By the dialect that it names."""
    Draft202012Validator.check_schema(frame_schema())


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
    PUBLISHED.write_text(written(), encoding="utf8")
