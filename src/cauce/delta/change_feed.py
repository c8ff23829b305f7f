"""The change data feed: rows inserted, deleted and updated, with the version that did it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import LongType, StringType, StructType, TimestampType

from cauce.delta.actions import Action, AddFile, Metadata
from cauce.delta.data_files import CHANGE_TYPE, arrow_form, with_change_type
from cauce.delta.deletion_vector import deleted_rows
from cauce.delta.errors import DeltaAnalysisException
from cauce.delta.log import DeltaLog
from cauce.delta.reading import read_file

__all__ = [
    "COMMIT_TIMESTAMP",
    "COMMIT_VERSION",
    "change_files",
    "change_rows",
    "change_schema",
    "changes_between",
    "empty_changes",
    "noted",
]

COMMIT_VERSION = "_commit_version"
COMMIT_TIMESTAMP = "_commit_timestamp"

Files = list[tuple[str, Mapping[str, Any]]]


def change_schema(table: StructType) -> StructType:
    """A table's columns and those of the feed."""
    return (
        StructType(list(table.fields))
        .add(CHANGE_TYPE, StringType())
        .add(COMMIT_VERSION, LongType())
        .add(COMMIT_TIMESTAMP, TimestampType())
    )


def change_rows(table_path: str, files: Files, table: Metadata) -> pa.Table:
    """The changes that files of one commit stand for, of kind add, remove and cdc."""
    schema = change_schema(table.schema)
    tables = [*_deleted_within(table_path, files, table)]
    within = _same_files(files)
    for kind, raw in files:
        if raw["path"] not in within:
            tables.append(_rows(table_path, kind, raw, table, schema))
    if not tables:
        return _empty(table)
    return pa.concat_tables(tables)


def noted(rows: pa.Table, version: int, timestamp_ms: int) -> pa.Table:
    """The changes with the commit they belong to."""
    moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    versions = pa.repeat(pa.scalar(version, pa.int64()), rows.num_rows)
    moments = pa.repeat(pa.scalar(moment, pa.timestamp("us", "UTC")), rows.num_rows)
    return rows.append_column(COMMIT_VERSION, versions).append_column(COMMIT_TIMESTAMP, moments)


def empty_changes(table: Metadata) -> pa.Table:
    """No changes."""
    return arrow_form(change_schema(table.schema)).empty_table()


def _empty(table: Metadata) -> pa.Table:
    return with_change_type(arrow_form(table.schema).empty_table(), "insert")


def _rows(
    table_path: str, kind: str, raw: Mapping[str, Any], table: Metadata, schema: StructType
) -> pa.Table:
    if kind != "cdc":
        rows = read_file(table_path, AddFile(raw), table)
        return with_change_type(rows, "insert" if kind == "add" else "delete")
    widened = table.with_schema(StructType(schema.fields[: len(table.schema) + 1]))
    return read_file(table_path, AddFile(raw), widened)


def _same_files(files: Files) -> set[str]:
    """Data files whose deletions changed: removed and added in one commit."""
    removed = {raw["path"] for kind, raw in files if kind == "remove"}
    return {raw["path"] for kind, raw in files if kind == "add"} & removed


def _deleted_within(table_path: str, files: Files, table: Metadata) -> Iterable[pa.Table]:
    """What a new deletion vector takes out of a file, or brings back."""
    for path in sorted(_same_files(files)):
        pair = {kind: AddFile(raw) for kind, raw in files if raw["path"] == path}
        before, after = (_positions(table_path, pair[kind]) for kind in ("remove", "add"))
        rows = read_file(table_path, pair["add"], table, keep_deleted=True)
        gone = after.filter(pc.invert(pc.is_in(after, value_set=before)))
        back = before.filter(pc.invert(pc.is_in(before, value_set=after)))
        yield with_change_type(rows.take(gone), "delete")
        yield with_change_type(rows.take(back), "insert")


def _positions(table_path: str, file: AddFile) -> pa.Array:
    vector = file.deletion_vector
    return pa.array([], pa.uint64()) if vector is None else deleted_rows(table_path, vector)


def changes_between(log: DeltaLog, first: int, last: int) -> pa.Table:
    """The changes of the versions from first to last, both included."""
    table = log.existing().table
    _check_enabled(log, first, last)
    tables = [empty_changes(table)]
    for version in range(first, last + 1):
        actions = log.read(version)
        files = change_files(actions)
        if files:
            rows = change_rows(log.path, files, table)
            tables.append(noted(rows, version, log.timestamp_ms(version, actions)))
    return pa.concat_tables(tables)


def change_files(actions: Sequence[Action]) -> Files:
    """What the feed of a commit is made of: files of its own, or those added and removed."""
    changes: Files = [("cdc", action["cdc"]) for action in actions if action.get("cdc")]
    if changes:
        return changes
    kinds = ((kind, value) for a in actions for kind, value in a.items() if kind in ("add", "remove"))
    return [(kind, raw) for kind, raw in kinds if raw.get("dataChange")]


def _check_enabled(log: DeltaLog, first: int, last: int) -> None:
    """DELTA_MISSING_CHANGE_DATA for the first version that recorded no changes."""
    table = log.snapshot_at(first).table
    for version in range(first, last + 1):
        changed = next((a["metaData"] for a in log.read(version) if a.get("metaData")), None)
        table = table if changed is None else Metadata.of(changed)
        if not table.flag("delta.enableChangeDataFeed"):
            raise DeltaAnalysisException(
                "DELTA_MISSING_CHANGE_DATA",
                startVersion=first,
                endVersion=last,
                version=version,
                key="delta.enableChangeDataFeed",
            )
