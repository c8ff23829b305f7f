"""What a table is and what was done to it: DESCRIBE DETAIL and DESCRIBE HISTORY."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from cauce.delta.actions import Protocol
from cauce.delta.history import commit_times
from cauce.delta.log import DeltaLog, commit_info
from cauce.delta.protocol import implied_features

__all__ = ["DETAIL", "HISTORY", "detail", "history"]

TEXT, LONG = pa.string(), pa.int64()
TEXTS = pa.map_(TEXT, TEXT)
MOMENT = pa.timestamp("us", "UTC")
JOB = ("jobId", "jobName", "jobRunId", "runId", "jobOwnerId", "triggerType")

HISTORY = pa.schema(
    [
        ("version", LONG),
        ("timestamp", MOMENT),
        ("userId", TEXT),
        ("userName", TEXT),
        ("operation", TEXT),
        ("operationParameters", TEXTS),
        ("job", pa.struct([(name, TEXT) for name in JOB])),
        ("notebook", pa.struct([("notebookId", TEXT)])),
        ("clusterId", TEXT),
        ("readVersion", LONG),
        ("isolationLevel", TEXT),
        ("isBlindAppend", pa.bool_()),
        ("operationMetrics", TEXTS),
        ("userMetadata", TEXT),
        ("engineInfo", TEXT),
    ]
)
DETAIL = pa.schema(
    [
        ("format", TEXT),
        ("id", TEXT),
        ("name", TEXT),
        ("description", TEXT),
        ("location", TEXT),
        ("createdAt", MOMENT),
        ("lastModified", MOMENT),
        ("partitionColumns", pa.list_(TEXT)),
        ("clusteringColumns", pa.list_(TEXT)),
        ("numFiles", LONG),
        ("sizeInBytes", LONG),
        ("properties", TEXTS),
        ("minReaderVersion", pa.int32()),
        ("minWriterVersion", pa.int32()),
        ("tableFeatures", pa.list_(TEXT)),
    ]
)


def history(log: DeltaLog, limit: int | None = None) -> pa.Table:
    """The commits that are still there, newest first."""
    log.existing()
    times = list(reversed(commit_times(log)))[:limit]
    rows = [_commit(version, time, commit_info(log.read(version))) for version, time in times]
    return pa.Table.from_pylist(rows, HISTORY)


def detail(log: DeltaLog, name: str | None = None) -> pa.Table:
    """One row about the table as it is."""
    snapshot = log.existing()
    table, protocol = snapshot.table, snapshot.protocol
    row = {
        "format": "delta",
        "id": table.id,
        "name": name or table.name,
        "description": table.description,
        "location": log.uri,
        "createdAt": None if table.created_ms is None else _moment(table.created_ms),
        "lastModified": _moment(log.timestamp_ms(snapshot.version)),
        "partitionColumns": list(table.partition_columns),
        "clusteringColumns": [],
        "numFiles": len(snapshot.files),
        "sizeInBytes": sum(file.size_bytes for file in snapshot.files.values()),
        "properties": list(table.configuration.items()),
        "minReaderVersion": protocol.min_reader,
        "minWriterVersion": protocol.min_writer,
        "tableFeatures": _features(protocol),
    }
    return pa.Table.from_pylist([row], DETAIL)


def _commit(version: int, time_ms: int, info: dict[str, Any]) -> dict[str, Any]:
    known = {name: info.get(name) for name in HISTORY.names}
    return known | {
        "version": version,
        "timestamp": _moment(time_ms),
        "job": None,
        "notebook": None,
        "operationParameters": _texts(info.get("operationParameters")),
        "operationMetrics": _texts(info.get("operationMetrics")),
    }


def _texts(value: dict[str, Any] | None) -> list[tuple[str, str]] | None:
    """A map whose values are text, as older writers may not have written them."""
    if value is None:
        return None
    return [(k, v if isinstance(v, str) else json.dumps(v)) for k, v in value.items() if v is not None]


def _features(protocol: Protocol) -> list[str]:
    listed = protocol.reader_features | protocol.writer_features
    return sorted(listed | implied_features(protocol))


def _moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)
