"""RESTORE: the table becomes what it was at an earlier version, as a new version."""

import pyarrow as pa

from cauce.clock import Clock
from cauce.delta.actions import Metadata, Protocol
from cauce.delta.errors import DeltaIllegalArgumentException
from cauce.delta.history import commit_times
from cauce.delta.log import DeltaLog
from cauce.delta.moments import spell_moment
from cauce.delta.reading import absolute_path
from cauce.delta.transaction import Operation, Transaction
from cauce.errors import SparkError
from cauce.files import shown_path

__all__ = ["METRICS", "restore", "restorable_version_at"]

METRICS = (
    "table_size_after_restore",
    "num_of_files_after_restore",
    "num_removed_files",
    "num_restored_files",
    "removed_files_size",
    "restored_files_size",
)


def restore(log: DeltaLog, version: int, clock: Clock, *, timestamp: str | None = None) -> pa.Table:
    """Restore a version; the metrics as one row."""
    transaction = Transaction(log, clock)
    latest = log.existing()
    earliest = log.earliest_recreatable()
    if not earliest <= version <= latest.version:
        raise DeltaIllegalArgumentException(
            "DELTA_CANNOT_RESTORE_TABLE_VERSION",
            version=version,
            startVersion=earliest,
            endVersion=latest.version,
        )
    wanted = log.snapshot_at(version)
    removed = [file for key, file in latest.files.items() if key not in wanted.files]
    added = [file for key, file in wanted.files.items() if key not in latest.files]
    _check_files(log, [file.path for file in added])
    now_ms = clock.now_ms()
    transaction.actions += [file.action() for file in added]
    transaction.actions += [file.remove(now_ms) for file in removed]
    transaction.reads_whole_table = True
    _restore_metadata(transaction, wanted.table, wanted.protocol)
    values = (
        sum(file.size_bytes for file in wanted.files.values()),
        len(wanted.files),
        len(removed),
        len(added),
        sum(file.size_bytes for file in removed),
        sum(file.size_bytes for file in added),
    )
    metrics: dict[str, int] = dict(zip(HISTORY_METRICS, values, strict=True))
    parameters = {"version": None if timestamp else str(version), "timestamp": timestamp}
    transaction.commit(Operation("RESTORE", parameters, metrics))
    return pa.table(
        {name: pa.array([value], pa.int64()) for name, value in zip(METRICS, values, strict=True)}
    )


HISTORY_METRICS: tuple[str, ...] = (
    "tableSizeAfterRestore",
    "numOfFilesAfterRestore",
    "numRemovedFiles",
    "numRestoredFiles",
    "removedFilesSize",
    "restoredFilesSize",
)


def restorable_version_at(log: DeltaLog, moment_ms: int, text: str) -> int:
    """The version that was the newest at a moment."""
    log.existing()
    times = commit_times(log)
    if moment_ms > times[-1][1]:
        raise DeltaIllegalArgumentException(
            "DELTA_CANNOT_RESTORE_TIMESTAMP_GREATER",
            requestedTimestamp=text,
            latestTimestamp=spell_moment(times[-1][1]),
        )
    if moment_ms < times[0][1]:
        raise DeltaIllegalArgumentException(
            "DELTA_CANNOT_RESTORE_TIMESTAMP_EARLIER",
            requestedTimestamp=text,
            earliestTimestamp=spell_moment(times[0][1]),
        )
    return [version for version, time in times if time <= moment_ms][-1]


def _restore_metadata(transaction: Transaction, table: Metadata, protocol: Protocol) -> None:
    """The schema and properties of then; the protocol only ever rises."""
    if table.action() != transaction.snapshot.table.action():
        transaction.set_metadata(table)
    now = transaction.snapshot.protocol
    merged = Protocol(
        max(now.min_reader, protocol.min_reader),
        max(now.min_writer, protocol.min_writer),
        now.reader_features | protocol.reader_features,
        now.writer_features | protocol.writer_features,
    )
    if merged != now:
        transaction.set_protocol(merged)


def _check_files(log: DeltaLog, paths: list[str]) -> None:
    """A vacuum may have deleted what the old version needs."""
    for path in paths:
        if not log.file_system.exists(absolute_path(log.path, path)):
            raise SparkError(
                "FAILED_READ_FILE.FILE_NOT_EXIST", path=shown_path(absolute_path(log.path, path))
            )
