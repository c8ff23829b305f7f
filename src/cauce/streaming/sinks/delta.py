"""The Delta sink: every batch is one commit, which names the query and the batch, so it happens once."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql.types import NullType

from cauce.delta.compaction import compact_small_files, compact_when_idle
from cauce.delta.errors import DeltaAnalysisException, DeltaConcurrentModificationException
from cauce.delta.health import HealthTracker
from cauce.delta.log import DeltaLog
from cauce.delta.properties import default_properties
from cauce.delta.transaction import Operation, Transaction
from cauce.delta.writing import WriteOptions, ensure_table, remove_all, write_rows
from cauce.errors import IllegalArgumentException
from cauce.files import open_file_system
from cauce.streaming.sinks.sink import SinkContext, SinkOptions

__all__ = ["DeltaSink", "delta_path"]

ATTEMPTS_MAX = 100
"""Losing to other writers so often in a row means that something else is wrong."""


class DeltaSink:
    """Writes with the query's id as the application and the batch's id as the version of a `txn`.

    The transaction is looked for before anything is written: neither a restart, nor a lost answer, nor
    another run of the same query can repeat a batch. Source: DeltaSink.scala of Delta Lake.
    """

    output_modes: tuple[str, ...] = ("append", "complete")

    def __init__(self, options: SinkOptions, context: SinkContext) -> None:
        _, path = open_file_system(delta_path(options))
        self._log = DeltaLog(context.file_system, path)
        self._context = context
        self._complete = options.output_mode.lower() == "complete"
        self._mode = "Complete" if self._complete else "Append"
        self._options = _write_options(options, context)
        self._compacts = _wanted(options, context, self._log, AFTER_BATCH)
        if any(isinstance(field.dataType, NullType) for field in context.schema):
            raise DeltaAnalysisException("DELTA_NULL_SCHEMA_IN_STREAMING_WRITE")
        self._compacts_when_idle = _wanted(options, context, self._log, WHEN_IDLE)
        self._health = HealthTracker()
        self._metrics: dict[str, str] = {}
        self._may_compact = True
        """Whether there was a batch since an idle moment found nothing to do."""

    def description(self) -> str:
        return f"DeltaSink[{self._log.path}]"

    def metrics(self) -> dict[str, str]:
        """The table's health after the last batch, for progress JSON."""
        return dict(self._metrics)

    def latest_batch_id(self) -> int:
        return self._log.update().transaction_version(self._context.query_id)

    def add_batch(self, batch_id: int, table: pa.Table) -> None:
        if self._retried(lambda: self._add(batch_id, table)) and self._compacts():
            self._retried(lambda: compact_small_files(self._log, self._context.clock))

    def work_when_idle(self) -> None:
        """Put one bounded group of small files together, if that is asked for; readers see no change."""
        if self._may_compact:
            self._may_compact = self._compacts_when_idle() and self._compact_a_little()

    def _compact_a_little(self) -> bool:
        try:
            return compact_when_idle(self._log, self._context.clock)
        except DeltaConcurrentModificationException:
            # Somebody else changes these files. What they leave is looked at after the next batch.
            return False

    def stop(self) -> None:
        """Nothing is held."""

    def _retried(self, attempt: Callable[[], bool]) -> bool:
        """Another writer's commit may change the table: look at it again, as it is now."""
        for _ in range(ATTEMPTS_MAX - 1):
            try:
                return attempt()
            except DeltaConcurrentModificationException:
                continue
        return attempt()

    def _add(self, batch_id: int, table: pa.Table) -> bool:
        transaction = Transaction(self._log, self._context.clock)
        if transaction.version_of(self._context.query_id) >= batch_id:
            return False
        data = self._context.schema
        ensure_table(transaction, data, self._options, replaces=self._complete)
        removed = remove_all(transaction) if self._complete else []
        added = write_rows(
            transaction, table, data, engine=self._context.engine, rows_max=self._options.rows_max
        )
        transaction.set_transaction(self._context.query_id, batch_id)
        metrics = {
            "numRemovedFiles": len(removed),
            "numOutputRows": table.num_rows,
            "numOutputBytes": sum(file.size_bytes for file in added),
            "numAddedFiles": len(added),
        }
        version = transaction.commit(self._operation(batch_id, metrics))
        self._metrics = self._health.note(transaction, version).metrics(self._log.checkpoint_version)
        self._may_compact = True
        return True

    def _operation(self, batch_id: int, metrics: dict[str, int]) -> Operation:
        parameters = {
            "outputMode": self._mode,
            "queryId": self._context.query_id,
            "epochId": str(batch_id),
        }
        return Operation("STREAMING UPDATE", parameters, metrics, self._options.user_metadata)


def delta_path(options: SinkOptions) -> str:
    """The table's folder; without one there is nothing to start."""
    path = options.path or options.get("path")
    if not path:
        raise IllegalArgumentException("_LEGACY_ERROR_TEMP_2047")
    return path


def _write_options(options: SinkOptions, context: SinkContext) -> WriteOptions:
    merges = context.conf.get("spark.databricks.delta.schema.autoMerge.enabled") == "true"
    rows_max = options.integer("maxRecordsPerFile", 0)
    options.flag("optimizeWrite", False)  # A batch is one file for each partition anyway.
    return WriteOptions(
        partition_by=options.partition_by,
        merge_schema=options.flag("mergeSchema", merges),
        overwrite_schema=options.flag("overwriteSchema", False),
        properties=default_properties(context.conf.values),
        rows_max=rows_max or None,
        user_metadata=options.get("userMetadata") or context.conf.get(USER_METADATA) or None,
    )


USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"


@dataclass(frozen=True)
class _Switch:
    """One way to turn something on: for the query, for the session, for the table."""

    option: str
    setting: str
    property: str


AFTER_BATCH = _Switch(
    "autoCompact", "spark.databricks.delta.autoCompact.enabled", "delta.autoOptimize.autoCompact"
)
WHEN_IDLE = _Switch("autoCompactWhenIdle", "cauce.sql.delta.autoCompactWhenIdle", "cauce.autoCompactWhenIdle")


def _wanted(options: SinkOptions, context: SinkContext, log: DeltaLog, switch: _Switch) -> Callable[[], bool]:
    """Whether small files are put together; the table's property may change while the query runs."""
    wanted = options.flag(switch.option, context.conf.get(switch.setting).lower() in ("true", "auto"))

    def decide() -> bool:
        if wanted:
            return True
        table = log.update().metadata
        return table is not None and table.flag(switch.property)

    return decide
