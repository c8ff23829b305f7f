"""A streaming source the user wrote in Python, run in this process."""

import functools
import inspect
import json
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import pyarrow as pa
from pyspark.sql.datasource import CaseInsensitiveDict, DataSource
from pyspark.sql.datasource_internal import _SimpleStreamReaderWrapper, _streamReader
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.streaming import datasource as limits
from pyspark.sql.types import StructType
from pyspark.sql.worker.plan_data_source_read import records_to_arrow_batches

from cauce.errors import AnalysisException, SparkError
from cauce.streaming.sources.source import ReadLimit, SourceContext, SourceOptions

__all__ = ["PythonSource", "python_source"]

ROWS_AT_ONCE = 10_000

T = TypeVar("T")


def python_source(data_source: type[DataSource]) -> type["PythonSource"]:
    """The source class for a data source that `spark.dataSource.register` was given."""
    return type("PythonSource", (PythonSource,), {"data_source": data_source})


class PythonSource:
    """DataSourceStreamReader of Spark 4.2 and earlier, and SimpleDataSourceStreamReader.

    An offset is the reader's own dictionary. A simple reader's rows come from its prefetch cache, and
    after a restart from `readBetweenOffsets`.
    """

    data_source: type[DataSource]

    def __init__(self, options: SourceOptions, context: SourceContext) -> None:
        self._source = _instance(self.data_source, options)
        self.schema = _schema(self._source, options, context)
        self._reader = _calling("create", lambda: _streamReader(self._source, self.schema))
        # Before 4.2 latestOffset() took no arguments; Spark looks at the signature too.
        self._takes_limits = bool(inspect.signature(self._reader.latestOffset).parameters)
        self._freezing = False
        self._frozen: dict | None = None

    @classmethod
    def describe_schema(cls, options: SourceOptions, context: SourceContext) -> StructType:
        return _schema(_instance(cls.data_source, options), options, context)

    def description(self) -> str:
        # Spark prints a Java object here: class name and identity hash.
        kind = (
            "PythonMicroBatchStreamWithAdmissionControl" if self._takes_limits else "PythonMicroBatchStream"
        )
        return f"org.apache.spark.sql.execution.datasources.v2.python.{kind}@{id(self) & 0xFFFFFFFF:x}"

    def default_limit(self) -> ReadLimit:
        if not self._takes_limits:
            return ReadLimit()
        match _calling("getDefaultReadLimit", self._reader.getDefaultReadLimit):
            case limits.ReadMaxRows(max_rows=rows):
                return ReadLimit(rows_max=rows)
            case limits.ReadMinRows(min_rows=rows):
                return ReadLimit(rows_min=rows)
            case limits.ReadMaxFiles(max_files=files):
                return ReadLimit(files_max=files)
            case limits.ReadMaxBytes(max_bytes=size):
                return ReadLimit(bytes_max=size)
        return ReadLimit()

    def initial_offset(self) -> dict:
        return _calling("initialOffset", self._reader.initialOffset)

    def latest_offset(self, start: dict | None, limit: ReadLimit) -> dict:
        if self._frozen is not None:
            return self._frozen
        start = self.initial_offset() if start is None else start
        if not self._takes_limits:
            without_limits: Callable[[], dict] = self._reader.latestOffset  # type: ignore[assignment]
            latest = _calling("latestOffset", without_limits)
        else:
            latest = _calling("latestOffset", lambda: self._reader.latestOffset(start, _spark_limit(limit)))
        if self._freezing:
            self._frozen = latest
        return latest

    def report_latest_offset(self) -> dict | None:
        if isinstance(self._reader, _SimpleStreamReaderWrapper):
            return None
        return _calling("reportLatestOffset", self._reader.reportLatestOffset)

    def prepare_for_trigger_available_now(self) -> None:
        reader: object = self._reader
        if isinstance(reader, _SimpleStreamReaderWrapper):
            reader = reader.simple_reader
        if isinstance(reader, limits.SupportsTriggerAvailableNow):
            _calling("prepareForTriggerAvailableNow", reader.prepareForTriggerAvailableNow)
        else:
            # The reader cannot tell what is available now, so one batch is, as in Spark.
            self._freezing = True

    def read(self, start: dict | None, end: dict) -> pa.Table:
        start = self.initial_offset() if start is None else start
        batches = _calling("read", lambda: list(self._batches(start, end)))
        return pa.Table.from_batches(batches, to_arrow_schema(self.schema, timezone="UTC"))

    def commit(self, end: dict) -> None:
        _calling("commitSource", lambda: self._reader.commit(end))

    def offset_json(self, offset: dict) -> str:
        return json.dumps(offset)

    def parse_offset(self, text: str) -> dict:
        return json.loads(text)

    def metrics(self, end: dict | None) -> dict[str, str]:
        return {}

    def stop(self) -> None:
        _calling("stop", self._reader.stop)

    def _batches(self, start: dict, end: dict) -> Iterator[pa.RecordBatch]:
        partitions = self._reader.partitions(start, end)
        if isinstance(self._reader, _SimpleStreamReaderWrapper):
            cached = self._reader.getCache(start, end)
            if cached is not None:
                yield from self._to_arrow(cached)
                return
        for partition in partitions:
            yield from self._to_arrow(self._reader.read(partition))  # type: ignore[arg-type]

    def _to_arrow(self, records: Iterable[Any]) -> Iterator[pa.RecordBatch]:
        yield from records_to_arrow_batches(iter(records), ROWS_AT_ONCE, self.schema, self._source)


def _spark_limit(limit: ReadLimit) -> limits.ReadLimit:
    if limit.rows_max is not None:
        return limits.ReadMaxRows(limit.rows_max)
    if limit.rows_min is not None:
        return limits.ReadMinRows(limit.rows_min)
    if limit.files_max is not None:
        return limits.ReadMaxFiles(limit.files_max)
    return limits.ReadAllAvailable() if limit.bytes_max is None else limits.ReadMaxBytes(limit.bytes_max)


def _instance(data_source: type[DataSource], options: SourceOptions) -> DataSource:
    given = CaseInsensitiveDict(options.options)
    if options.paths:
        given["path"] = options.paths[0]
    return _creating(data_source, functools.partial(data_source, options=given))


def _schema(source: DataSource, options: SourceOptions, context: SourceContext) -> StructType:
    if options.schema is not None:
        return options.schema
    declared = _creating(type(source), source.schema)
    return declared if isinstance(declared, StructType) else context.engine.parse_ddl(declared)


def _creating(data_source: type[DataSource], call: Callable[[], T]) -> T:
    try:
        return call()
    except Exception as error:
        raise AnalysisException(
            "PYTHON_DATA_SOURCE_ERROR",
            action="create",
            type=data_source.name(),
            msg=traceback.format_exc(),
        ) from error


def _calling(action: str, call: Callable[[], T]) -> T:
    """The user's errors carry their traceback."""
    try:
        return call()
    except Exception as error:
        raise SparkError(
            "PYTHON_STREAMING_DATA_SOURCE_RUNTIME_ERROR", action=action, msg=traceback.format_exc()
        ) from error
