"""The memory source: rows that a test or a notebook adds from Python, in the server's process."""

import threading
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql.conversion import LocalDataToArrowConversion
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import DataType, StructField, StructType

from cauce.errors import AnalysisException, IllegalStateException
from cauce.streaming.sources.source import ReadLimit, SourceContext, SourceOptions

__all__ = ["MemorySource", "MemoryStream"]

_streams: dict[str, "MemoryStream"] = {}


class MemoryStream:
    """Rows by name, for `spark.readStream.format("memory").option("name", name)`.

    `MemoryStream("events", "id LONG, name STRING")`, then `stream.add_data([(1, "a")])`. Every call
    of `add_data` is one offset. A stream lives as long as the process, so a query restarted from its
    checkpoint finds its rows again; a new stream of the same name replaces the old one.
    """

    def __init__(self, name: str, schema: StructType | str) -> None:
        self.name = name
        self.schema = schema if isinstance(schema, StructType) else _parse_schema(schema)
        self._lock = threading.Lock()
        self._tables: list[pa.Table] = []
        self._dropped = 0
        _streams[name] = self

    @staticmethod
    def named(name: str) -> "MemoryStream":
        """The stream created under this name."""
        if name not in _streams:
            raise AnalysisException(
                None, f"No memory stream is called '{name}'. Create MemoryStream('{name}')."
            )
        return _streams[name]

    def add_data(self, rows: "pa.Table | Sequence[Any]") -> int:
        """Add rows (an Arrow table, or tuples, dicts, Rows, bare values of a one-column stream).

        Returns the offset they have.
        """
        table = rows if isinstance(rows, pa.Table) else self._to_arrow(rows)
        with self._lock:
            self._tables.append(table)
            return self._latest()

    def close(self) -> None:
        """Let the name and the rows go."""
        if _streams.get(self.name) is self:
            del _streams[self.name]

    def latest_offset(self) -> int:
        """The offset of the rows added last; -1 before any."""
        with self._lock:
            return self._latest()

    def rows_between(self, start: int, end: int) -> pa.Table:
        """The rows of (start, end]."""
        with self._lock:
            first = start + 1 - self._dropped
            if first < 0 or end > self._latest():
                held = f"({self._dropped - 1}, {self._latest()}]"
                raise IllegalStateException(
                    None, f"Memory stream '{self.name}' holds the offsets {held}, not ({start}, {end}]."
                )
            tables = self._tables[first : end + 1 - self._dropped]
        return pa.concat_tables(tables) if tables else self._empty()

    def drop_until(self, end: int) -> None:
        """Forget the rows up to `end`; they will not be asked for again."""
        with self._lock:
            count = end + 1 - self._dropped
            if count > 0:
                del self._tables[:count]
                self._dropped += count

    def _latest(self) -> int:
        return self._dropped + len(self._tables) - 1

    def _empty(self) -> pa.Table:
        return to_arrow_schema(self.schema, timezone="UTC").empty_table()

    def _to_arrow(self, rows: Sequence[Any]) -> pa.Table:
        if not rows:
            return self._empty()
        single = len(self.schema.fields) == 1
        # Bare values of a one-column stream are wrapped one by one: tests add a handful of rows.
        records = [(row,) if single and not isinstance(row, tuple | dict) else row for row in rows]
        table = LocalDataToArrowConversion.convert(records, self.schema, use_large_var_types=False)
        return table.cast(to_arrow_schema(self.schema, timezone="UTC"))


class MemorySource:
    """An offset is the number of an `add_data` call, from 0; -1 is before any."""

    def __init__(self, options: SourceOptions, context: SourceContext) -> None:
        self._stream = _stream_of(options)
        self._frozen: int | None = None
        self.schema = self._stream.schema

    @classmethod
    def describe_schema(cls, options: SourceOptions, context: SourceContext) -> StructType:
        return _stream_of(options).schema

    def description(self) -> str:
        return f"MemoryStream[{','.join(self.schema.names)}]"

    def default_limit(self) -> ReadLimit:
        return ReadLimit()

    def initial_offset(self) -> int:
        return -1

    def latest_offset(self, start: int | None, limit: ReadLimit) -> int | None:
        latest = self._stream.latest_offset() if self._frozen is None else self._frozen
        return None if latest < 0 else latest

    def report_latest_offset(self) -> None:
        return None

    def prepare_for_trigger_available_now(self) -> None:
        self._frozen = self._stream.latest_offset()

    def read(self, start: int | None, end: int) -> pa.Table:
        return self._stream.rows_between(-1 if start is None else start, end)

    def commit(self, end: int) -> None:
        self._stream.drop_until(end)

    def offset_json(self, offset: int) -> str:
        return str(offset)

    def parse_offset(self, text: str) -> int:
        return int(text)

    def metrics(self, end: int | None) -> dict[str, str]:
        return {}

    def stop(self) -> None:
        """The stream outlives the query."""


def _stream_of(options: SourceOptions) -> MemoryStream:
    name = options.get("name")
    if name is None:
        raise AnalysisException(None, "The memory source needs the option 'name' of a MemoryStream.")
    return MemoryStream.named(name)


def _parse_schema(text: str) -> StructType:
    parsed = DataType.fromDDL(text)
    # A bare type, such as "long", makes a stream of one column called value.
    return parsed if isinstance(parsed, StructType) else StructType([StructField("value", parsed)])
