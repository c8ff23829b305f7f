"""Avro schemas and Spark's types: which column an Avro schema makes, and which schema a column.

Source: SchemaConverters.scala of Apache Spark 4.2. Schemas are parsed JSON: names, lists and dictionaries.
"""

from collections.abc import Mapping
from typing import Any

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from cauce.errors import AnalysisException

__all__ = ["AvroSchema", "avro_of_type", "type_of_avro", "without_null"]

AvroSchema = Any

PLAIN: dict[str, DataType] = {
    "null": NullType(),
    "boolean": BooleanType(),
    "int": IntegerType(),
    "long": LongType(),
    "float": FloatType(),
    "double": DoubleType(),
    "bytes": BinaryType(),
    "fixed": BinaryType(),
    "string": StringType(),
    "enum": StringType(),
}
LOGICAL: dict[str, DataType] = {
    "date": DateType(),
    "timestamp-millis": TimestampType(),
    "timestamp-micros": TimestampType(),
    "local-timestamp-millis": TimestampNTZType(),
    "local-timestamp-micros": TimestampNTZType(),
}
WIDER = {frozenset(("int", "long")): LongType(), frozenset(("float", "double")): DoubleType()}


def type_of_avro(schema: AvroSchema, named: Mapping[str, AvroSchema]) -> tuple[DataType, bool]:
    """The column's type and whether it may be null; `named` are the schema's own named types."""
    if isinstance(schema, list):
        return _type_of_union(schema, named)
    if isinstance(schema, str):
        return (PLAIN[schema], schema == "null") if schema in PLAIN else type_of_avro(named[schema], named)
    kind = schema["type"]
    if not isinstance(kind, str):
        return type_of_avro(kind, named)
    if kind == "record":
        return _type_of_record(schema, named), False
    if kind == "array":
        element, nullable = type_of_avro(schema["items"], named)
        return ArrayType(element, nullable), False
    if kind == "map":
        value, nullable = type_of_avro(schema["values"], named)
        return MapType(StringType(), value, nullable), False
    logical = schema.get("logicalType")
    if logical == "decimal":
        return DecimalType(schema["precision"], schema.get("scale", 0)), False
    return LOGICAL.get(logical, PLAIN.get(kind, NullType())), False


def without_null(schema: list[AvroSchema]) -> AvroSchema:
    """What a union holds besides null."""
    rest = [branch for branch in schema if branch != "null"]
    return rest[0] if len(rest) == 1 else rest


def avro_of_type(kind: DataType, name: str, nullable: bool) -> AvroSchema:
    """The schema `to_avro` writes a column with when none is given; null is the second branch of a union."""
    schema = _avro_of(kind, name)
    return [schema, "null"] if nullable and schema != "null" else schema


def _type_of_record(schema: AvroSchema, named: Mapping[str, AvroSchema]) -> StructType:
    fields = ((field["name"], *type_of_avro(field["type"], named)) for field in schema["fields"])
    return StructType([StructField(name, kind, nullable) for name, kind, nullable in fields])


def _type_of_union(schema: list[AvroSchema], named: Mapping[str, AvroSchema]) -> tuple[DataType, bool]:
    branches = [branch for branch in schema if branch != "null"]
    nullable = len(branches) < len(schema)
    if len(branches) == 1:
        return type_of_avro(branches[0], named)[0], nullable
    if not branches:
        return NullType(), True
    if all(isinstance(branch, str) for branch in branches) and frozenset(branches) in WIDER:
        return WIDER[frozenset(branches)], nullable
    raise AnalysisException(None, f"An Avro union of {len(branches)} types is not supported: {schema}.")


def _avro_of(kind: DataType, name: str) -> AvroSchema:
    match kind:
        case NullType():
            return "null"
        case BooleanType():
            return "boolean"
        case ByteType() | ShortType() | IntegerType():
            return "int"
        case LongType():
            return "long"
        case FloatType():
            return "float"
        case DoubleType():
            return "double"
        case StringType():
            return "string"
        case BinaryType():
            return "bytes"
        case DateType():
            return {"type": "int", "logicalType": "date"}
        case TimestampType():
            return {"type": "long", "logicalType": "timestamp-micros"}
        case TimestampNTZType():
            return {"type": "long", "logicalType": "local-timestamp-micros"}
        case DecimalType():
            return _fixed_decimal(kind, name)
        case ArrayType():
            return {"type": "array", "items": avro_of_type(kind.elementType, name, kind.containsNull)}
        case MapType():
            return {"type": "map", "values": avro_of_type(kind.valueType, name, kind.valueContainsNull)}
        case StructType():
            fields = [(f.name, avro_of_type(f.dataType, f"{name}_{f.name}", f.nullable)) for f in kind]
            return {"type": "record", "name": name, "fields": [{"name": n, "type": t} for n, t in fields]}
    raise AnalysisException(None, f"Cannot convert Spark type {kind.simpleString()} to Avro type.")


def _fixed_decimal(kind: DecimalType, name: str) -> AvroSchema:
    bits = (10**kind.precision - 1).bit_length() + 1
    return {
        "type": "fixed",
        "name": f"{name}_fixed",
        "size": -(-bits // 8),
        "logicalType": "decimal",
        "precision": kind.precision,
        "scale": kind.scale,
    }
