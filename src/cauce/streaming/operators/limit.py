"""LIMIT on a stream: the first rows of the whole query, counted across batches.

Follows StreamingGlobalLimitExec (streamingLimits.scala of Apache Spark 4.2).
"""

import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.state import StateStore
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.layout import Part, Source, StoreLayout, column_parts
from cauce.streaming.operators.operator_metrics import OperatorMetrics

__all__ = ["StreamingLimit"]


class StreamingLimit:
    """Lets `limit` rows pass in all; the state is one counter."""

    operator_name = "globalLimit"
    multi_row = False
    event_time: str | None = None

    def __init__(self, input_schema: pa.Schema, limit: int, schema: StructType) -> None:
        self.schema = schema
        self.limit = limit
        self.key_schema = pa.schema([pa.field("key", pa.int8())])
        self.value_schema = pa.schema([pa.field("value", pa.int64())])
        self.output_schema = input_schema

    @property
    def layout(self) -> StoreLayout:
        """The one row has no key: Spark shows a null."""
        key = Part("key", pa.null(), Source("nothing"))
        return StoreLayout(GroupKeys((), ()), self.value_schema, (key,), column_parts(self.value_schema))

    def process(
        self,
        batch: pa.Table,
        state: StateStore,
        *,
        late_watermark_us: int | None,
        eviction_watermark_us: int | None,
        output_mode: str,
    ) -> tuple[pa.Table, OperatorMetrics]:
        """The rows that still fit. The caller commits the state."""
        metrics = OperatorMetrics(self.operator_name)
        with metrics.timed_updates():
            key = pa.table([pa.array([0], pa.int8())], schema=self.key_schema)
            passed = state.get(key)[1].column("value")[0].as_py() or 0
            rows = batch.slice(0, max(self.limit - passed, 0))
            if rows.num_rows:
                count = pa.array([passed + rows.num_rows], pa.int64())
                state.put(key, pa.table([count], schema=self.value_schema))
                metrics.rows_updated = 1
        return rows, metrics

    def should_run_another_batch(
        self, new_watermark_us: int | None, last_watermark_us: int | None, output_mode: str
    ) -> bool:
        """Never: a limit gives nothing without new rows."""
        return False
