"""The JSON Schemas of what `--json` writes, read off the rows that it is made of: they cannot say anything else."""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin, get_type_hints

from tidal.model.compare import Comparison
from tidal.model.explain import Explanation
from tidal.model.judged_rows import ThresholdRow, VerdictRow
from tidal.model.rows import Frame
from tidal.model.struct import fields_of, is_record
from tidal.outputs import compared, explained
from tidal.outputs.json import JSON_SCHEMA

DIALECT = "https://json-schema.org/draft/2020-12/schema"
UNITS = {
    "_user_ms": "user-milliseconds: one user that runs for one millisecond",
    "_ms": "milliseconds; moments are Unix time of the run's Redis",
    "_us": "microseconds",
    "_bytes": "bytes",
    "_permille": "thousandths",
    "_milli": "thousandths",
}
PLAIN_TEXT = {"type": "string"}
PLAIN = {int: "integer", str: "string", bool: "boolean", float: "number"}


def frame_schema() -> dict[str, Any]:
    """The schema of `frame_json`. New fields may come without a new number; none goes or changes its meaning."""
    known: dict[str, Any] = {}
    schema = _with(_object(Frame, known), schema={"const": JSON_SCHEMA})
    return _whole("The figures of a tidal run", _doc(Frame), schema, known)


def explanation_schema() -> dict[str, Any]:
    """The schema of `tidal explain --json`."""
    known: dict[str, Any] = {}
    schema = _with(_object(Explanation, known), schema={"const": explained.SCHEMA}, run=PLAIN_TEXT)
    return _whole("What changed when in a tidal run", _doc(Explanation), schema, known)


def comparison_schema() -> dict[str, Any]:
    """The schema of `tidal diff --json`: a baseline `a`, and each other run compared with it."""
    known: dict[str, Any] = {}
    one = _with(_object(Comparison, known), b=PLAIN_TEXT, regressions={"type": "integer"})
    fields_of: dict[str, Any] = {
        "schema": {"const": compared.SCHEMA},
        "a": PLAIN_TEXT,
        "comparisons": {"type": "array", "items": {"description": _doc(Comparison), **one}},
    }
    schema = _with({"type": "object", "properties": {}, "required": []}, **fields_of)
    return _whole("Tidal runs compared with a baseline", "A baseline and what came of each other run.", schema, known)


def judgement_schema() -> dict[str, Any]:
    """The schema of `tidal judge --json`."""
    known: dict[str, Any] = {}
    row = _with(_object(ThresholdRow, known), entry={"type": "string", "description": "of the log, that tripped it"})
    fields_of: dict[str, Any] = {
        "schema": {"const": 1},
        "run": PLAIN_TEXT,
        "exit_code": {"type": "integer"},
        "verdict": _value(VerdictRow, known),
        "thresholds": {"type": "array", "items": {"description": _doc(ThresholdRow), **row}},
    }
    schema = _with({"type": "object", "properties": {}, "required": []}, **fields_of)
    return _whole("A tidal run, judged by thresholds", "How each threshold stands.", schema, known)


def _with(schema: dict[str, Any], /, **more: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object with more fields."""
    required = sorted([*schema["required"], *more])
    return {**schema, "properties": {**schema["properties"], **more}, "required": required}


def _whole(title: str, description: str, schema: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """A schema that stands alone."""
    head = {"$schema": DIALECT, "title": title, "description": description}
    return {**head, **schema, "$defs": dict(sorted(known.items()))}


def _doc(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _object(kind: type, known: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    rows = fields_of(kind)
    return {
        "type": "object",
        "properties": {row.name: _field(row.name, hints[row.name], known) for row in rows},
        "required": sorted(row.name for row in rows),
    }


def _field(name: str, hint: Any, known: dict[str, Any]) -> dict[str, Any]:
    schema = _value(hint, known)
    unit = next((told for suffix, told in UNITS.items() if name.endswith(suffix)), "")
    return {**schema, "description": unit} if unit else schema


def _value(hint: Any, known: dict[str, Any]) -> dict[str, Any]:
    if is_record(hint):
        if hint.__name__ not in known:
            known[hint.__name__] = {}
            known[hint.__name__] = {"description": _doc(hint), **_object(hint, known)}
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if hint in PLAIN:
        return {"type": PLAIN[hint]}
    parts = get_args(hint)
    if get_origin(hint) in {Union, types.UnionType}:
        (kind,) = (part for part in parts if part is not type(None))
        if kind not in PLAIN:
            return {"anyOf": [_value(kind, known), {"type": "null"}]}
        return {"type": [PLAIN[kind], "null"]}
    if get_origin(hint) is tuple and parts[-1] is Ellipsis:
        return {"type": "array", "items": _value(parts[0], known)}
    if get_origin(hint) is tuple:
        items = [_value(part, known) for part in parts]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    raise TypeError(f"no JSON for {hint}")
