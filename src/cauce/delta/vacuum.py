"""VACUUM: delete data files that no version within the retention time needs."""

import os

import pyarrow as pa

from cauce.clock import Clock
from cauce.delta.checkpoint import interval_ms
from cauce.delta.errors import DeltaIllegalArgumentException
from cauce.delta.log import DeltaLog
from cauce.delta.protocol import check_writable
from cauce.delta.reading import absolute_path
from cauce.delta.snapshot import Snapshot
from cauce.delta.transaction import Operation, Transaction
from cauce.files import FileStatus, uri_of_path

__all__ = ["vacuum"]

HOUR_MS = 3_600_000
CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"


def vacuum(
    log: DeltaLog, clock: Clock, *, hours: float | None = None, dry_run: bool = False, checked: bool = True
) -> pa.Table:
    """The table's path; with `dry_run` the files that would go."""
    snapshot = log.existing()
    check_writable(snapshot.protocol, log.path)
    retention_ms = interval_ms(snapshot.table.configuration.get("delta.deletedFileRetentionDuration"), 7)
    _check_hours(hours, retention_ms, checked)
    kept_ms = retention_ms if hours is None else int(hours * HOUR_MS)
    gone = _unneeded(log, snapshot, clock.now_ms() - kept_ms)
    if dry_run:
        return pa.table({"path": pa.array([uri_of_path(file.path) for file in gone], pa.string())})
    _note(log, clock, "VACUUM START", {"numFilesToDelete": len(gone), "sizeOfDataToDelete": _size(gone)})
    for file in gone:
        log.file_system.delete(file.path)
    _note(log, clock, "VACUUM END", {"numDeletedFiles": len(gone), "numVacuumedDirectories": 1})
    return pa.table({"path": pa.array([log.uri], pa.string())})


def _note(log: DeltaLog, clock: Clock, operation: str, metrics: dict[str, int]) -> None:
    Transaction(log, clock).commit(Operation(operation, {}, metrics))


def _check_hours(hours: float | None, retention_ms: int, checked: bool) -> None:
    if hours is not None and hours < 0:
        raise DeltaIllegalArgumentException("DELTA_VACUUM_RETENTION_PERIOD_NEGATIVE")
    if checked and hours is not None and hours * HOUR_MS < retention_ms:
        raise DeltaIllegalArgumentException(
            "DELTA_VACUUM_RETENTION_PERIOD_TOO_SHORT",
            retentionPeriod=retention_ms // HOUR_MS,
            configuredRetentionHours=retention_ms // HOUR_MS,
        )


def _unneeded(log: DeltaLog, snapshot: Snapshot, before_ms: int) -> list[FileStatus]:
    """Old files that the table does not have, and had not lately."""
    needed = {absolute_path(log.path, file.path) for file in snapshot.files.values()}
    for tombstone in snapshot.tombstones.values():
        if tombstone.get("deletionTimestamp", 0) >= before_ms:
            needed.add(absolute_path(log.path, tombstone["path"]))
    return [
        file
        for file in log.file_system.list(log.path, recursive=True)
        if not file.is_dir
        and file.modified_ms < before_ms
        and file.path not in needed
        and not _is_hidden(os.path.relpath(file.path, log.path))
    ]


def _is_hidden(relative: str) -> bool:
    """The log, and folders of others; change files and partition folders are the table's own."""
    if relative.startswith("_change_data/"):
        return False
    folders = relative.split("/")
    if relative.endswith(".bin"):
        return True  # Deletion vectors are shared by versions in ways the path does not tell.
    return any(name.startswith(("_", ".")) and "=" not in name for name in folders)


def _size(files: list[FileStatus]) -> int:
    return sum(file.size_bytes for file in files)
