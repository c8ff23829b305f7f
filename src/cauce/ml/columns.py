"""Columns of a stage: finding them in a schema, checking their types, reading and appending them."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import BooleanType, DataType, NumericType, StringType, StructField, StructType

from cauce.errors import IllegalArgumentException, SparkError
from cauce.formats.text_columns import cast_to_text, double_text
from cauce.ml.attributes import AttributeGroup

__all__ = [
    "VECTOR_TYPE_NAME",
    "appended",
    "as_text",
    "check_new",
    "check_numeric",
    "check_vector",
    "column",
    "doubles",
    "failed_function",
    "field_of",
    "java_double",
    "java_name",
    "require",
    "sized",
    "unary_output",
    "vectors_of",
    "with_fields",
]

VECTOR_TYPE_NAME = "struct<type:tinyint,size:int,indices:array<int>,values:array<double>>"


def require(condition: object, message: str) -> None:
    """Scala's `require`: an IllegalArgumentException unless the condition holds."""
    if not condition:
        raise IllegalArgumentException(None, f"requirement failed: {message}")


def failed_function(stage: str, reason: str, *, of: str = "double", to: str = "double") -> SparkError:
    """What Spark raises when the function of a stage fails on a row; `reason` begins with the Java class."""
    return SparkError("FAILED_EXECUTE_UDF", functionName=stage, signature=of, result=to, reason=reason)


def field_of(schema: StructType, name: str) -> StructField:
    """The field of this name, which may lead into structs (`s.a`); FIELD_NOT_FOUND without one."""
    if name in schema.names:
        return schema[name]
    outer, _, inner = name.partition(".")
    if inner and outer in schema.names and isinstance(schema[outer].dataType, StructType):
        found = field_of(schema[outer].dataType, inner)  # type: ignore[arg-type]
        return StructField(name, found.dataType, found.nullable, found.metadata)
    fields = ", ".join(f"`{known}`" for known in schema.names)
    raise IllegalArgumentException("FIELD_NOT_FOUND", fieldName=f"`{name}`", fields=fields)


def column(batch: pa.RecordBatch, schema: StructType, name: str) -> pa.Array:
    """The column of this name, which may lead into structs."""
    if name in schema.names:
        return batch.column(schema.names.index(name))
    outer, _, inner = name.partition(".")
    parent = batch.column(schema.names.index(outer))
    children = pa.RecordBatch.from_arrays(parent.flatten(), names=[child.name for child in parent.type])
    return column(children, schema[outer].dataType, inner)  # type: ignore[arg-type]


def java_name(kind: DataType) -> str:
    """The type as Scala prints the object: StringType, DecimalType(5,2)."""
    if isinstance(kind, VectorUDT):
        return "org.apache.spark.ml.linalg.VectorUDT@3bfc3ba7"
    return str(kind).removesuffix("()")


def java_double(number: float) -> str:
    """The number as Java prints it."""
    return double_text(pa.array([number], pa.float64()))[0].as_py()


def check_vector(schema: StructType, name: str) -> StructField:
    """The field, refused unless it holds vectors."""
    field = field_of(schema, name)
    kind = field.dataType
    require(
        isinstance(kind, VectorUDT),
        f"Column {name} must be of type class org.apache.spark.ml.linalg.VectorUDT:{VECTOR_TYPE_NAME} "
        f"but was actually class org.apache.spark.sql.types.{java_name(kind)}$:{kind.simpleString()}.",
    )
    return field


def check_numeric(schema: StructType, name: str) -> StructField:
    """The field, refused unless it holds numbers."""
    field = field_of(schema, name)
    require(
        isinstance(field.dataType, NumericType),
        f"Column {name} must be of type numeric but was actually of type "
        f"{VECTOR_TYPE_NAME if isinstance(field.dataType, VectorUDT) else field.dataType.simpleString()}.",
    )
    return field


def check_new(schema: StructType, name: str, *, required: bool = True, word: str = "Output column") -> None:
    """Refuse an output column that is already there."""
    if name in schema.names:
        prefix = "requirement failed: " if required else ""
        raise IllegalArgumentException(None, f"{prefix}{word} {name} already exists.")


def with_fields(schema: StructType, *fields: StructField) -> StructType:
    """The schema with fields at its end, or in place of those of the same name."""
    new = {field.name: field for field in fields}
    kept = [new.pop(field.name, field) for field in schema.fields]
    return StructType([*kept, *new.values()])


def appended(batch: pa.RecordBatch, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """The batch with columns at its end, or in place of those of the same name."""
    new = dict(columns)
    names = [*batch.schema.names, *(name for name in new if name not in batch.schema.names)]
    arrays = [new[name] if name in new else batch.column(index) for index, name in enumerate(names)]
    return pa.RecordBatch.from_arrays(arrays, names=names)


def doubles(values: pa.Array) -> np.ndarray:
    """Numbers or booleans as float64; nulls become NaN."""
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    if not pa.types.is_float64(values.type):
        values = values.cast(pa.float64())
    return values.to_numpy(zero_copy_only=False)


def as_text(values: pa.Array, kind: DataType) -> pa.Array:
    """`CAST(column AS STRING)` of a number or string column."""
    if isinstance(kind, StringType):
        return values.cast(pa.string())
    if isinstance(kind, BooleanType):
        return pc.if_else(values, "true", "false")
    return cast_to_text(values, kind, "UTC")


def vectors_of(batch: pa.RecordBatch, schema: StructType, name: str, stage: str) -> pa.StructArray:
    """A vector column in which no vector is missing; Spark's functions fail on those."""
    cells = column(batch, schema, name)
    if cells.null_count:
        kinds = {"of": VECTOR_TYPE_NAME, "to": VECTOR_TYPE_NAME}
        raise failed_function(stage, "java.lang.NullPointerException", **kinds)
    return cells


def unary_output(schema: StructType, source: str, target: str) -> StructField:
    """The column that a stage of one vector column appends, checked as Spark's UnaryTransformer does."""
    field = field_of(schema, source)
    shown = field.dataType.simpleString()
    require(isinstance(field.dataType, VectorUDT), f"Input type must be {VECTOR_TYPE_NAME} but got {shown}.")
    check_new(schema, target, required=False)
    return StructField(target, VectorUDT(), field.nullable)


def sized(field: StructField, size: int) -> StructField:
    """The vector field with its size told in the metadata, if known."""
    metadata = AttributeGroup(count=size).metadata() if size >= 0 else {}
    return StructField(field.name, field.dataType, field.nullable, metadata)
