"""The files that make a query restartable, in Apache Spark's own formats, plus fsync and one owner.

Imported by streaming and by what inspects checkpoints; imports files, clock, conf and errors. Writes
version 1 of every log and reads versions 1 and 2 of the offset log. The state that Apache Spark's own
stateful operators wrote is refused, not read.
"""

from cauce.checkpoint.audit import AuditEntry
from cauce.checkpoint.checkpoint import Checkpoint
from cauce.checkpoint.commit_log import CommitEntry, CommitLog
from cauce.checkpoint.compaction import CompactionSettings
from cauce.checkpoint.file_source_log import FileSourceLog, SourceFile
from cauce.checkpoint.initial_offset import InitialOffset
from cauce.checkpoint.locked_conf import locked_conf, restore_locked_conf
from cauce.checkpoint.offset_log import OffsetEntry, OffsetLog
from cauce.checkpoint.operator_metadata import OperatorMetadata, SparkStore
from cauce.checkpoint.operator_properties import OperatorProperties
from cauce.checkpoint.ownership import owned
from cauce.checkpoint.recovery import recover
from cauce.checkpoint.rewind import rewind
from cauce.checkpoint.sink_log import SinkFile, SinkLog
from cauce.checkpoint.stream_metadata import StreamMetadata

__all__ = [
    "AuditEntry",
    "Checkpoint",
    "CommitEntry",
    "CommitLog",
    "CompactionSettings",
    "FileSourceLog",
    "InitialOffset",
    "OffsetEntry",
    "OffsetLog",
    "OperatorMetadata",
    "OperatorProperties",
    "SinkFile",
    "SinkLog",
    "SourceFile",
    "SparkStore",
    "StreamMetadata",
    "locked_conf",
    "owned",
    "recover",
    "restore_locked_conf",
    "rewind",
]
