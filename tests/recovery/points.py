"""The crash points of the micro-batch protocol, found among the disk operations of an undisturbed run.

Some moments leave the same disk behind and are one point: a death during the source's commit or during a
user's function is `offsets logged`. State is compacted by the commit itself, so there are no state snapshots;
the logs' compaction has its points.
"""

import re
from collections.abc import Sequence

__all__ = ["POINTS", "SETTINGS", "operation_of"]

SETTINGS = {
    "spark.sql.streaming.minBatchesToRetain": "1",
    "spark.sql.streaming.fileSource.log.compactInterval": "2",
    "spark.sql.streaming.fileSink.log.compactInterval": "2",
}
"""So that even four batches purge and compact."""

POINTS = {
    "source log temporary": (r"write checkpoint/sources/0/\.\d+\.<uuid>", "after"),
    "source log named": (r"link checkpoint/sources/0/\.\d+\.<uuid>", "after"),
    "source log compaction half written": (r"write checkpoint/sources/0/\.\d+\.compact\.<uuid>", "torn"),
    "source log compacted, old entries there": (r"link checkpoint/sources/0/\.\d+\.compact\.<uuid>", "after"),
    "before the offsets": (r"create checkpoint/offsets/\.\d+\.<uuid>", "before"),
    "offsets half written": (r"write checkpoint/offsets/\.\d+\.<uuid>", "torn"),
    "offsets temporary": (r"write checkpoint/offsets/\.\d+\.<uuid>", "after"),
    "offsets named, not synced": (r"link checkpoint/offsets/", "after"),
    "offsets logged": (r"sync_folder checkpoint/offsets", "after"),
    "purge under way": (r"unlink checkpoint/(offsets|commits)/\d+$", "after"),
    "operator metadata written": (r"link checkpoint/state/\d+/_metadata/", "after"),
    "state half written": (r"write checkpoint/state/\d+/(?!_metadata)", "torn"),
    "one store of several committed": (r"link checkpoint/state/\d+/(?!_metadata)", "after"),
    "state durable, sink not called": (r"sync_folder checkpoint/state/\d+/(?!_metadata)", "after"),
    "sink's data half written": (r"write out/", "torn"),
    "sink's data written, not logged": (r"sync_folder out$", "after"),
    "sink's log half written": (r"write out/(_spark_metadata|_delta_log)/", "torn"),
    "sink's log named": (r"link out/(_spark_metadata|_delta_log)/", "after"),
    "before the commit": (r"create checkpoint/commits/\.\d+\.<uuid>", "before"),
    "commit half written": (r"write checkpoint/commits/\.\d+\.<uuid>", "torn"),
    "commit temporary": (r"write checkpoint/commits/\.\d+\.<uuid>", "after"),
    "commit named, not synced": (r"link checkpoint/commits/", "after"),
}
"""Name -> (which operation, and when it dies: before it, after it, or in the middle of it)."""


def operation_of(pattern: str, lines: Sequence[str]) -> int | None:
    """The number of the operation in the middle batch; None where the job never does such a thing."""
    found = [k for k, line in enumerate(lines) if re.match(pattern, line)]
    return found[len(found) // 2] if found else None
