"""What a streaming sink is: a description, and an idempotent writer of batches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.clock import Clock
from cauce.conf import CaseInsensitive, Conf
from cauce.files import FileSystem

__all__ = ["ReportsMetrics", "ShowsLastBatch", "Sink", "SinkContext", "SinkOptions", "WorksWhenIdle"]


@dataclass(frozen=True)
class SinkOptions(CaseInsensitive):
    """What the user wrote on `writeStream`."""

    format: str
    output_mode: str
    query_name: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    partition_by: tuple[str, ...] = ()
    path: str | None = None
    table_name: str | None = None
    function: Any = None
    """foreach: the writer object or row function; foreachBatch: the function. Already unpickled."""


@dataclass(frozen=True)
class SinkContext:
    """What a live sink may use."""

    clock: Clock
    conf: Conf
    file_system: FileSystem
    engine: Any
    """`cauce.engine.EngineSession` of the query."""
    session: Any
    """`cauce.session.Session`: memory tables, client output, batch data frames for foreachBatch."""
    query_id: str
    schema: StructType
    """The schema of every batch."""
    num_key_columns: int | None = None
    """Update mode: how many leading columns key a row, when known."""
    emit: Callable[[str], None] | None = None
    """Text to the user's terminal or notebook (the console sink)."""
    data_sources: Mapping[str, type] = field(default_factory=dict)
    """Python data sources the user registered in the session: name -> class."""


@runtime_checkable
class ShowsLastBatch(Protocol):
    """A sink whose medium tells which batches it has, so that a damaged checkpoint can be judged."""

    def latest_batch_id(self) -> int:
        """The last batch that is there; -1 before any."""
        ...


@runtime_checkable
class ReportsMetrics(Protocol):
    """A sink that tells something about its medium in progress JSON."""

    def metrics(self) -> dict[str, str]:
        """As it was after the last batch."""
        ...


@runtime_checkable
class WorksWhenIdle(Protocol):
    """A sink with something useful to do while there is no batch to write."""

    def work_when_idle(self) -> None:
        """One piece of work that is soon done; called again as long as the query is idle."""
        ...


class Sink(Protocol):
    """A live sink. A class in SINKS is called as `MemorySink(options, context)`.

    Repeating a batch_id changes nothing.
    """

    output_modes: tuple[str, ...]

    def description(self) -> str:
        """As Spark prints it in progress JSON, for example `MemorySink`."""
        ...

    def add_batch(self, batch_id: int, table: pa.Table) -> int | None:
        """Write a batch durably; rows written, or None when the sink does not count (Spark: -1)."""
        ...

    def stop(self) -> None: ...
