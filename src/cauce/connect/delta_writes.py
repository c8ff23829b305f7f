"""`df.write` to Delta tables: by path, by name, and as rows of a table that is there."""

import contextlib
from collections.abc import Mapping

import pyarrow as pa
from pyspark.sql.connect.proto import Relation, WriteOperation
from pyspark.sql.types import StructType

from cauce.connect.delta_commands import table_folder
from cauce.connect.delta_tables import CLOCK, find_log
from cauce.connect.plans import prepare
from cauce.delta.batch_write import Application, Overwrite, batch_write
from cauce.delta.catalog import register
from cauce.delta.errors import DeltaAnalysisException, DeltaIllegalArgumentException
from cauce.delta.log import DeltaLog
from cauce.delta.properties import default_properties
from cauce.delta.transaction import Transaction
from cauce.delta.writing import WriteOptions
from cauce.engine.catalog import describe_table
from cauce.errors import AnalysisException
from cauce.session import Session

__all__ = ["write_delta"]

Mode = WriteOperation
TABLE = WriteOperation.SaveTable
DYNAMIC = "spark.sql.sources.partitionOverwriteMode"


def write_delta(message: WriteOperation, session: Session) -> bool:
    """Whether `save()`, `saveAsTable` or `insertInto` goes to a Delta table; if so, it is written now."""
    log, name = _target(message, session)
    if log is None:
        return False
    _write(message, log, session)
    if name is not None:
        register(name, log, session.engine)
    return True


def _target(message: WriteOperation, session: Session) -> tuple[DeltaLog | None, str | None]:
    """The table to write, and the name to register it by if that is new."""
    is_delta = message.source.lower() == "delta"
    if message.WhichOneof("save_type") == "path":
        return (DeltaLog.open(message.path), None) if is_delta else (None, None)
    if message.WhichOneof("save_type") != "table":
        if is_delta:
            raise AnalysisException(None, "'path' is not specified")
        return None, None
    name = message.table.table_name
    known = find_log(name, session)
    if known is not None and (is_delta or not message.source or _inserts(message)):
        return known, None
    if not is_delta or _inserts(message):
        return None, None
    if describe_table(session.engine, name) is not None:
        return None, None  # A table of another format: the engine says so.
    options = _lower(message.options)
    return DeltaLog.open(options.get("path") or table_folder(name, session)), name


def _write(message: WriteOperation, log: DeltaLog, session: Session) -> None:
    transaction = Transaction(log, CLOCK)
    overwrite = _overwrite(message, session)
    if (
        transaction.snapshot.exists
        and message.mode
        in (
            Mode.SAVE_MODE_UNSPECIFIED,
            Mode.SAVE_MODE_ERROR_IF_EXISTS,
        )
        and not _inserts(message)
    ):
        raise DeltaAnalysisException("DELTA_PATH_EXISTS", path=log.uri)
    if transaction.snapshot.exists and message.mode == Mode.SAVE_MODE_IGNORE:
        return
    options = _lower(message.options)
    rows, data = _rows(message.input, session)
    if _inserts(message):
        rows, data = _by_position(rows, data, transaction)
    batch_write(
        transaction,
        rows,
        data,
        _options(message, options, session),
        engine=session.engine,
        overwrite=overwrite,
        application=_application(options, session),
    )


def _rows(relation: Relation, session: Session) -> tuple[pa.Table, StructType]:
    copy = Relation()
    copy.CopyFrom(relation)
    with contextlib.ExitStack() as lease:
        prepare(copy, session, lease)
        return session.engine.run_large(copy), session.engine.schema(copy)


def _by_position(rows: pa.Table, data: StructType, transaction: Transaction) -> tuple[pa.Table, StructType]:
    """`insertInto` goes by position."""
    names = transaction.snapshot.table.schema.names
    if len(names) != len(data.names):
        raise DeltaAnalysisException(
            "DELTA_INSERT_COLUMN_ARITY_MISMATCH",
            tableName=transaction.log.path,
            columnName="not enough data columns" if len(names) > len(data.names) else "too many data columns",
            numColumns=len(names),
            insertColumns=len(data.names),
        )
    renamed = StructType([type(f)(n, f.dataType, f.nullable) for n, f in zip(names, data, strict=True)])
    return rows.rename_columns(names), renamed


def _inserts(message: WriteOperation) -> bool:
    return message.table.save_method == TABLE.TABLE_SAVE_METHOD_INSERT_INTO


def _overwrite(message: WriteOperation, session: Session) -> Overwrite | None:
    if message.mode != Mode.SAVE_MODE_OVERWRITE:
        return None
    options = _lower(message.options)
    where = options.get("replacewhere")
    mode = options.get("partitionoverwritemode") or session.settings.snapshot().get(DYNAMIC) or "static"
    if mode.lower() not in ("static", "dynamic"):
        raise DeltaIllegalArgumentException(
            "DELTA_ILLEGAL_OPTION",
            name="partitionOverwriteMode",
            input=mode,
            explain="must be 'STATIC' or 'DYNAMIC'",
        )
    return Overwrite(where, mode.lower() == "dynamic" and where is None)


def _options(message: WriteOperation, options: Mapping[str, str], session: Session) -> WriteOptions:
    conf = session.settings.snapshot()
    merges = conf.get("spark.databricks.delta.schema.autoMerge.enabled")
    given = {key: value for key, value in message.options.items() if key.lower().startswith("delta.")}
    return WriteOptions(
        partition_by=tuple(message.partitioning_columns),
        merge_schema=options.get("mergeschema", merges).lower() == "true",
        overwrite_schema=options.get("overwriteschema", "").lower() == "true",
        properties={**default_properties(conf.values), **given},
        rows_max=int(options.get("maxrecordsperfile") or 0) or None,
        user_metadata=options.get("usermetadata")
        or conf.get("spark.databricks.delta.commitInfo.userMetadata")
        or None,
    )


def _application(options: Mapping[str, str], session: Session) -> Application | None:
    conf = session.settings.snapshot()
    app_id = options.get("txnappid") or conf.get("spark.databricks.delta.write.txnAppId") or None
    version = options.get("txnversion") or conf.get("spark.databricks.delta.write.txnVersion") or None
    return Application.of(app_id, version)


def _lower(options: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in options.items()}
