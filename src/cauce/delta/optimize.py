"""OPTIMIZE: small files become few large ones, in Z-order if asked for."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cauce.clock import Clock
from cauce.delta.actions import AddFile, Metadata
from cauce.delta.compaction import Compacted, bins, compaction_operation, rewrite
from cauce.delta.errors import DeltaAnalysisException, DeltaIllegalArgumentException
from cauce.delta.log import DeltaLog
from cauce.delta.transaction import Transaction

__all__ = ["OPTIMIZED", "optimize", "zorder_positions"]

BYTES_MAX = 1024 * 1024 * 1024
"""spark.databricks.delta.optimize.maxFileSize"""
LONG = pa.int64()
FILES = pa.struct(
    [("min", LONG), ("max", LONG), ("avg", pa.float64()), ("totalFiles", LONG), ("totalSize", LONG)]
)
OPTIMIZED = pa.schema(
    [
        ("path", pa.string()),
        (
            "metrics",
            pa.struct(
                [
                    ("numFilesAdded", LONG),
                    ("numFilesRemoved", LONG),
                    ("filesAdded", FILES),
                    ("filesRemoved", FILES),
                    ("partitionsOptimized", LONG),
                    ("numBins", LONG),
                    ("numBatches", LONG),
                    ("totalConsideredFiles", LONG),
                    ("totalFilesSkipped", LONG),
                    ("preserveInsertionOrder", pa.bool_()),
                    ("startTimeMs", LONG),
                    ("endTimeMs", LONG),
                ]
            ),
        ),
    ]
)


def optimize(
    log: DeltaLog,
    clock: Clock,
    *,
    partitions: Iterable[dict[str, str | None]] | None = None,
    zorder_by: Sequence[str] = (),
) -> pa.Table:
    """Compact all partitions, or those given by their values; the metrics as one row."""
    started_ms = clock.now_ms()
    transaction = Transaction(log, clock)
    table = log.existing().table
    columns = _zorder_columns(zorder_by, table)
    candidates = [f for f in transaction.snapshot.files.values() if _is_in(f, partitions)]
    groups = _whole_partitions(candidates, table) if columns else list(bins(candidates, table, BYTES_MAX))
    done = rewrite(transaction, groups, order=lambda rows: rows.take(zorder_positions(rows, columns)))
    if done.removed:
        transaction.commit(compaction_operation(done, auto=False, zorder_by=columns))
    metrics = _metrics(done, len(groups), len(candidates))
    metrics |= {"startTimeMs": started_ms, "endTimeMs": clock.now_ms()}
    return pa.Table.from_pylist([{"path": log.uri, "metrics": metrics}], OPTIMIZED)


def zorder_positions(rows: pa.Table, columns: Sequence[str]) -> pa.Array:
    """The rows' order along a Z curve through the ranks of the columns; their own without columns."""
    if not columns:
        return pa.array(np.arange(rows.num_rows))
    bits = 63 // len(columns)
    curve = np.zeros(rows.num_rows, np.uint64)
    for number, name in enumerate(columns):
        ranks = pc.rank(rows[name].combine_chunks(), tiebreaker="dense").to_numpy().astype(np.uint64)
        for bit in range(min(bits, 21 if len(columns) > 1 else bits)):
            on = (ranks >> np.uint64(bit)) & np.uint64(1)
            curve |= on << np.uint64(bit * len(columns) + number)
    return pa.array(np.argsort(curve, kind="stable"))


def _zorder_columns(given: Sequence[str], table: Metadata) -> list[str]:
    names = {name.lower(): name for name in table.schema.names}
    for name in given:
        if name.lower() not in names:
            raise DeltaAnalysisException("DELTA_ZORDERING_COLUMN_DOES_NOT_EXIST", columnName=name)
        if names[name.lower()] in table.partition_columns:
            raise DeltaIllegalArgumentException("DELTA_ZORDERING_ON_PARTITION_COLUMN", colName=name)
    return [names[name.lower()] for name in given]


def _is_in(file: AddFile, partitions: Iterable[dict[str, str | None]] | None) -> bool:
    return partitions is None or dict(file.partition_values) in partitions


def _whole_partitions(files: Iterable[AddFile], table: Metadata) -> list[list[AddFile]]:
    found: dict[tuple, list[AddFile]] = {}
    for file in files:
        key = tuple(file.partition_values.get(name) for name in table.partition_columns)
        found.setdefault(key, []).append(file)
    return list(found.values())


def _metrics(done: Compacted, groups: int, considered: int) -> dict[str, Any]:
    return {
        "numFilesAdded": len(done.added),
        "numFilesRemoved": len(done.removed),
        "filesAdded": _sizes(done.added),
        "filesRemoved": _sizes(done.removed),
        "partitionsOptimized": len({str(dict(file.partition_values)) for file in done.removed}),
        "numBins": groups,
        "numBatches": 1,
        "totalConsideredFiles": considered,
        "totalFilesSkipped": considered - len(done.removed),
        "preserveInsertionOrder": False,
    }


def _sizes(files: Sequence[AddFile]) -> dict[str, Any]:
    sizes = [file.size_bytes for file in files]
    total = sum(sizes)
    return {
        "min": min(sizes, default=None),
        "max": max(sizes, default=None),
        "avg": total / len(sizes) if sizes else 0.0,
        "totalFiles": len(sizes),
        "totalSize": total,
    }
