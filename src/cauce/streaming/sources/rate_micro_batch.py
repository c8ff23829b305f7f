"""The rate-micro-batch source: a fixed number of rows every batch, with a made-up clock."""

import json
import os
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.errors import IllegalArgumentException, SparkRuntimeException
from cauce.streaming.sources.rate import LONG_MAX, RATE_SCHEMA, rate_rows, refuse_schema, require_positive
from cauce.streaming.sources.source import ReadLimit, SourceContext, SourceOptions

__all__ = ["RateMicroBatchOffset", "RateMicroBatchSource"]


@dataclass(frozen=True)
class RateMicroBatchOffset:
    """The next value, and the timestamp its batch will carry."""

    offset: int
    timestamp_ms: int


class RateMicroBatchSource:
    """Every row of a batch carries the timestamp of the batch's start offset."""

    schema = RATE_SCHEMA

    def __init__(self, options: SourceOptions, context: SourceContext) -> None:
        self._rows_per_batch = options.integer("rowsPerBatch", 0)
        self._num_partitions = options.integer("numPartitions", os.cpu_count() or 1)
        self._start_ms = options.integer("startTimestamp", 0)
        self._advance_ms = options.integer("advanceMillisPerBatch", 1000)
        self._freeze = False
        self._frozen: RateMicroBatchOffset | None = None
        require_positive("rowsPerBatch", self._rows_per_batch)
        require_positive("numPartitions", self._num_partitions)
        require_not_negative("startTimestamp", self._start_ms)
        require_not_negative("advanceMillisPerBatch", self._advance_ms)

    @classmethod
    def describe_schema(cls, options: SourceOptions, context: SourceContext) -> StructType:
        refuse_schema(options, "RatePerMicroBatchProvider")
        return cls(options, context).schema

    def description(self) -> str:
        return (
            f"RatePerMicroBatchStream[rowsPerBatch={self._rows_per_batch}, "
            f"numPartitions={self._num_partitions}, startTimestamp={self._start_ms}, "
            f"advanceMsPerBatch={self._advance_ms}]"
        )

    def default_limit(self) -> ReadLimit:
        return ReadLimit(rows_max=self._rows_per_batch)

    def initial_offset(self) -> RateMicroBatchOffset:
        return RateMicroBatchOffset(0, self._start_ms)

    def latest_offset(self, start: RateMicroBatchOffset | None, limit: ReadLimit) -> RateMicroBatchOffset:
        if self._frozen is not None:
            return self._frozen
        start = start or self.initial_offset()
        end = min(start.offset + self._rows_per_batch, LONG_MAX)
        latest = RateMicroBatchOffset(end, start.timestamp_ms + self._advance_ms)
        if self._freeze:
            self._frozen = latest
        return latest

    def report_latest_offset(self) -> None:
        return None

    def prepare_for_trigger_available_now(self) -> None:
        # "Available" is one more batch, counted from the first start offset that is asked for.
        self._freeze = True

    def read(self, start: RateMicroBatchOffset | None, end: RateMicroBatchOffset) -> pa.Table:
        start = start or self.initial_offset()
        _check_order(start, end)
        values = np.arange(start.offset, end.offset)
        return rate_rows(values, np.full(len(values), start.timestamp_ms, np.int64))

    def commit(self, end: RateMicroBatchOffset) -> None:
        """Nothing is kept."""

    def offset_json(self, offset: RateMicroBatchOffset) -> str:
        return f'{{"offset":{offset.offset},"timestamp":{offset.timestamp_ms}}}'

    def parse_offset(self, text: str) -> RateMicroBatchOffset:
        fields = json.loads(text)
        return RateMicroBatchOffset(fields["offset"], fields["timestamp"])

    def metrics(self, end: RateMicroBatchOffset | None) -> dict[str, str]:
        return {}

    def stop(self) -> None:
        """Nothing is held."""


def require_not_negative(name: str, value: int) -> None:
    if value < 0:
        message = f"Invalid value '{value}'. The option '{name}' must be non-negative"
        raise IllegalArgumentException(None, message)


def _check_order(start: RateMicroBatchOffset, end: RateMicroBatchOffset) -> None:
    condition = "MALFORMED_STATE_IN_RATE_PER_MICRO_BATCH_SOURCE"
    if start.offset > end.offset:
        raise SparkRuntimeException(
            f"{condition}.INVALID_OFFSET", startOffset=start.offset, endOffset=end.offset
        )
    if start.timestamp_ms > end.timestamp_ms:
        raise SparkRuntimeException(
            f"{condition}.INVALID_TIMESTAMP", startTimestamp=start.timestamp_ms, endTimestamp=end.timestamp_ms
        )
