"""The rate source: rows of a timestamp and a counter, so many a second."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql.types import LongType, StructField, StructType, TimestampType

from cauce.checkpoint import InitialOffset
from cauce.conf import parse_time_ms
from cauce.errors import (
    IllegalArgumentException,
    SparkError,
    SparkRuntimeException,
    UnsupportedOperationException,
)
from cauce.streaming.sources.source import ReadLimit, SourceContext, SourceOptions

__all__ = ["RATE_SCHEMA", "RateSource", "rate_rows", "value_at_second"]

RATE_SCHEMA = StructType([StructField("timestamp", TimestampType()), StructField("value", LongType())])
LONG_MAX = 2**63 - 1


@dataclass(frozen=True)
class RateOptions:
    """`rowsPerSecond`, `rampUpTime`, `numPartitions`, checked as Spark checks them."""

    rows_per_second: int
    ramp_up_s: int
    num_partitions: str

    @staticmethod
    def parse(options: SourceOptions) -> "RateOptions":
        parsed = RateOptions(
            rows_per_second=options.integer("rowsPerSecond", 1),
            ramp_up_s=parse_time_ms(options.get("rampUpTime") or "0", default_unit="s") // 1000,
            num_partitions=options.get("numPartitions", "default") or "",
        )
        require_positive("rowsPerSecond", parsed.rows_per_second)
        if parsed.ramp_up_s < 0:
            message = f"Invalid value '{parsed.ramp_up_s}'. The option 'rampUpTime' must not be negative"
            raise IllegalArgumentException(None, message)
        require_positive("numPartitions", options.integer("numPartitions", 1))
        return parsed


def require_positive(name: str, value: int) -> None:
    if value <= 0:
        raise IllegalArgumentException(None, f"Invalid value '{value}'. The option '{name}' must be positive")


def refuse_schema(options: SourceOptions, provider: str) -> None:
    """For sources whose columns are fixed."""
    if options.schema is not None:
        raise UnsupportedOperationException("_LEGACY_ERROR_TEMP_2242", provider=provider)


def value_at_second(seconds: int, rows_per_second: int, ramp_up_s: int) -> int:
    """How many rows exist `seconds` after the start; the speed grows by whole rows while ramping up."""
    growth = rows_per_second // (ramp_up_s + 1)
    ramping = min(seconds, ramp_up_s)
    return growth * ramping * (ramping + 1) // 2 + (seconds - ramping) * rows_per_second


def rate_rows(values: np.ndarray, timestamps_ms: np.ndarray) -> pa.Table:
    """The source's rows from its two columns."""
    timestamps = pa.array(timestamps_ms * 1000).cast(pa.timestamp("us", "UTC"))
    return pa.table({"timestamp": timestamps, "value": pa.array(values, pa.int64())})


class RateSource:
    """An offset is the number of whole seconds since the query first started.

    https://spark.apache.org/docs/latest/structured-streaming-programming-guide.html#input-sources
    """

    schema = RATE_SCHEMA

    def __init__(self, options: SourceOptions, context: SourceContext) -> None:
        self._options = RateOptions.parse(options)
        self._clock = context.clock
        self._seconds_max = LONG_MAX // self._options.rows_per_second
        if self._options.ramp_up_s > self._seconds_max:
            raise SparkRuntimeException(
                "INCORRECT_RAMP_UP_RATE",
                rowsPerSecond=self._options.rows_per_second,
                maxSeconds=self._seconds_max,
                rampUpTimeSeconds=self._options.ramp_up_s,
            )
        # The first start counts, also after a restart: offsets are seconds since then.
        start = InitialOffset(context.file_system, context.metadata_path)
        self._created_ms = int(start.read_or_create(lambda: str(context.clock.now_ms())))
        self._last_ms = self._created_ms
        self._frozen: int | None = None

    @classmethod
    def describe_schema(cls, options: SourceOptions, context: SourceContext) -> StructType:
        refuse_schema(options, "RateStreamProvider")
        RateOptions.parse(options)
        return RATE_SCHEMA

    def description(self) -> str:
        # Spark forgets the closing bracket, and people match on the text.
        return (
            f"RateStreamV2[rowsPerSecond={self._options.rows_per_second}, "
            f"rampUpTimeSeconds={self._options.ramp_up_s}, numPartitions={self._options.num_partitions}"
        )

    def default_limit(self) -> ReadLimit:
        return ReadLimit()

    def initial_offset(self) -> int:
        return 0

    def latest_offset(self, start: int | None, limit: ReadLimit) -> int:
        return self.report_latest_offset() if self._frozen is None else self._frozen

    def report_latest_offset(self) -> int:
        # A clock that went back must not take offsets back.
        self._last_ms = max(self._last_ms, self._clock.now_ms())
        return (self._last_ms - self._created_ms) // 1000

    def prepare_for_trigger_available_now(self) -> None:
        self._frozen = self.report_latest_offset()

    def read(self, start: int | None, end: int) -> pa.Table:
        start = start or 0
        if end > self._seconds_max:
            rate = self._options.rows_per_second
            message = f"Max offset with {rate} rowsPerSecond is {self._seconds_max}, but it's {end} now."
            raise SparkError(None, message)
        self._last_ms = max(self._last_ms, self._created_ms + end * 1000)
        first, stop = self._value_at(start), self._value_at(end)
        if first == stop:
            return rate_rows(np.empty(0, np.int64), np.empty(0, np.int64))
        ms_per_value = (end - start) * 1000 / (stop - first)
        # Java's Math.round is floor(x + 0.5).
        since_start_ms = np.floor(np.arange(stop - first) * ms_per_value + 0.5).astype(np.int64)
        return rate_rows(np.arange(first, stop), since_start_ms + self._created_ms + start * 1000)

    def commit(self, end: int) -> None:
        """Nothing is kept."""

    def offset_json(self, offset: int) -> str:
        return str(offset)

    def parse_offset(self, text: str) -> int:
        return int(text)

    def metrics(self, end: int | None) -> dict[str, str]:
        return {}

    def stop(self) -> None:
        """Nothing is held."""

    def _value_at(self, seconds: int) -> int:
        return value_at_second(seconds, self._options.rows_per_second, self._options.ramp_up_s)
