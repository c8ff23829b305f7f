"""A DataFrame written to a Delta table: append, overwrite of all, of a condition, or of partitions."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.delta.actions import AddFile
from cauce.delta.constraints import expression_of
from cauce.delta.data_files import partitions_of, with_change_type
from cauce.delta.errors import DeltaAnalysisException, DeltaIllegalArgumentException
from cauce.delta.matching import Frame, rows_where
from cauce.delta.reading import read_file
from cauce.delta.row_changes import Rewrite, finish, nullable_table, without
from cauce.delta.transaction import Operation, Transaction
from cauce.delta.writing import WriteOptions, ensure_table, refuse_on_append_only, remove_all, write_rows
from cauce.engine import EngineSession, input_leaf

__all__ = ["Application", "Overwrite", "batch_write"]


@dataclass(frozen=True)
class Application:
    """`txnAppId` and `txnVersion`: a write of one application that must happen once."""

    id: str
    version: int

    @classmethod
    def of(cls, app_id: str | None, version: str | None) -> "Application | None":
        if app_id is None and version is None:
            return None
        if app_id is None or version is None:
            raise DeltaIllegalArgumentException(
                "DELTA_INVALID_IDEMPOTENT_WRITES_OPTIONS",
                reason="Both txnAppId and txnVersion must be specified for idempotent Delta writes",
            )
        if not version.isdecimal():
            raise DeltaIllegalArgumentException(
                "DELTA_INVALID_IDEMPOTENT_WRITES_OPTIONS",
                reason="txnVersion must be a non-negative long number",
            )
        return cls(app_id, int(version))


@dataclass(frozen=True)
class Overwrite:
    """What an overwrite takes out before it writes. Neither: everything."""

    where: str | None = None
    partitions: bool = False


def batch_write(
    transaction: Transaction,
    rows: pa.Table,
    data: StructType,
    options: WriteOptions,
    *,
    engine: EngineSession,
    overwrite: Overwrite | None = None,
    application: Application | None = None,
) -> bool:
    """Write in one commit; False if the application has written this version already."""
    if application is not None:
        if transaction.version_of(application.id) >= application.version:
            return False
        transaction.set_transaction(application.id, application.version)
    whole = overwrite is not None and overwrite.where is None and not overwrite.partitions
    ensure_table(transaction, data, options, replaces=whole)
    if overwrite is not None and transaction.snapshot.exists:
        _take_out(transaction, rows, overwrite, engine)
    files = write_rows(transaction, rows, data, engine=engine, rows_max=options.rows_max)
    metrics = {
        "numFiles": len(files),
        "numOutputRows": rows.num_rows,
        "numOutputBytes": sum(file.size_bytes for file in files),
    }
    transaction.commit(Operation("WRITE", _parameters(options, overwrite), metrics, options.user_metadata))
    return True


def _take_out(transaction: Transaction, rows: pa.Table, overwrite: Overwrite, engine: EngineSession) -> None:
    transaction.reads_whole_table = True
    if overwrite.where is not None:
        _replace_where(transaction, rows, overwrite.where, engine)
    elif overwrite.partitions and transaction.metadata.partition_columns:
        remove_all(transaction, list(_same_partitions(transaction, rows)))
    else:
        remove_all(transaction)


def _replace_where(transaction: Transaction, rows: pa.Table, where: str, engine: EngineSession) -> None:
    """Rows the condition holds for go; the new rows must be among such."""
    refuse_on_append_only(transaction)
    frame, condition = Frame("rows", input_leaf("rows")), expression_of(where)
    if len(rows_where(rows, frame, condition, engine)) != rows.num_rows:
        raise DeltaAnalysisException(
            "DELTA_REPLACE_WHERE_MISMATCH",
            replaceWhere=where,
            message=f"The data has rows for which {where} is not true.",
        )
    rewrite = Rewrite()
    table = nullable_table(transaction.snapshot.table)
    for file in transaction.snapshot.files.values():
        stored = read_file(transaction.log.path, file, table)
        found = rows_where(stored, frame, condition, engine)
        if len(found):
            rewrite.removed.append(file)
            rewrite.rows.append(without(stored, found))
            rewrite.changes.append(with_change_type(stored.take(found), "delete"))
    has_feed = transaction.metadata.flag("delta.enableChangeDataFeed")
    if has_feed and rewrite.changes:  # With change files in a commit, its inserts must be in them too.
        rewrite.changes.append(with_change_type(rows.select(table.schema.names), "insert"))
    finish(transaction, rewrite)


def _same_partitions(transaction: Transaction, rows: pa.Table) -> Iterator[AddFile]:
    """Files of the partitions that the new rows belong to."""
    wanted = partitions_of(transaction.metadata, rows)
    return (f for f in transaction.snapshot.files.values() if dict(f.partition_values) in wanted)


def _parameters(options: WriteOptions, overwrite: Overwrite | None) -> dict[str, str]:
    listed = ",".join(f'"{name}"' for name in options.partition_by)
    parameters = {"mode": "Append" if overwrite is None else "Overwrite", "partitionBy": f"[{listed}]"}
    if overwrite is not None and overwrite.where:
        parameters["predicate"] = f'["({overwrite.where})"]'.replace("\n", " ")
    return parameters
