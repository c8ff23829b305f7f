"""The state store: a durable, versioned table from key to row (or rows) for one stateful operator."""

import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from cauce.files import FileSystem
from cauce.state.options import StateMetrics, StateOptions

__all__ = ["StateStore"]

Row = tuple[Any, ...]


class StateStore:
    """One store of one operator, used by one thread; changes are durable at `commit`, undone by `rollback`.

    A reference is what `commit` returned: small, JSON-able, to be kept in the commit record. Event times
    are microseconds since the epoch; a null event time never expires.
    """

    def __init__(
        self,
        file_system: FileSystem,
        path: str,
        key_schema: pa.Schema,
        value_schema: pa.Schema,
        *,
        event_time: str | None,
        multi_row: bool,
        options: StateOptions,
    ) -> None:
        self._file_system, self._path = file_system, path
        self._key_schema, self._value_schema = key_schema, value_schema
        self._row_schema = pa.schema([*key_schema, *value_schema])
        self._event_index = None if event_time is None else self._row_schema.get_field_index(event_time)
        self._multi_row = multi_row
        self.options = options
        self.metrics = StateMetrics()
        self._rows: dict[Row, list[Row]] = {}
        self._reference: dict[str, Any] = {"version": 0, "file": None}
        self._dirty = False

    @classmethod
    def open(
        cls,
        file_system: FileSystem,
        path: str,
        *,
        key_schema: pa.Schema,
        value_schema: pa.Schema,
        reference: dict[str, Any] | None,
        event_time: str | None = None,
        multi_row: bool = False,
        options: StateOptions = StateOptions(),
    ) -> "StateStore":
        """The store at `path` as `reference` left it; None is the empty store, version 0."""
        store = cls(
            file_system,
            path,
            key_schema,
            value_schema,
            event_time=event_time,
            multi_row=multi_row,
            options=options,
        )
        store._reference = reference or {"version": 0, "file": None}
        store.rollback()
        return store

    @property
    def num_rows(self) -> int:
        return sum(len(rows) for rows in self._rows.values())

    @property
    def memory_bytes(self) -> int:
        return 200 * self.num_rows

    def get(self, keys: pa.Table) -> tuple[np.ndarray, pa.Table]:
        """`found[i]` and the value row of key i, aligned with `keys`; nulls where not found."""
        rows = [self._rows.get(key, [None])[-1] for key in _tuples(keys)]
        empty = (None,) * len(self._value_schema)
        found = np.array([row is not None for row in rows], dtype=bool)
        return found, _table([row or empty for row in rows], _nullable(self._value_schema))

    def get_all(self, keys: pa.Table) -> tuple[np.ndarray, pa.Table]:
        """Every row of every key: the index into `keys` of each match, and the value rows."""
        matches = [(i, row) for i, key in enumerate(_tuples(keys)) for row in self._rows.get(key, ())]
        index = np.array([i for i, _ in matches], dtype=np.int64)
        return index, _table([row for _, row in matches], self._value_schema)

    def put(self, keys: pa.Table, values: pa.Table) -> None:
        """Upsert, the last of equal keys wins; with `multi_row` append a row to its key."""
        for key, row in zip(_tuples(keys), _tuples(values.cast(self._value_schema)), strict=True):
            self._rows[key] = [*self._rows.get(key, []), row] if self._multi_row else [row]
        self.metrics.rows_updated += len(keys)
        self._dirty = self._dirty or len(keys) > 0

    def remove(self, keys: pa.Table) -> int:
        """Remove the keys with all their rows; how many rows went."""
        removed = sum(len(self._rows.pop(key, [])) for key in _tuples(keys))
        self.metrics.rows_removed += removed
        self._dirty = self._dirty or removed > 0
        return removed

    def peek_expired(self, threshold_us: int) -> pa.Table:
        """Keys and values of the rows that `evict` would remove."""
        return _table([row for row in self._all() if self._expired(row, threshold_us)], self._row_schema)

    def evict(self, threshold_us: int) -> pa.Table:
        """Remove and return (keys and values) the rows with event time <= threshold."""
        expired = self.peek_expired(threshold_us)
        for key in [*self._rows]:
            kept = [row for row in self._rows[key] if not self._expired(key + row, threshold_us)]
            self._rows[key] = kept
            if not kept:
                del self._rows[key]
        self.metrics.rows_removed += len(expired)
        self._dirty = self._dirty or len(expired) > 0
        return expired

    def scan(self) -> Iterator[pa.Table]:
        """Keys and values of all live rows, in pieces."""
        yield _table([*self._all()], self._row_schema)

    def commit(self) -> dict[str, Any]:
        """Make the changes durable; the reference to keep in the commit record."""
        begin = time.perf_counter()
        version, file = self._reference["version"] + 1, self._reference["file"]
        if self._dirty:
            file = f"{version}.{uuid.uuid4().hex}.arrow"
            self._file_system.make_dirs(self._path)
            data = _serialize(next(self.scan()))
            self._file_system.write_durable(f"{self._path}/{file}", data)
            self.metrics.bytes_written = len(data)
        self._reference = {"version": version, "file": file}
        self._dirty = False
        self.metrics.commit_ms = (time.perf_counter() - begin) * 1000
        return dict(self._reference)

    def rollback(self) -> None:
        """Back to the last commit, or to what was opened."""
        self._rows = {}
        if self._reference["file"] is not None:
            data = self._file_system.read_bytes(f"{self._path}/{self._reference['file']}")
            width = len(self._key_schema)
            for row in _tuples(pa.ipc.open_stream(data).read_all()):
                self._rows.setdefault(row[:width], []).append(row[width:])
        self._dirty = False

    def purge(self, references: Sequence[dict[str, Any]]) -> None:
        """Delete the files that neither `references` nor this store's last commit need."""
        needed = {reference["file"] for reference in [*references, self._reference]}
        for status in self._file_system.list(self._path):
            if status.path.rsplit("/", 1)[-1] not in needed:
                self._file_system.delete(status.path)

    def close(self) -> None:
        self._rows = {}

    def _all(self) -> Iterator[Row]:
        return (key + row for key, rows in self._rows.items() for row in rows)

    def _expired(self, row: Row, threshold_us: int) -> bool:
        assert self._event_index is not None, "the store was opened without event_time"
        return row[self._event_index] is not None and row[self._event_index] <= threshold_us


def _tuples(table: pa.Table) -> list[Row]:
    columns = [column.to_pylist() for column in table.columns]
    return [tuple(_canonical(value) for value in row) for row in zip(*columns, strict=True)]


def _canonical(value: Any) -> Any:
    if isinstance(value, float):
        return float("nan") if value != value else value + 0.0
    return value


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])


def _table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    columns = [[row[i] for row in rows] for i in range(len(schema))]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def _serialize(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
