"""Writing rows into a table: the table is made if need be, its schema evolves if allowed."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.clock import Clock
from cauce.delta.actions import AddFile, Metadata
from cauce.delta.columns import check_columns, features_of, merged_schema, stored_schema
from cauce.delta.data_files import write_files
from cauce.delta.errors import DeltaAnalysisException, DeltaUnsupportedOperationException
from cauce.delta.incoming_rows import incoming_rows
from cauce.delta.properties import features_of_properties, table_properties
from cauce.delta.protocol import protocol_for, with_features
from cauce.delta.transaction import Transaction
from cauce.engine import EngineSession

__all__ = ["WriteOptions", "ensure_table", "remove_all", "set_table", "write_rows"]


@dataclass(frozen=True)
class WriteOptions:
    """What the user asked for, besides the rows."""

    partition_by: tuple[str, ...] = ()
    merge_schema: bool = False
    overwrite_schema: bool = False
    properties: Mapping[str, str] = field(default_factory=dict)
    """Of a new table."""
    rows_max: int | None = None
    user_metadata: str | None = None


def ensure_table(
    transaction: Transaction, data: StructType, options: WriteOptions, *, replaces: bool = False
) -> None:
    """Create the table, or bring its schema in line with the data as far as the options allow.

    `replaces`: all rows go, so that the schema may be another one with `overwriteSchema`.
    """
    _refuse_repeated_names(data)
    if not transaction.snapshot.exists:
        set_table(transaction, _new_table(data, options, transaction.clock))
    elif replaces and options.overwrite_schema:
        table = transaction.snapshot.table
        changed = replace(
            table.with_schema(stored_schema(data)), partition_columns=_partitioning(data, options)
        )
        if changed.action() != table.action():
            set_table(transaction, changed)
    else:
        _evolve(transaction, data, options, replaces)


def _evolve(transaction: Transaction, data: StructType, options: WriteOptions, replaces: bool) -> None:
    table = transaction.snapshot.table
    if not options.merge_schema or options.partition_by:
        allowed = merged_schema(table.schema, data, may_add=True) if options.merge_schema else table.schema
        check_columns(
            data,
            table.with_schema(allowed),
            partition_by=options.partition_by,
            can_overwrite=replaces,
        )
    schema = merged_schema(table.schema, data, may_add=options.merge_schema)
    if schema.json() != table.schema.json():
        set_table(transaction, table.with_schema(schema))


def set_table(transaction: Transaction, table: Metadata) -> None:
    """New metadata, and a protocol with the features it needs."""
    wanted = features_of(table.schema) | features_of_properties(table.configuration)
    if transaction.snapshot.exists:
        protocol = with_features(transaction.snapshot.protocol, wanted)
        changed = protocol != transaction.snapshot.protocol
    else:
        protocol, changed = protocol_for(wanted), True
    if changed:
        transaction.set_protocol(protocol)
    transaction.set_metadata(replace(table, configuration=table_properties(table.configuration)))


def write_rows(
    transaction: Transaction,
    table: pa.Table,
    data: StructType,
    *,
    engine: EngineSession,
    rows_max: int | None = None,
) -> list[AddFile]:
    """Write the rows as files of the transaction."""
    rows, metadata = incoming_rows(table, data, transaction.metadata, engine)
    if metadata.schema_string != transaction.metadata.schema_string:
        transaction.set_metadata(metadata)
    files = write_files(transaction.log, metadata, rows, transaction.clock, rows_max=rows_max)
    transaction.actions.extend(file.action() for file in files)
    return files


def remove_all(transaction: Transaction, files: Iterable[AddFile] | None = None) -> list[AddFile]:
    """Take all files, or some, out of the table."""
    removed = list(transaction.snapshot.files.values() if files is None else files)
    if removed:
        refuse_on_append_only(transaction)
    now_ms = transaction.clock.now_ms()
    transaction.actions.extend(file.remove(now_ms) for file in removed)
    return removed


def refuse_on_append_only(transaction: Transaction) -> None:
    """DELTA_CANNOT_MODIFY_APPEND_ONLY if rows must not change or go."""
    if transaction.metadata.flag("delta.appendOnly"):
        raise DeltaUnsupportedOperationException(
            "DELTA_CANNOT_MODIFY_APPEND_ONLY",
            table_name=transaction.metadata.name or transaction.metadata.id,
            config="delta.appendOnly",
        )


def _new_table(data: StructType, options: WriteOptions, clock: Clock) -> Metadata:
    schema = stored_schema(data)
    return Metadata(
        id=str(uuid.uuid4()),
        schema_string=schema.json(),
        partition_columns=_partitioning(schema, options),
        configuration=dict(options.properties),
        created_ms=clock.now_ms(),
    )


def _partitioning(schema: StructType, options: WriteOptions) -> tuple[str, ...]:
    """The columns of `partitionBy`, spelled as in the schema."""
    names = {name.lower(): name for name in schema.names}
    for column in options.partition_by:
        if column.lower() not in names:
            listed = ", ".join(f"`{name}`" for name in schema.names)
            raise DeltaAnalysisException(
                "DELTA_PARTITION_COLUMN_NOT_FOUND", columnName=f"`{column}`", schemaMap=listed
            )
    columns = tuple(names[column.lower()] for column in options.partition_by)
    if columns and len(columns) == len(schema.fields):
        raise DeltaAnalysisException("DELTA_CANNOT_USE_ALL_COLUMNS_FOR_PARTITION")
    return columns


def _refuse_repeated_names(data: StructType) -> None:
    seen: set[str] = set()
    repeated = [name for name in data.names if name.lower() in seen or seen.add(name.lower())]
    if repeated:
        raise DeltaAnalysisException(
            "DELTA_DUPLICATE_COLUMNS_FOUND",
            coltype="in the data to save",
            duplicateCols=", ".join(name.lower() for name in repeated),
        )
