"""Whether rows may become rows of a table: schema enforcement and schema evolution."""

from collections.abc import Iterable

from pyspark.sql.types import (
    ArrayType,
    ByteType,
    DataType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StructField,
    StructType,
    TimestampNTZType,
)

from cauce.delta.actions import Metadata
from cauce.delta.errors import DeltaAnalysisException

__all__ = [
    "as_nullable",
    "check_columns",
    "features_of",
    "merged_schema",
    "read_incompatibility",
    "stored_schema",
]

KEPT_METADATA = ("comment", "CURRENT_DEFAULT", "__CHAR_VARCHAR_TYPE_STRING")
WIDTHS: tuple[type[DataType], ...] = (ByteType, ShortType, IntegerType, LongType)


def stored_schema(schema: StructType) -> StructType:
    """A batch's columns as a new table keeps them: they may be null, and notes of the query are gone."""
    return StructType(
        [
            StructField(
                f.name,
                as_nullable(f.dataType),
                True,
                {key: f.metadata[key] for key in KEPT_METADATA if key in (f.metadata or {})},
            )
            for f in schema
        ]
    )


def as_nullable(kind: DataType) -> DataType:
    """The type with nulls allowed at every depth."""
    match kind:
        case StructType():
            return StructType([StructField(f.name, as_nullable(f.dataType), True) for f in kind])
        case ArrayType():
            return ArrayType(as_nullable(kind.elementType), True)
        case MapType():
            return MapType(as_nullable(kind.keyType), as_nullable(kind.valueType), True)
    return kind


def features_of(schema: StructType) -> set[str]:
    """Table features that the columns ask for."""
    found = set()
    if _holds(schema, TimestampNTZType):
        found.add("timestampNtz")
    for field in schema:
        notes = field.metadata or {}
        if "delta.generationExpression" in notes:
            found.add("generatedColumns")
        if "delta.identity.start" in notes:
            found.add("identityColumns")
        if "CURRENT_DEFAULT" in notes:
            found.add("allowColumnDefaults")
        if "delta.invariants" in notes or not field.nullable:
            found.add("invariants")
    return found


def check_columns(
    data: StructType, metadata: Metadata, *, partition_by: Iterable[str], can_overwrite: bool
) -> None:
    """DELTA_METADATA_MISMATCH if the rows have columns the table lacks, or other partitioning."""
    known = {name.lower() for name in metadata.schema.names}
    problems = []
    if any(name.lower() not in known for name in data.names):
        problems.append(_schema_mismatch(metadata.id))
        problems.append(f"Table schema:\n{metadata.schema.treeString()}\nData schema:\n{data.treeString()}")
    given = list(partition_by)
    if given and [n.lower() for n in given] != [n.lower() for n in metadata.partition_columns]:
        problems.append(_partition_mismatch(given, metadata.partition_columns))
        problems.append(OVERWRITE_HINT if can_overwrite else "")
    if problems:
        heading = "A metadata mismatch was detected when writing to the Delta table."
        text = "\n".join([heading, *filter(None, problems)])
        raise DeltaAnalysisException("DELTA_METADATA_MISMATCH", details=text)


def merged_schema(table: StructType, data: StructType, *, may_add: bool) -> StructType:
    """The table's columns, and with `may_add` the new ones of the data at the end of each struct."""
    given = {f.name.lower(): f for f in data}
    fields = []
    for field in table:
        other = given.pop(field.name.lower(), None)
        kind = field.dataType if other is None else _merged_type(field, other.dataType, may_add)
        fields.append(StructField(field.name, kind, field.nullable, field.metadata))
    if may_add:
        fields.extend(stored_schema(StructType(list(given.values()))).fields)
    return StructType(fields)


def _merged_type(field: StructField, data: DataType, may_add: bool) -> DataType:
    table = field.dataType
    if isinstance(table, StructType) and isinstance(data, StructType):
        return merged_schema(table, data, may_add=may_add)
    if isinstance(table, ArrayType) and isinstance(data, ArrayType):
        inner = StructField(field.name, table.elementType)
        return ArrayType(_merged_type(inner, data.elementType, may_add), table.containsNull)
    if not isinstance(data, NullType) and not can_store(table, data):
        failed = DeltaAnalysisException(
            "DELTA_FAILED_TO_MERGE_FIELDS", currentField=field.name, updateField=field.name
        )
        reason = f"Failed to merge incompatible data types {_scala_name(table)} and {_scala_name(data)}"
        failed.__cause__ = DeltaAnalysisException(None, reason)
        raise failed
    return table


def can_store(table: DataType, data: DataType) -> bool:
    """Whether every value of one type is one of the other, as Delta sees it."""
    if as_nullable(table) == as_nullable(data):
        return True
    if isinstance(table, WIDTHS) and isinstance(data, WIDTHS):
        return WIDTHS.index(type(data)) <= WIDTHS.index(type(table))
    if isinstance(table, MapType) and isinstance(data, MapType):
        return can_store(table.keyType, data.keyType) and can_store(table.valueType, data.valueType)
    return False


def read_incompatibility(changed: StructType, read: StructType) -> bool:
    """Whether rows written under the changed columns cannot be read as the columns a stream began with."""
    expected = {f.name.lower(): f for f in read}
    for field in changed:
        known = expected.get(field.name.lower())
        if known is None or (field.nullable and not known.nullable):
            return True
        if isinstance(known.dataType, StructType) and isinstance(field.dataType, StructType):
            if read_incompatibility(field.dataType, known.dataType):
                return True
        elif as_nullable(known.dataType) != as_nullable(field.dataType):
            return True
    return False


def _holds(kind: DataType, wanted: type[DataType]) -> bool:
    match kind:
        case StructType():
            return any(_holds(f.dataType, wanted) for f in kind)
        case ArrayType():
            return _holds(kind.elementType, wanted)
        case MapType():
            return _holds(kind.keyType, wanted) or _holds(kind.valueType, wanted)
    return isinstance(kind, wanted)


def _scala_name(kind: DataType) -> str:
    return type(kind).__name__


OVERWRITE_HINT = (
    'To overwrite your schema or change partitioning, please set: \'.option("overwriteSchema", "true")\'.\n'
    "Note that the schema can't be overwritten when using 'replaceWhere'."
)


def _schema_mismatch(table_id: str) -> str:
    return (
        f"- A schema mismatch detected when writing to the Delta table (Table ID: {table_id}).\n"
        "To enable schema migration using DataFrameWriter or DataStreamWriter, please set: "
        '\'.option("mergeSchema", "true")\'.\n'
        "For other operations, set the session configuration "
        'spark.databricks.delta.schema.autoMerge.enabled to "true". '
        "See the documentation specific to the operation for details.\n"
    )


def _partition_mismatch(given: list[str], actual: Iterable[str]) -> str:
    return (
        "- Partition columns do not match the partition columns of the table.\n"
        f"Given: {_backquoted(given)}\nTable: {_backquoted(actual)}\n"
    )


def _backquoted(names: Iterable[str]) -> str:
    return "[" + ", ".join(f"`{name}`" for name in names) + "]"
