"""Where a stream's rows come from: one file and one class per source.

Imported by planner, micro_batch and query; imports delta, checkpoint, engine, plan, kafka, files, clock,
conf and errors. A source reads offset ranges; it never decides when. Not here yet: xml.
"""

from cauce.errors import SparkClassNotFoundException, UnsupportedOperationException
from cauce.streaming.sources.delta import DeltaSource
from cauce.streaming.sources.file import FileSource
from cauce.streaming.sources.kafka import KafkaSource
from cauce.streaming.sources.memory import MemorySource, MemoryStream
from cauce.streaming.sources.python import python_source
from cauce.streaming.sources.rate import RateSource
from cauce.streaming.sources.rate_micro_batch import RateMicroBatchSource
from cauce.streaming.sources.socket import SocketSource
from cauce.streaming.sources.source import ReadLimit, Source, SourceClass, SourceContext, SourceOptions
from cauce.streaming.sources.table import TableSource

__all__ = [
    "SOURCES",
    "MemoryStream",
    "ReadLimit",
    "Source",
    "SourceClass",
    "SourceContext",
    "SourceOptions",
    "source_class",
]

SOURCES: dict[str, SourceClass] = {
    "csv": FileSource,
    "delta": DeltaSource,
    "json": FileSource,
    "kafka": KafkaSource,
    "memory": MemorySource,
    "orc": FileSource,
    "parquet": FileSource,
    "rate": RateSource,
    "rate-micro-batch": RateMicroBatchSource,
    "socket": SocketSource,
    "table": TableSource,
    "text": FileSource,
}

BATCH_ONLY = ("console", "foreach", "jdbc", "noop", "state-metadata", "statestore")
"""Formats Spark knows but cannot stream from."""


def source_class(options: SourceOptions, context: SourceContext) -> SourceClass:
    """The class that reads `options.format`, or Spark's error for a format that has none."""
    name = options.format.lower()
    if name in SOURCES:
        return SOURCES[name]
    registered = {key.lower(): value for key, value in context.data_sources.items()}
    if name in registered:
        return python_source(registered[name])
    if name in BATCH_ONLY:
        raise UnsupportedOperationException(
            "_LEGACY_ERROR_TEMP_2049", className=options.format, operator="reading"
        )
    raise SparkClassNotFoundException("DATA_SOURCE_NOT_FOUND", provider=options.format)
