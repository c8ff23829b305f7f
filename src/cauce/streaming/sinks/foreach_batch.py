"""The foreachBatch sink: the user's own function for every batch, with a real DataFrame."""

import traceback
import uuid

import pyarrow as pa
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.plan import CachedRemoteRelation

from cauce.errors import AnalysisException, SparkError
from cauce.streaming.sinks.sink import SinkContext, SinkOptions

__all__ = ["ForeachBatchSink"]


class ForeachBatchSink:
    """Calls `function(data_frame, batch_id)` in this process, in the query's own thread.

    The DataFrame belongs to the user's session, so `df.sparkSession`, temporary views, joins and writes
    work as outside the stream. A repeated batch comes with the same id and the same rows.
    """

    output_modes: tuple[str, ...] = ("append", "update", "complete")

    def __init__(self, options: SinkOptions, context: SinkContext) -> None:
        if options.partition_by:
            raise AnalysisException("_LEGACY_ERROR_TEMP_1197", operation="foreachBatch")
        self._function = options.function
        self._session = context.session

    def description(self) -> str:
        return "ForeachBatchSink"

    def add_batch(self, batch_id: int, table: pa.Table) -> None:
        relation_id = str(uuid.uuid4())
        self._session.relations[relation_id] = table
        try:
            client = self._session.client_session()
            self._function(DataFrame(CachedRemoteRelation(relation_id, client), client), batch_id)
        except Exception as error:
            raise SparkError("FOREACH_BATCH_USER_FUNCTION_ERROR", reason=traceback.format_exc()) from error
        finally:
            self._session.relations.pop(relation_id, None)

    def stop(self) -> None:
        """Nothing is held."""
