"""The foreach sink: the user's own code for every row."""

import threading
import traceback
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.serializers import CloudPickleSerializer
from pyspark.sql import Row
from pyspark.sql.conversion import ArrowTableToRowsConversion
from pyspark.taskcontext import TaskContext

from cauce.errors import AnalysisException, PythonException
from cauce.streaming.sinks.sink import SinkContext, SinkOptions

__all__ = ["ForeachSink", "rows_of"]

ROWS_AT_ONCE = 10_000
PARTITION_ID = 0
"""A batch is one partition here; its row order is the batch's."""


class ForeachSink:
    """The client sends `function(partition_id, rows)`, which wraps a row function or a ForeachWriter.

    The wrapper calls `open(partition_id, epoch_id)`, `process(row)` and `close(error)`.
    """

    output_modes: tuple[str, ...] = ("append", "update", "complete")

    def __init__(self, options: SinkOptions, context: SinkContext) -> None:
        if options.partition_by:
            raise AnalysisException("_LEGACY_ERROR_TEMP_1197", operation="foreach")
        self._schema = context.schema
        self._serializer = CloudPickleSerializer()
        # As in Spark every batch gets its own copy of the writer, so what one batch gathered in its
        # attributes is not seen by the next.
        self._pickled_function = self._serializer.dumps(options.function)

    def description(self) -> str:
        return "ForeachWriterTable(org.apache.spark.sql.execution.python.streaming.PythonForeachWriter)"

    def add_batch(self, batch_id: int, table: pa.Table) -> int:
        function = self._serializer.loads(self._pickled_function)
        BatchTaskContext.enter(batch_id)
        try:
            for _ in function(PARTITION_ID, rows_of(table, self._schema)):
                pass
        except Exception as error:
            raise PythonException(
                "PYTHON_EXCEPTION",
                msg="An exception was thrown from the Python worker",
                traceback=traceback.format_exc(),
            ) from error
        return table.num_rows

    def stop(self) -> None:
        """Writers are closed after each batch."""


def rows_of(table: pa.Table, schema: Any) -> Iterator[Row]:
    """The rows as the user's code sees them in Spark; one Python object per row is what it asks for."""
    for batch in table.to_batches(max_chunksize=ROWS_AT_ONCE):
        yield from ArrowTableToRowsConversion.convert(pa.Table.from_batches([batch]), schema)


class BatchTaskContext(TaskContext):
    """The TaskContext of this process. Each query runs in its own thread, so the batch is per thread."""

    _batch = threading.local()

    @classmethod
    def enter(cls, batch_id: int) -> None:
        """From here on this thread works on `batch_id`."""
        if not isinstance(TaskContext._taskContext, cls):
            TaskContext._taskContext = object.__new__(cls)
        cls._batch.id = batch_id

    def partitionId(self) -> int:  # noqa: N802 - the name is Spark's.
        return PARTITION_ID

    def getLocalProperty(self, key: str) -> str | None:  # noqa: N802 - the name is Spark's.
        batch_id = getattr(self._batch, "id", None)
        return str(batch_id) if key == "streaming.sql.batchId" and batch_id is not None else None
