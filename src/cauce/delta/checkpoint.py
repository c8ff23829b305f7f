"""Checkpoints of a Delta log: a snapshot's actions as Parquet rows.

Read in all their forms (one file, several parts, version 2 with sidecars), written as one file.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cauce.conf import parse_time_ms
from cauce.delta.actions import Action, decode_commit
from cauce.delta.snapshot import Snapshot
from cauce.files import FileSystem, local_copy

__all__ = ["interval_ms", "read", "versions", "write"]

CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10})|\.[0-9a-f-]{36})?\.(parquet|json)")
TEXTS = pa.map_(pa.string(), pa.string())
VECTOR = pa.struct(
    [
        ("storageType", pa.string()),
        ("pathOrInlineDv", pa.string()),
        ("offset", pa.int32()),
        ("sizeInBytes", pa.int32()),
        ("cardinality", pa.int64()),
    ]
)
FILE = [("path", pa.string()), ("partitionValues", TEXTS), ("size", pa.int64())]
ROWS = [("tags", TEXTS), ("deletionVector", VECTOR)]
ROW_IDS = [("baseRowId", pa.int64()), ("defaultRowCommitVersion", pa.int64())]
SCHEMA = pa.schema(
    [
        ("txn", pa.struct([("appId", pa.string()), ("version", pa.int64()), ("lastUpdated", pa.int64())])),
        (
            "add",
            pa.struct(
                [
                    *FILE,
                    ("modificationTime", pa.int64()),
                    ("dataChange", pa.bool_()),
                    ("stats", pa.string()),
                    *ROWS,
                    *ROW_IDS,
                    ("clusteringProvider", pa.string()),
                ]
            ),
        ),
        (
            "remove",
            pa.struct(
                [
                    *FILE,
                    ("deletionTimestamp", pa.int64()),
                    ("dataChange", pa.bool_()),
                    ("extendedFileMetadata", pa.bool_()),
                    *ROWS,
                    *ROW_IDS,
                ]
            ),
        ),
        (
            "metaData",
            pa.struct(
                [
                    ("id", pa.string()),
                    ("name", pa.string()),
                    ("description", pa.string()),
                    ("format", pa.struct([("provider", pa.string()), ("options", TEXTS)])),
                    ("schemaString", pa.string()),
                    ("partitionColumns", pa.list_(pa.string())),
                    ("configuration", TEXTS),
                    ("createdTime", pa.int64()),
                ]
            ),
        ),
        (
            "protocol",
            pa.struct(
                [
                    ("minReaderVersion", pa.int32()),
                    ("minWriterVersion", pa.int32()),
                    ("readerFeatures", pa.list_(pa.string())),
                    ("writerFeatures", pa.list_(pa.string())),
                ]
            ),
        ),
        (
            "domainMetadata",
            pa.struct([("domain", pa.string()), ("configuration", pa.string()), ("removed", pa.bool_())]),
        ),
    ]
)
MAPS = ("partitionValues", "tags", "configuration", "options")


def versions(names: Iterable[str]) -> list[int]:
    """The versions with a whole checkpoint among the log's files."""
    return [version for version, files in _by_version(names).items() if _chosen(files)]


def read(log_path: str, version: int, names: Iterable[str]) -> Iterator[Action]:
    """The actions of a checkpoint."""
    for name in _chosen(_by_version(names)[version]):
        for action in _actions(f"{log_path}/{name}"):
            sidecar = action.get("sidecar")
            if sidecar:
                yield from _actions(f"{log_path}/_sidecars/{sidecar['path']}")
            else:
                yield action


def write(file_system: FileSystem, log_path: str, snapshot: Snapshot, now_ms: int) -> None:
    """Write the checkpoint of a snapshot, then the hint that it is there."""
    rows = list(_rows(snapshot, now_ms))
    name = f"{snapshot.version:020d}.checkpoint.parquet"
    table = pa.Table.from_pylist(rows, SCHEMA)
    try:
        with file_system.create_durable(f"{log_path}/{name}") as file:
            pq.write_table(table, pa.PythonFile(file, mode="w"), store_schema=False)
    except FileExistsError:
        return  # Another writer was as quick; the same version has the same actions.
    size = file_system.status(f"{log_path}/{name}").size_bytes
    hint = {
        "version": snapshot.version,
        "size": len(rows),
        "sizeInBytes": size,
        "numOfAddFiles": len(snapshot.files),
    }
    text = json.dumps(hint, separators=(",", ":")).encode()
    file_system.write_durable(f"{log_path}/_last_checkpoint", text, overwrite=True)


def _by_version(names: Iterable[str]) -> dict[int, list[re.Match[str]]]:
    found: dict[int, list[re.Match[str]]] = {}
    for name in names:
        match = CHECKPOINT.fullmatch(name)
        if match is not None:
            found.setdefault(int(match[1]), []).append(match)
    return found


def _chosen(files: Sequence[re.Match[str]]) -> list[str]:
    """The names of one whole checkpoint: a single file, or all the parts of one."""
    single = sorted(match[0] for match in files if match[2] is None)
    if single:
        return single[:1]
    for count in {match[3] for match in files}:
        parts = sorted(match[0] for match in files if match[3] == count)
        if len(parts) == int(count):
            return parts
    return []


def _actions(path: str) -> Iterator[Action]:
    if path.endswith(".json"):
        with open(local_copy(path), "rb") as file:
            yield from decode_commit(file.read())
        return
    for batch in pq.ParquetFile(local_copy(path)).iter_batches(4096):
        # Statistics as structs are there for engines; the same ones are there as text.
        for row in batch.to_pylist(maps_as_pydicts="strict"):
            yield {kind: _without_nulls(value) for kind, value in row.items() if value is not None}


def _without_nulls(value: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in value.items() if v is not None and not k.endswith("_parsed")}


def _rows(snapshot: Snapshot, now_ms: int) -> Iterator[dict[str, Any]]:
    yield snapshot.protocol.action()
    yield _typed(snapshot.table.action())
    for transaction in snapshot.transactions.values():
        yield {"txn": transaction}
    for domain in snapshot.domains.values():
        if not domain.get("removed"):
            yield {"domainMetadata": domain}
    oldest_ms = now_ms - _retention_ms(snapshot)
    for tombstone in snapshot.tombstones.values():
        if tombstone.get("deletionTimestamp", 0) > oldest_ms:
            yield _typed({"remove": {**tombstone, "dataChange": False}})
    for file in snapshot.files.values():
        yield _typed(file.action(data_change=False))


def _typed(action: Action) -> dict[str, Any]:
    """Arrow takes a map as a list of pairs."""
    [(kind, value)] = action.items()
    typed = {k: list(v.items()) if k in MAPS and v is not None else v for k, v in value.items()}
    if kind == "metaData":
        typed["format"] = {"provider": "parquet", "options": []}
    return {kind: typed}


def _retention_ms(snapshot: Snapshot) -> int:
    return interval_ms(snapshot.table.configuration.get("delta.deletedFileRetentionDuration"), 7)


def interval_ms(text: str | None, default_days: int) -> int:
    """`interval 2 weeks` and the like in milliseconds."""
    if text is None:
        return default_days * 86_400_000
    units = {"week": 604_800_000, "day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "second": 1000}
    found = re.findall(r"(\d+)\s*([a-z]+?)s?\b", text.lower())
    if not found or any(unit not in units for _, unit in found):
        return parse_time_ms(text, default_unit="ms")
    return sum(int(count) * units[unit] for count, unit in found)
