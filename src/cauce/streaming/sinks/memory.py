"""The memory sink: rows kept in this process, queryable as a table named after the query."""

import threading

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from cauce.engine.live_view import LiveView
from cauce.errors import AnalysisException
from cauce.streaming.sinks.sink import SinkContext, SinkOptions

__all__ = ["MemorySink"]


class MemorySink:
    """Batches appended; complete mode keeps the last one only.

    The table stays readable after the query stops, as in Spark: it is a temporary view of the session.
    """

    output_modes: tuple[str, ...] = ("append", "update", "complete")

    def __init__(self, options: SinkOptions, context: SinkContext) -> None:
        if options.partition_by:
            raise AnalysisException("_LEGACY_ERROR_TEMP_1197", operation="memory")
        if not options.query_name:
            raise AnalysisException("_LEGACY_ERROR_TEMP_1194")
        self._complete = options.output_mode.lower() == "complete"
        self._lock = threading.Lock()
        self._latest_batch_id = -1
        self._tables: list[pa.Table] = []
        self._schema = to_arrow_schema(context.schema, timezone="UTC")
        view = LiveView(context.engine, options.query_name, context.schema, self.rows)
        view.create()
        context.session.on_close(view.release)

    def description(self) -> str:
        return "MemorySink"

    def add_batch(self, batch_id: int, table: pa.Table) -> int:
        with self._lock:
            if batch_id > self._latest_batch_id:
                self._latest_batch_id = batch_id
                if self._complete:
                    self._tables.clear()
                self._tables.append(table.cast(self._schema))
        return table.num_rows

    def rows(self) -> pa.Table:
        """All rows so far."""
        with self._lock:
            tables = list(self._tables)
        return pa.concat_tables(tables) if tables else self._schema.empty_table()

    def stop(self) -> None:
        """The rows stay readable."""
