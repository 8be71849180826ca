"""The JSON Schema of what `--json` writes, read off the rows that it is made of: it cannot say anything else."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from tidal.model.rows import Frame
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
PLAIN = {int: "integer", str: "string", bool: "boolean", float: "number"}


def frame_schema() -> dict[str, Any]:
    """The schema of `frame_json`. New fields may come without a new number; none goes or changes its meaning."""
    known: dict[str, Any] = {}
    schema = _object(Frame, known)
    schema["properties"]["schema"] = {"const": JSON_SCHEMA}
    schema["required"] = sorted([*schema["required"], "schema"])
    head = {"$schema": DIALECT, "title": "The figures of a tidal run", "description": _doc(Frame)}
    return {**head, **schema, "$defs": dict(sorted(known.items()))}


def _doc(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _object(kind: type, known: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    rows = fields(kind)
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
    if is_dataclass(hint) and isinstance(hint, type):
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
