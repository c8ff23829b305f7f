"""The one form in which Arrow tables pass between cauce and Sail."""

import functools

import pyarrow as pa

__all__ = ["conformed"]


def conformed(table: pa.Table, zone: str) -> pa.Table:
    """The same rows with instants labelled `zone`, list elements called `item`, and nested values that may be
    null, as in the schema's DDL text; copies nothing.

    Sail compares both when it checks that data fits a schema, and its own functions do not agree on them.
    """
    schema = _conformed_schema(table.schema, zone)
    return table if schema.equals(table.schema, check_metadata=True) else table.cast(schema)


@functools.lru_cache(maxsize=512)
def _conformed_schema(schema: pa.Schema, zone: str) -> pa.Schema:
    return pa.schema([pa.field(f.name, _conformed_type(f.type, zone), f.nullable) for f in schema])


def _conformed_type(kind: pa.DataType, zone: str) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", zone) if kind.tz is not None else kind
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, _conformed_type(f.type, zone)) for f in kind])
    if pa.types.is_list(kind):
        return pa.list_(pa.field("item", _conformed_type(kind.value_type, zone)))
    if pa.types.is_map(kind):
        return pa.map_(_conformed_type(kind.key_type, zone), _conformed_type(kind.item_type, zone))
    return kind
