"""A streaming sink the user wrote in Python, run in this process."""

import traceback

import pyarrow as pa
from pyspark.sql.datasource import (
    CaseInsensitiveDict,
    DataSource,
    DataSourceStreamArrowWriter,
    DataSourceStreamWriter,
    WriterCommitMessage,
)

from cauce.errors import AnalysisException, PythonException, SparkError
from cauce.streaming.sinks.foreach import rows_of
from cauce.streaming.sinks.sink import SinkContext, SinkOptions

__all__ = ["PythonSink", "python_sink"]


def python_sink(data_source: type[DataSource]) -> type["PythonSink"]:
    """The sink class for a data source that `spark.dataSource.register` was given."""
    return type("PythonSink", (PythonSink,), {"data_source": data_source})


class PythonSink:
    """DataSourceStreamWriter, with rows or with Arrow batches.

    A batch is written by one call of `write` and made valid by `commit`, each on a writer of its own:
    as in Spark, where they run in different processes, only the commit message passes between them.
    Whether a repeated batch changes anything is up to the writer, which gets the batch id.
    """

    data_source: type[DataSource]
    output_modes: tuple[str, ...] = ("append", "complete")

    def __init__(self, options: SinkOptions, context: SinkContext) -> None:
        given = CaseInsensitiveDict(options.options)
        if options.path:
            given["path"] = options.path
        self._options = given
        self._overwrite = options.output_mode.lower() == "complete"
        self._schema = context.schema
        self._writer()

    def description(self) -> str:
        return f"{self.data_source.name()}(Python)"

    def add_batch(self, batch_id: int, table: pa.Table) -> int:
        try:
            message = self._write(self._writer(), table)
        except Exception as error:
            self._abort(batch_id)
            raise PythonException(
                "PYTHON_EXCEPTION",
                msg="An exception was thrown from the Python worker",
                traceback=traceback.format_exc(),
            ) from error
        self._commit(batch_id, message)
        return table.num_rows

    def stop(self) -> None:
        """Nothing is held."""

    def _writer(self) -> DataSourceStreamWriter:
        try:
            return self.data_source(self._options).streamWriter(self._schema, self._overwrite)
        except Exception as error:
            raise AnalysisException(
                "PYTHON_DATA_SOURCE_ERROR",
                action="plan",
                type=self.data_source.name(),
                msg=traceback.format_exc(),
            ) from error

    def _write(self, writer: DataSourceStreamWriter, table: pa.Table) -> WriterCommitMessage:
        if isinstance(writer, DataSourceStreamArrowWriter):
            message = writer.write(iter(table.to_batches()))
        else:
            message = writer.write(rows_of(table, self._schema))
        if not isinstance(message, WriterCommitMessage):
            raise TypeError(f"write() must return a WriterCommitMessage, not {type(message).__name__}")
        return message

    def _commit(self, batch_id: int, message: WriterCommitMessage) -> None:
        try:
            self._writer().commit([message], batch_id)
        except Exception as error:
            raise SparkError(
                "PYTHON_STREAMING_DATA_SOURCE_RUNTIME_ERROR", action="commit", msg=traceback.format_exc()
            ) from error

    def _abort(self, batch_id: int) -> None:
        self._writer().abort([None], batch_id)
