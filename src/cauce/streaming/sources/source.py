"""What a streaming source is: a description in Spark's words, and a live reader of offset ranges."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa
from pyspark.sql.connect.proto import Relation
from pyspark.sql.types import StructType

from cauce.clock import Clock
from cauce.conf import CaseInsensitive, Conf
from cauce.errors import SparkError
from cauce.files import FileSystem

__all__ = [
    "LocatesRows",
    "MalformedRecord",
    "ReadLimit",
    "Source",
    "SourceClass",
    "SourceContext",
    "SourceOptions",
]

Offset = Any
"""A source's position: any JSON value. On disk it is the source's own JSON text (`offset_json`)."""


@dataclass(frozen=True)
class ReadLimit:
    """Admission control. All None: everything available."""

    rows_max: int | None = None
    files_max: int | None = None
    bytes_max: int | None = None
    rows_min: int | None = None
    delay_ms_max: int | None = None


@dataclass(frozen=True)
class SourceOptions(CaseInsensitive):
    """What the user wrote on `readStream`: format, schema, paths, options (case-insensitive keys)."""

    format: str
    schema: StructType | None = None
    paths: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    partition_by: tuple[str, ...] = ()
    """Columns known to be in folder names (a table's), besides those found in the folder."""


@dataclass(frozen=True)
class MalformedRecord:
    """A record that is no row, and where it is."""

    location: Mapping[str, Any]
    record: str
    step: str
    """What could not read it."""
    error: SparkError


@dataclass(frozen=True)
class SourceContext:
    """What a live source may use: its metadata folder is `<checkpoint>/sources/<index>`."""

    clock: Clock
    conf: Conf
    file_system: FileSystem
    metadata_path: str
    engine: Any
    """`cauce.engine.EngineSession`: runs batch relations for the source (schema inference)."""
    data_sources: Mapping[str, type] = field(default_factory=dict)
    """Python data sources the user registered in the session: name -> class."""
    put_aside: Callable[[MalformedRecord], None] | None = None
    """Takes records that would fail the query; None when they do."""


class SourceClass(Protocol):
    """What SOURCES holds: called with options and context it gives a live source."""

    def __call__(self, options: SourceOptions, context: SourceContext) -> "Source": ...

    def describe_schema(self, options: SourceOptions, context: SourceContext) -> StructType:
        """The schema, told without a checkpoint."""
        ...


@runtime_checkable
class LocatesRows(Protocol):
    """A source that knows where the rows of its last `read` are from."""

    def locate(self, rows: pa.Table | None, position: int | None) -> Mapping[str, Any]:
        """The place of one row, as far as it is known: as JSON values.

        `rows` are those that `read` gave, if it gave a table; `position` is None if a scan lost the order.
        """
        ...


class Source(Protocol):
    """A live source; rebuilt from its checkpoint alone.

    A class in SOURCES is called as `RateSource(options: SourceOptions, context: SourceContext)`; the
    class method `describe_schema(options, context) -> StructType` gives the schema without a checkpoint.
    """

    schema: StructType

    def description(self) -> str:
        """As Spark prints it in progress JSON, for example `FileStreamSource[file:/in]`."""
        ...

    def default_limit(self) -> ReadLimit:
        """The limit the user's options ask for."""
        ...

    def initial_offset(self) -> Offset | None:
        """The offset before any data; None when the first batch has no start offset."""
        ...

    def latest_offset(self, start: Offset | None, limit: ReadLimit) -> Offset | None:
        """The end of the next batch, or `start` when there is nothing new.

        May persist what it found (the file source writes its source log here), because it runs
        before the offset log is written.
        """
        ...

    def report_latest_offset(self) -> Offset | None:
        """The newest offset there is, ignoring limits, for progress JSON; None if unknown."""
        ...

    def prepare_for_trigger_available_now(self) -> None:
        """Freeze the end: later `latest_offset` calls never pass what is available now."""
        ...

    def read(self, start: Offset | None, end: Offset) -> "pa.Table | Relation":
        """The rows of (start, end]: an Arrow table, or a batch relation the engine runs itself.

        Called again with the same range after a crash, it gives the same rows.
        """
        ...

    def commit(self, end: Offset) -> None:
        """Data up to `end` will never be asked for again."""
        ...

    def offset_json(self, offset: Offset) -> str:
        """The offset as Spark spells it on disk, one line, no spaces."""
        ...

    def parse_offset(self, text: str) -> Offset: ...

    def metrics(self, end: Offset | None) -> dict[str, str]:
        """Extra strings for progress JSON."""
        ...

    def stop(self) -> None: ...
