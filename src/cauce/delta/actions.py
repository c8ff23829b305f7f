"""The actions a Delta log is made of, as small values; JSON is spelled exactly as in the protocol."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

from pyspark.sql.types import StructType

__all__ = ["Action", "AddFile", "Metadata", "Protocol", "encode_commit", "decode_commit", "path_text"]

Action = dict[str, Any]
"""One line of a commit: `{"add": {...}}`, `{"txn": {...}}` and so on."""

TABLE_FEATURES_READER = 3
TABLE_FEATURES_WRITER = 7


@dataclass(frozen=True)
class Protocol:
    """What a program must be able to do to read or write the table."""

    min_reader: int = 1
    min_writer: int = 2
    reader_features: frozenset[str] = frozenset()
    writer_features: frozenset[str] = frozenset()

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Protocol":
        return cls(
            value["minReaderVersion"],
            value["minWriterVersion"],
            frozenset(value.get("readerFeatures") or ()),
            frozenset(value.get("writerFeatures") or ()),
        )

    def action(self) -> Action:
        value: dict[str, Any] = {"minReaderVersion": self.min_reader, "minWriterVersion": self.min_writer}
        if self.min_reader >= TABLE_FEATURES_READER:
            value["readerFeatures"] = sorted(self.reader_features)
        if self.min_writer >= TABLE_FEATURES_WRITER:
            value["writerFeatures"] = sorted(self.writer_features)
        return {"protocol": value}


@dataclass(frozen=True)
class Metadata:
    """The table's identity, schema, partitioning and properties."""

    id: str
    schema_string: str
    partition_columns: tuple[str, ...] = ()
    configuration: Mapping[str, str] = field(default_factory=dict)
    created_ms: int | None = None
    name: str | None = None
    description: str | None = None

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Metadata":
        return cls(
            id=value["id"],
            schema_string=value["schemaString"],
            partition_columns=tuple(value.get("partitionColumns") or ()),
            configuration=dict(value.get("configuration") or {}),
            created_ms=value.get("createdTime"),
            name=value.get("name"),
            description=value.get("description"),
        )

    @cached_property
    def schema(self) -> StructType:
        return StructType.fromJson(json.loads(self.schema_string))

    @property
    def partition_schema(self) -> StructType:
        return StructType([self.schema[name] for name in self.partition_columns])

    @property
    def data_schema(self) -> StructType:
        return StructType([f for f in self.schema if f.name not in self.partition_columns])

    def flag(self, key: str, default: bool = False) -> bool:
        text = self.configuration.get(key)
        return default if text is None else text.lower() == "true"

    def with_schema(self, schema: StructType) -> "Metadata":
        return replace(self, schema_string=schema.json())

    def action(self) -> Action:
        value: dict[str, Any] = {"id": self.id}
        if self.name is not None:
            value["name"] = self.name
        if self.description is not None:
            value["description"] = self.description
        value |= {
            "format": {"provider": "parquet", "options": {}},
            "schemaString": self.schema_string,
            "partitionColumns": list(self.partition_columns),
            "configuration": dict(self.configuration),
        }
        if self.created_ms is not None:
            value["createdTime"] = self.created_ms
        return {"metaData": value}


@dataclass(frozen=True)
class AddFile:
    """A data file that belongs to the table. `raw` keeps what other writers noted on it."""

    raw: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Percent-encoded; relative to the table's folder, or a URI (of a clone's files)."""
        return self.raw["path"]

    @property
    def partition_values(self) -> Mapping[str, str | None]:
        return self.raw.get("partitionValues") or {}

    @property
    def size_bytes(self) -> int:
        return self.raw["size"]

    @property
    def modified_ms(self) -> int:
        return self.raw["modificationTime"]

    @property
    def deletion_vector(self) -> Mapping[str, Any] | None:
        return self.raw.get("deletionVector")

    @property
    def key(self) -> tuple[str, str]:
        """What makes a logical file: the same data file with other deletions is another one."""
        return logical_key(self.raw)

    @cached_property
    def statistics(self) -> dict[str, Any]:
        return json.loads(self.raw.get("stats") or "{}")

    @property
    def num_records(self) -> int | None:
        """The rows left in the file, if its statistics know."""
        count = self.statistics.get("numRecords")
        vector = self.deletion_vector
        return count if count is None or vector is None else count - vector["cardinality"]

    def action(self, *, data_change: bool = True) -> Action:
        return {"add": {**self.raw, "dataChange": data_change}}

    def remove(self, now_ms: int, *, data_change: bool = True) -> Action:
        """The action that takes this file out of the table."""
        value = {
            "path": self.path,
            "deletionTimestamp": now_ms,
            "dataChange": data_change,
            "extendedFileMetadata": True,
            "partitionValues": dict(self.partition_values),
            "size": self.size_bytes,
        }
        for name in ("stats", "tags", "deletionVector", "baseRowId", "defaultRowCommitVersion"):
            if self.raw.get(name) is not None:
                value[name] = self.raw[name]
        return {"remove": value}


def logical_key(raw: Mapping[str, Any]) -> tuple[str, str]:
    """Path and deletion vector of an add or remove."""
    vector = raw.get("deletionVector")
    if not vector:
        return raw["path"], ""
    return raw["path"], f"{vector['storageType']}{vector['pathOrInlineDv']}@{vector.get('offset')}"


def path_text(relative: str) -> str:
    """A relative path as the log spells it: percent-encoded."""
    return quote(relative, safe="/!$&'()*+,;=:@-._~")


def path_on_disk(encoded: str) -> str:
    """The inverse of `path_text`."""
    return unquote(encoded)


def encode_commit(actions: Iterable[Action]) -> bytes:
    """One JSON object a line."""
    lines = (json.dumps(action, separators=(",", ":"), ensure_ascii=False) for action in actions)
    return ("\n".join(lines) + "\n").encode()


def decode_commit(data: bytes) -> Iterator[Action]:
    for line in data.splitlines():
        if line.strip():
            yield json.loads(line)
