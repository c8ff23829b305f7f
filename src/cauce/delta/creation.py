"""Tables made by a description: the builder's create and replace, CONVERT TO DELTA and CLONE."""

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow.parquet as pq
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from cauce.clock import Clock
from cauce.delta.actions import AddFile, Metadata, path_text
from cauce.delta.columns import stored_schema
from cauce.delta.errors import DeltaAnalysisException
from cauce.delta.log import DeltaLog
from cauce.delta.reading import absolute_path
from cauce.delta.snapshot import Snapshot
from cauce.delta.statistics import statistics_text
from cauce.delta.transaction import Operation, Transaction
from cauce.delta.writing import WriteOptions, remove_all, set_table
from cauce.files import local_copy, uri_of_path
from cauce.formats.parquet_schema import noted_schema
from cauce.formats.partition_path import infer_partition_schema, partition_values

__all__ = ["Description", "clone", "convert", "create"]


@dataclass(frozen=True)
class Description:
    """A table as its maker describes it."""

    schema: StructType
    partition_by: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    comment: str | None = None
    name: str | None = None


def create(log: DeltaLog, description: Description, clock: Clock, *, replaces: bool, operation: str) -> None:
    """Write the metadata of a new table, or of one that takes the place of another."""
    transaction = Transaction(log, clock)
    options = WriteOptions(description.partition_by)
    table = Metadata(
        id=str(uuid.uuid4()),
        schema_string=description.schema.json(),
        partition_columns=_partitioning(description.schema, options.partition_by),
        configuration=dict(description.properties),
        created_ms=clock.now_ms(),
        description=description.comment,
    )
    if transaction.snapshot.exists and replaces:
        table = replace(table, id=transaction.snapshot.table.id)
        remove_all(transaction)
    set_table(transaction, table)
    parameters = {
        "partitionBy": "[" + ",".join(f'"{name}"' for name in table.partition_columns) + "]",
        "clusterBy": "[]",
        "description": description.comment,
        "isManaged": "false",
        "properties": str(dict(description.properties)).replace("'", '"'),
    }
    transaction.commit(Operation(operation, parameters))


def convert(log: DeltaLog, partitions: StructType | None, clock: Clock) -> None:
    """Give a folder of Parquet files a log; a folder that has one stays as it is."""
    transaction = Transaction(log, clock)
    if transaction.snapshot.exists:
        return
    files = [
        file
        for file in log.file_system.list(log.path, recursive=True)
        if not file.is_dir and not _is_hidden(os.path.relpath(file.path, log.path))
    ]
    if not files:
        raise DeltaAnalysisException("DELTA_EMPTY_DIRECTORY", directory=log.uri)
    values = [partition_values(file.path, log.path) for file in files]
    partition_schema = infer_partition_schema(values, partitions, infer_types=partitions is None)
    if any(set(found) != set(partition_schema.names) for found in values):
        raise DeltaAnalysisException(
            "DELTA_UNEXPECTED_NUM_PARTITION_COLUMNS_FROM_FILE_NAME",
            expectedColsSize=len(partition_schema),
            expectedCols=partition_schema.names,
            parsedColsSize=len(values[0]),
            parsedCols=list(values[0]),
            path=files[0].path,
        )
    data = noted_schema(files[0].path) or from_arrow_schema(pq.read_schema(local_copy(files[0].path)))
    schema = stored_schema(StructType([*_without(data, partition_schema.names), *partition_schema]))
    table = Metadata(str(uuid.uuid4()), schema.json(), tuple(partition_schema.names), {}, clock.now_ms())
    set_table(transaction, table)
    for file, found in zip(files, values, strict=True):
        raw = {
            "path": path_text(os.path.relpath(file.path, log.path)),
            "partitionValues": found,
            "size": file.size_bytes,
            "modificationTime": file.modified_ms,
            "dataChange": True,
            "stats": statistics_text(
                pq.ParquetFile(local_copy(file.path), coerce_int96_timestamp_unit="us").read()
            ),
        }
        transaction.actions.append({"add": raw})
    transaction.commit(Operation("CONVERT", {"numFiles": str(len(files))}, {"numConvertedFiles": len(files)}))


def clone(
    source: DeltaLog,
    snapshot: Snapshot,
    target: DeltaLog,
    clock: Clock,
    *,
    properties: Mapping[str, str],
    replaces: bool,
) -> None:
    """A shallow clone: a log of its own over the source's files."""
    transaction = Transaction(target, clock)
    if transaction.snapshot.exists and not replaces:
        raise DeltaAnalysisException("DELTA_TABLE_ALREADY_EXISTS", tableName=f"delta.`{target.path}`")
    if transaction.snapshot.exists:
        remove_all(transaction)
    table = snapshot.table
    configuration = {**table.configuration, **properties}
    transaction.set_protocol(snapshot.protocol)
    set_table(
        transaction,
        replace(table, id=str(uuid.uuid4()), configuration=configuration, created_ms=clock.now_ms()),
    )
    if not transaction.snapshot.exists:
        transaction.set_protocol(snapshot.protocol)
    for file in snapshot.files.values():
        transaction.actions.append({"add": _absolute(source, file)})
    parameters = {
        "source": f"delta.`{source.uri}`",
        "sourceVersion": str(snapshot.version),
        "isShallow": "true",
    }
    metrics = {"sourceNumOfFiles": len(snapshot.files), "numCopiedFiles": 0}
    transaction.commit(Operation("CLONE", parameters, metrics))


def _absolute(source: DeltaLog, file: AddFile) -> dict[str, object]:
    raw = {**file.raw, "path": uri_of_path(absolute_path(source.path, file.path)), "dataChange": True}
    vector = file.deletion_vector
    if vector and vector["storageType"] == "u":
        raise DeltaAnalysisException(
            None, "A shallow clone of a table with deletion vectors is not supported: OPTIMIZE it first."
        )
    return raw


def _partitioning(schema: StructType, columns: Sequence[str]) -> tuple[str, ...]:
    names = {name.lower(): name for name in schema.names}
    for column in columns:
        if column.lower() not in names:
            raise DeltaAnalysisException(
                "DELTA_PARTITION_COLUMN_NOT_FOUND",
                columnName=f"`{column}`",
                schemaMap=", ".join(f"`{name}`" for name in schema.names),
            )
    return tuple(names[column.lower()] for column in columns)


def _without(schema: StructType, names: Sequence[str]) -> list:
    return [field for field in schema if field.name not in names]


def _is_hidden(relative: str) -> bool:
    return any(part.startswith(("_", ".")) and "=" not in part for part in relative.split("/"))
