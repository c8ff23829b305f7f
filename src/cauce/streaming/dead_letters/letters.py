"""The dead letters of a query: collected batch by batch, one Parquet file for each batch that has any.

The file is durable before the sink gets the batch, and is named after query and batch, so a batch that is
repeated replaces it: every row is in the sink's answer or here, once.
"""

import io
import json
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import LongType, StringType, StructField, StructType, TimestampType

from cauce.conf import CaseInsensitive, Conf, parse_integer
from cauce.errors import IllegalArgumentException, SparkRuntimeException
from cauce.files import FileSystem, open_file_system
from cauce.formats import WRITERS, FormatOptions
from cauce.streaming.dead_letters.letter import DeadLetter

__all__ = ["DeadLetterOptions", "DeadLetters"]

PATH_OPTION, ROWS_MAX_OPTION = "deadLetterPath", "deadLetterMaxRowsPerBatch"
PATH_CONF = "cauce.sql.streaming.deadLetterPath"
ROWS_MAX_CONF = "cauce.sql.streaming.deadLetterMaxRowsPerBatch"

TEXTS = ("source", "startOffset", "endOffset", "location", "step", "errorClass", "errorMessage", "record")
SCHEMA = StructType(
    [
        StructField("batchId", LongType()),
        StructField("timestamp", TimestampType()),
        *(StructField(name, StringType()) for name in TEXTS),
    ]
)
"""Of the files; `location` is JSON, `timestamp` is the batch's."""


@dataclass(frozen=True)
class DeadLetterOptions:
    """Where dead letters go, and how many of one batch may go there before the query fails after all."""

    path: str
    rows_max: int

    @staticmethod
    def of(options: CaseInsensitive, conf: Conf) -> "DeadLetterOptions | None":
        """What the user wrote on `writeStream`, or set for the session; None when rows are not put aside."""
        path = options.get(PATH_OPTION) or conf.get(PATH_CONF)
        rows_max = parse_integer(options.get(ROWS_MAX_OPTION) or conf.get(ROWS_MAX_CONF))
        if rows_max < 1:
            raise IllegalArgumentException(None, f"{ROWS_MAX_OPTION} must be positive, not {rows_max}")
        return DeadLetterOptions(path, rows_max) if path else None


class DeadLetters:
    """One query's; used by its own thread only."""

    def __init__(self, options: DeadLetterOptions, file_system: FileSystem, query_id: str) -> None:
        self._rows_max = options.rows_max
        self._folder = f"{open_file_system(options.path)[1]}/queryId={query_id}"
        self._file_system = file_system
        self._batch_id = -1
        self._timestamp_ms = 0
        self._letters: list[DeadLetter] = []

    def begin_batch(self, batch_id: int, timestamp_ms: int) -> None:
        """The letters that follow are of this batch."""
        self._batch_id, self._timestamp_ms = batch_id, timestamp_ms
        self._letters = []

    def add(self, letter: DeadLetter) -> None:
        """Put a row aside; SparkRuntimeException when that would be one too many."""
        if len(self._letters) >= self._rows_max:
            raise SparkRuntimeException(
                "CAUCE_TOO_MANY_DEAD_LETTERS",
                batchId=self._batch_id,
                maxRows=self._rows_max,
                option=ROWS_MAX_OPTION,
                config=ROWS_MAX_CONF,
                lastReason=f"{letter.error_class}: {letter.error_message}",
            )
        self._letters.append(letter)

    def commit(self) -> None:
        """Make the batch's letters durable; they replace those of an earlier attempt."""
        path = f"{self._folder}/batch-{self._batch_id}.parquet"
        if self._letters:
            self._file_system.make_dirs(self._folder)
            self._file_system.write_durable(path, self._parquet(), overwrite=True)
        elif self._file_system.exists(path):
            self._file_system.delete(path)
            self._file_system.sync_folder(self._folder)

    def metrics(self) -> dict[str, str]:
        """For the sink's metrics in progress JSON."""
        return {"numDeadLetters": str(len(self._letters))}

    def _parquet(self) -> bytes:
        rows = [{**_texts(letter), "batchId": self._batch_id} for letter in self._letters]
        schema = to_arrow_schema(SCHEMA, timezone="UTC")
        moment = pa.scalar(self._timestamp_ms, pa.timestamp("ms", "UTC")).cast(schema.field("timestamp").type)
        table = pa.Table.from_pylist([{**row, "timestamp": moment.as_py()} for row in rows], schema)
        file = io.BytesIO()
        WRITERS["parquet"].write(table, SCHEMA, file, FormatOptions())
        return file.getvalue()


def _texts(letter: DeadLetter) -> dict[str, str | None]:
    return {
        "source": letter.source,
        "startOffset": letter.start_offset,
        "endOffset": letter.end_offset,
        "location": json.dumps(letter.location, ensure_ascii=False),
        "step": letter.step,
        "errorClass": letter.error_class,
        "errorMessage": letter.error_message,
        "record": letter.record,
    }
