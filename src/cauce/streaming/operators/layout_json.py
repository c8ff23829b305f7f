"""Store layouts as JSON, for the operator's metadata file in the checkpoint."""

import base64
import json
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema

from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.layout import Part, Source, StoreLayout

__all__ = ["layout_of", "to_json"]


def to_json(layout: StoreLayout) -> dict[str, Any]:
    """Spark's schemas in its own JSON for people; the columns exactly, as Arrow writes schemas."""
    return {
        "keySchema": json.loads(from_arrow_schema(pa.schema([p.declared for p in layout.key])).json()),
        "valueSchema": json.loads(from_arrow_schema(pa.schema([p.declared for p in layout.value])).json()),
        "key": [_part_json(part) for part in layout.key],
        "value": [_part_json(part) for part in layout.value],
        "types": _packed(pa.schema([_typed(p, i) for i, p in enumerate((*layout.key, *layout.value))])),
        "keyColumns": _packed(pa.schema(layout.keys.fields)),
        "keyEventTime": layout.keys.event_time,
        "valueColumns": _packed(layout.value_schema),
        "eventTime": layout.event_time,
        "multiRow": layout.multi_row,
        "hidden": sorted(layout.hidden),
    }


def layout_of(record: dict[str, Any]) -> StoreLayout:
    """The reverse of `to_json`."""
    types = _unpacked(record["types"])
    width = len(record["key"])
    columns = _unpacked(record["keyColumns"])
    return StoreLayout(
        keys=GroupKeys(tuple(columns.names), tuple(columns.types), record["keyEventTime"]),
        value_schema=_unpacked(record["valueColumns"]),
        key=tuple(_part(part, types.field(i)) for i, part in enumerate(record["key"])),
        value=tuple(_part(part, types.field(width + i)) for i, part in enumerate(record["value"])),
        event_time=record["eventTime"],
        multi_row=record["multiRow"],
        hidden=frozenset(record["hidden"]),
    )


def _typed(part: Part, number: int) -> pa.Field:
    return pa.field(str(number), part.type, part.nullable)


def _part_json(part: Part) -> dict[str, Any]:
    source = part.source
    record: dict[str, Any] = {"name": part.name, "from": source.how}
    if source.how == "key":
        record["number"] = source.number
    if source.name:
        record["column"] = source.name
    if source.parts:
        record["parts"] = [_part_json(p) for p in source.parts]
    return record


def _part(record: dict[str, Any], field: pa.Field) -> Part:
    inner = record.get("parts", [])
    parts = tuple(_part(p, field.type.field(i)) for i, p in enumerate(inner))
    source = Source(record["from"], record.get("column", ""), record.get("number", 0), parts)
    return Part(record["name"], field.type, source, field.nullable)


def _packed(schema: pa.Schema) -> str:
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def _unpacked(text: str) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))
