"""Putting small files together: the same rows in fewer files, without a change for any reader."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from cauce.clock import Clock
from cauce.delta.actions import AddFile, Metadata
from cauce.delta.data_files import write_files
from cauce.delta.health import SMALL_FILE_BYTES_MAX
from cauce.delta.log import DeltaLog
from cauce.delta.reading import read_files
from cauce.delta.transaction import Operation, Transaction

__all__ = ["Compacted", "bins", "compact_small_files", "compact_when_idle", "compaction_operation", "rewrite"]

SMALL_FILES_MIN = 50
"""So many small files make automatic compaction worth it (autoCompact.minNumFiles)."""
AUTO_BYTES_MAX = 128 * 1024 * 1024
"""spark.databricks.delta.autoCompact.maxFileSize"""


IDLE_FILES_MIN = 8
"""So many small files of one partition are worth a commit while there is nothing else to do."""
IDLE_FILES_MAX = 500
"""More would keep the next batch waiting, however small they are."""


@dataclass(frozen=True)
class Compacted:
    """What a rewrite did."""

    removed: list[AddFile]
    added: list[AddFile]


def compact_small_files(log: DeltaLog, clock: Clock) -> bool:
    """One automatic compaction, of the partitions that have many small files; False if none has."""
    transaction = Transaction(log, clock)
    table = transaction.snapshot.table
    groups = [
        group
        for group in bins(transaction.snapshot.files.values(), table, AUTO_BYTES_MAX)
        if len(group) >= SMALL_FILES_MIN
    ]
    if not groups:
        return False
    done = rewrite(transaction, groups)
    transaction.commit(compaction_operation(done, auto=True))
    return True


def compact_when_idle(log: DeltaLog, clock: Clock) -> bool:
    """A piece of work for an idle moment: one group of small files, of bounded size; False if there is none.

    Half-full files stay as they are: otherwise a few small ones would have them rewritten again and again.
    """
    transaction = Transaction(log, clock)
    if not transaction.snapshot.exists:
        return False
    files = transaction.snapshot.files.values()
    candidates = (f for f in files if f.size_bytes < SMALL_FILE_BYTES_MAX // 2 and not f.deletion_vector)
    groups = bins(candidates, transaction.snapshot.table, SMALL_FILE_BYTES_MAX)
    group = max(groups, key=len, default=[])[:IDLE_FILES_MAX]
    if len(group) < IDLE_FILES_MIN:
        return False
    done = rewrite(transaction, [group])
    transaction.commit(compaction_operation(done, auto=True))
    return True


def rewrite(
    transaction: Transaction,
    groups: Iterable[Sequence[AddFile]],
    *,
    order: Callable[[pa.Table], pa.Table] = lambda rows: rows,
) -> Compacted:
    """Replace each group of files by as few as can be, their rows in an order.

    What is removed counts as read: another writer must not have removed it meanwhile.
    """
    removed: list[AddFile] = []
    added: list[AddFile] = []
    now_ms = transaction.clock.now_ms()
    for group in groups:
        rows = order(read_files(transaction.log.path, group, transaction.metadata))
        added.extend(write_files(transaction.log, transaction.metadata, rows, transaction.clock))
        removed.extend(group)
    transaction.read_files |= {file.key for file in removed}
    transaction.actions.extend(file.action(data_change=False) for file in added)
    transaction.actions.extend(file.remove(now_ms, data_change=False) for file in removed)
    return Compacted(removed, added)


def bins(files: Iterable[AddFile], table: Metadata, bytes_max: int) -> Iterator[list[AddFile]]:
    """Groups of at least two small files of one partition, or a single one with deletions."""
    partitions: dict[tuple, list[AddFile]] = {}
    for file in files:
        if file.size_bytes < bytes_max or file.deletion_vector:
            key = tuple(file.partition_values.get(name) for name in table.partition_columns)
            partitions.setdefault(key, []).append(file)
    for members in partitions.values():
        yield from _packed(members, bytes_max)


def _packed(files: list[AddFile], bytes_max: int) -> Iterator[list[AddFile]]:
    group: list[AddFile] = []
    size = 0
    for file in sorted(files, key=lambda each: (each.modified_ms, each.path)):
        if group and size + file.size_bytes > bytes_max:
            yield from _worthwhile(group)
            group, size = [], 0
        group.append(file)
        size += file.size_bytes
    yield from _worthwhile(group)


def _worthwhile(group: list[AddFile]) -> Iterator[list[AddFile]]:
    if len(group) > 1 or any(file.deletion_vector for file in group):
        yield group


def compaction_operation(done: Compacted, *, auto: bool, zorder_by: Sequence[str] = ()) -> Operation:
    """An OPTIMIZE, as the history tells it."""
    listed = ",".join(f'"{name}"' for name in zorder_by)
    parameters = {
        "predicate": "[]",
        "auto": str(auto).lower(),
        "zOrderBy": f"[{listed}]",
        "clusterBy": "[]",
    }
    metrics = {
        "numRemovedFiles": len(done.removed),
        "numAddedFiles": len(done.added),
        "numRemovedBytes": sum(file.size_bytes for file in done.removed),
        "numAddedBytes": sum(file.size_bytes for file in done.added),
    }
    return Operation("OPTIMIZE", parameters, metrics)
