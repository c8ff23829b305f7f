"""The memory stream of tests: a streaming DataFrame whose rows a test adds."""

import uuid
from typing import Any

from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.types import StructType

from cauce.server import server_session
from cauce.streaming.sources.memory import MemoryStream as NamedStream
from cauce.testing.rows import rows_of, to_arrow

__all__ = ["MemoryStream"]


class MemoryStream:
    """`events = MemoryStream(spark, "word STRING, ts TIMESTAMP")`, a DataFrame by `events.to_df()`.

    Every `add_data` is one offset of the stream. The rows outlive a query and its restarts, as the
    records of a broker would; what a committed batch has read is forgotten.
    """

    def __init__(self, spark: SparkSession, schema: str | StructType) -> None:
        self._spark = spark
        self._time_zone = server_session(spark).engine.time_zone
        self._stream = NamedStream(f"memory-{uuid.uuid4()}", schema)

    @property
    def schema(self) -> StructType:
        return self._stream.schema

    def to_df(self) -> DataFrame:
        """The stream as the function under test gets it."""
        return self._spark.readStream.format("memory").option("name", self._stream.name).load()

    def add_data(self, *rows: Any) -> int:
        """Add rows, one by one or as a list, an Arrow table, a pandas or Spark DataFrame; their offset.

        A row is a tuple, a dict, a Row, or the bare value of a one-column stream. Text in a TIMESTAMP
        or DATE column is ISO 8601, in the session's time zone unless it names one. `add_data([])` adds
        an offset without rows, which gives a batch without rows.
        """
        return self._stream.add_data(to_arrow(rows_of(rows), self.schema, self._time_zone))

    def close(self) -> None:
        """Forget the rows."""
        self._stream.close()
