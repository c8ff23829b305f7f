"""Where a stream's rows go: one file and one class per sink.

Imported by micro_batch and query; imports delta, checkpoint, engine, plan, kafka, files, clock, conf
and errors. Repeating a batch changes nothing, wherever the sink's medium allows it.
"""

from collections.abc import Mapping

from cauce.errors import (
    AnalysisException,
    IllegalArgumentException,
    SparkClassNotFoundException,
    UnsupportedOperationException,
)
from cauce.streaming.sinks.console import ConsoleSink
from cauce.streaming.sinks.delta import DeltaSink, delta_path
from cauce.streaming.sinks.file import FileSink, output_path
from cauce.streaming.sinks.foreach import ForeachSink
from cauce.streaming.sinks.foreach_batch import ForeachBatchSink
from cauce.streaming.sinks.kafka import KafkaSink
from cauce.streaming.sinks.memory import MemorySink
from cauce.streaming.sinks.noop import NoopSink
from cauce.streaming.sinks.python import python_sink
from cauce.streaming.sinks.sink import (
    ReportsMetrics,
    ShowsLastBatch,
    Sink,
    SinkContext,
    SinkOptions,
    WorksWhenIdle,
)
from cauce.streaming.sinks.table import TableSink

__all__ = [
    "SINKS",
    "TEMPORARY_CHECKPOINT_SINKS",
    "ReportsMetrics",
    "ShowsLastBatch",
    "Sink",
    "SinkContext",
    "SinkOptions",
    "WorksWhenIdle",
    "check_output_mode",
    "recovers_from_checkpoint",
    "sink_class",
]

SINKS: dict[str, type] = {
    "console": ConsoleSink,
    "csv": FileSink,
    "delta": DeltaSink,
    "foreach": ForeachSink,
    "foreachBatch": ForeachBatchSink,
    "json": FileSink,
    "kafka": KafkaSink,
    "memory": MemorySink,
    "noop": NoopSink,
    "orc": FileSink,
    "parquet": FileSink,
    "text": FileSink,
}

TEMPORARY_CHECKPOINT_SINKS = ("memory", "foreach", "foreachBatch", "console", "noop")
"""Without a checkpoint location these get a temporary one; every other sink must be given one."""

BATCH_ONLY = ("binaryFile", "jdbc", "rate", "rate-micro-batch", "socket")
"""Formats Spark knows but cannot stream into."""


def sink_class(options: SinkOptions, data_sources: Mapping[str, type]) -> type:
    """The class that writes `options.format`, or Spark's error for a format that has none.

    `data_sources` are those the user registered. Called with options and a SinkContext it makes a `Sink`.
    """
    if options.table_name:
        return TableSink
    if options.format in SINKS:
        kind = SINKS[options.format]
        if kind is FileSink:
            output_path(options)
        if kind is DeltaSink:
            delta_path(options)
        return kind
    registered = {key.lower(): value for key, value in data_sources.items()}
    if options.format.lower() in registered:
        return python_sink(registered[options.format.lower()])
    if options.format in BATCH_ONLY:
        raise UnsupportedOperationException(
            "_LEGACY_ERROR_TEMP_2049", className=options.format, operator="writing"
        )
    raise SparkClassNotFoundException("DATA_SOURCE_NOT_FOUND", provider=options.format)


def check_output_mode(options: SinkOptions, sink: type) -> None:
    """Refuse a mode the sink does not take, as Spark does at `start()`."""
    mode = options.output_mode.lower()
    if mode not in ("append", "update", "complete"):
        raise IllegalArgumentException("STREAMING_OUTPUT_MODE.INVALID", outputMode=options.output_mode)
    if mode not in sink.output_modes:
        raise AnalysisException(
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE",
            className=options.format,
            outputMode=mode,
        )


def recovers_from_checkpoint(options: SinkOptions) -> bool:
    """False when a checkpoint with batches must be refused: the rows before them are gone."""
    return options.format != "memory" or options.output_mode.lower() == "complete"
