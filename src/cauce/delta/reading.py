"""The rows of data files: a scan that the engine runs, or Arrow rows where a file has deletions."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql.connect.proto import Expression, Project, Read, Relation
from pyspark.sql.types import StructField, StructType

from cauce.delta.actions import AddFile, Metadata, path_on_disk
from cauce.delta.data_files import arrow_form
from cauce.delta.deletion_vector import deleted_rows
from cauce.engine.ddl import ddl_text
from cauce.files import local_copies, local_copy, path_of_uri, uri_of_path
from cauce.formats import constant_column
from cauce.formats.parquet_schema import has_int96
from cauce.plan.build import alias, attribute, text_as, union_all

__all__ = ["absolute_path", "is_absolute", "read_file", "read_files", "scan"]


def absolute_path(table_path: str, encoded: str) -> str:
    """Where a data file is."""
    if is_absolute(encoded):
        return path_of_uri(encoded)
    return f"{table_path}/{path_on_disk(encoded)}"


def is_absolute(encoded: str) -> bool:
    """Whether a file lies elsewhere: a clone's files stay where they are."""
    return encoded.startswith(("file:", "/", "s3://", "s3a://"))


def scan(table_path: str, files: Sequence[AddFile], metadata: Metadata) -> Relation:
    """A relation over files without deletions, for the engine to prune and filter while reading."""
    copies = local_copies([absolute_path(table_path, file.path) for file in files])
    keyed = sorted(
        ((_scan_key(copy, file, metadata), copy, file) for copy, file in zip(copies, files, strict=True)),
        key=lambda each: each[0],
    )
    groups = [[each[1:] for each in group] for _, group in groupby(keyed, key=lambda each: each[0])]
    return union_all([_scan_of_partition(group, metadata) for group in groups])


def read_files(table_path: str, files: Iterable[AddFile], metadata: Metadata) -> pa.Table:
    """The rows of files, deletions taken out."""
    files = list(files)
    local_copies([absolute_path(table_path, file.path) for file in files])  # All at the same time.
    schema = arrow_form(metadata.schema)
    tables = [read_file(table_path, file, metadata) for file in files]
    return pa.concat_tables(tables) if tables else schema.empty_table()


def read_file(table_path: str, file: AddFile, metadata: Metadata, *, keep_deleted: bool = False) -> pa.Table:
    """The rows of one file in the table's form; columns younger than the file are null."""
    path = local_copy(absolute_path(table_path, file.path))
    data = pq.ParquetFile(path, coerce_int96_timestamp_unit="us")
    by_name = {name.lower(): name for name in data.schema_arrow.names}
    wanted = (by_name.get(field.name.lower()) for field in metadata.schema)
    stored = data.read(columns=[name for name in wanted if name is not None])
    columns = []
    for field in metadata.schema:
        kind = arrow_form(StructType([field])).field(0).type
        columns.append(_column(stored, by_name.get(field.name.lower()), field, kind, file, metadata))
    table = pa.table(columns, names=metadata.schema.names).cast(_all_nullable(metadata.schema))
    if file.deletion_vector is None or keep_deleted:
        return table
    return without_rows(table, deleted_rows(table_path, file.deletion_vector))


def without_rows(table: pa.Table, positions: pa.Array) -> pa.Table:
    """All rows but those."""
    rows = pa.array(range(table.num_rows), pa.uint64())
    return table.filter(pc.invert(pc.is_in(rows, value_set=positions.cast(pa.uint64()))))


def _column(
    stored: pa.Table,
    name: str | None,
    field: StructField,
    kind: pa.DataType,
    file: AddFile,
    metadata: Metadata,
) -> pa.Array | pa.ChunkedArray:
    if field.name in metadata.partition_columns:
        value = file.partition_values.get(field.name)
        return constant_column(value or None, field.dataType, kind, stored.num_rows)
    if name is None:
        return pa.nulls(stored.num_rows, kind)
    column = stored[name]
    if pa.types.is_timestamp(column.type) and pa.types.is_timestamp(kind) and column.type.tz is None:
        return column.cast(pa.timestamp("us")).cast(kind) if kind.tz is None else _as_utc(column, kind)
    return column.cast(kind)


def _as_utc(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """INT96 moments come without their zone, which is UTC."""
    return pc.assume_timezone(column.cast(pa.timestamp("us")), "UTC").cast(kind)


def _all_nullable(schema: StructType) -> pa.Schema:
    return pa.schema([pa.field(f.name, f.type, True) for f in arrow_form(schema)])


def _scan_key(path: str, file: AddFile, metadata: Metadata) -> tuple:
    """Files of one scan have the same partition, and spell moments the same way: the engine needs it."""
    values = [file.partition_values.get(name) for name in metadata.partition_columns]
    spelled = has_int96(path) if _holds_moments(metadata.schema) else False
    return (spelled, *((value is None, value or "") for value in values))


def _holds_moments(schema: StructType) -> bool:
    return '"timestamp"' in schema.json()


def _scan_of_partition(files: Sequence[tuple[str, AddFile]], metadata: Metadata) -> Relation:
    # A URI, because the engine takes brackets and stars of a plain path for a pattern.
    paths = [uri_of_path(path) for path, _ in files]
    source = Read.DataSource(format="parquet", schema=ddl_text(metadata.data_schema), paths=paths)
    relation = Relation(read=Read(data_source=source))
    if not metadata.partition_columns:
        return relation
    columns = [
        _constant(files[0][1], field) if field.name in metadata.partition_columns else attribute(field.name)
        for field in metadata.schema
    ]
    return Relation(project=Project(input=relation, expressions=columns))


def _constant(file: AddFile, field: StructField) -> Expression:
    # Delta writes null as an empty text too.
    value = file.partition_values.get(field.name) or None
    return alias(text_as(field.dataType, value), field.name)
