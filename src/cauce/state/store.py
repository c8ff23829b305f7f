"""The state store: a durable, versioned table from key to row (or rows) for one stateful operator."""

import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from cauce.files import FileSystem
from cauce.state import compaction
from cauce.state.expiry import NEVER_US
from cauce.state.hashing import KeyHasher
from cauce.state.multi_rows import MultiRows
from cauce.state.options import StateMetrics, StateOptions
from cauce.state.prefix_rows import PrefixRows
from cauce.state.retention import Retention
from cauce.state.schema import nullable, to_batch
from cauce.state.segment import Segment
from cauce.state.segment_store import SegmentStore
from cauce.state.unique_rows import UniqueRows

__all__ = ["StateStore"]

EMPTY = {"version": 0, "file": None, "crc32": 0, "rows": 0}
SCAN_ROWS = 65_536
DEFAULT_OPTIONS = StateOptions()


class StateStore:
    """One store of one operator, used by one thread; changes are durable at `commit`, undone by `rollback`.

    A reference is what `commit` returned: small, JSON-able, to be kept in the commit record. Event times
    are microseconds since the epoch; a null event time never expires. Keys are equal as Spark groups them:
    null equals null, NaN equals NaN, -0.0 equals 0.0.
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
        prefix_columns: int,
        options: StateOptions,
    ) -> None:
        """Use `open`."""
        self._key_schema, self._value_schema = key_schema, value_schema
        self._found_schema = nullable(value_schema)
        self._row_schema = pa.schema([*key_schema, *value_schema])
        self._multi_row, self._options = multi_row, options
        self._segments = SegmentStore(
            file_system, path, key_schema, value_schema,
            expiry_column=None if event_time is None else self._row_schema.names.index(event_time),
            options=options,
        )  # fmt: skip
        self._retention = Retention(file_system, path)
        self._hasher = KeyHasher(key_schema.types, secrets.token_bytes(16))
        self._prefix_columns = prefix_columns
        self._prefix_hasher = KeyHasher(key_schema.types[:prefix_columns], secrets.token_bytes(16))
        self._hashed: tuple[pa.Table, pa.RecordBatch, np.ndarray] | None = None
        self.metrics = StateMetrics()

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
        prefix_columns: int = 0,
        options: StateOptions = DEFAULT_OPTIONS,
    ) -> "StateStore":
        """The store at `path` as `reference` left it; None is the empty store, version 0.

        `event_time` names the key or value column (int64 microseconds, or a timestamp[us]) that orders
        eviction. With `multi_row` a key owns any number of rows. Rows are also found by the first
        `prefix_columns` of their keys, if there are any.
        """
        store = cls(
            file_system, path, key_schema, value_schema,
            event_time=event_time, multi_row=multi_row, prefix_columns=prefix_columns, options=options,
        )  # fmt: skip
        store._load(reference or EMPTY)
        return store

    # Reading

    @property
    def key_schema(self) -> pa.Schema:
        return self._key_schema

    @property
    def num_rows(self) -> int:
        return self._log.num_live

    @property
    def memory_bytes(self) -> int:
        """On the heap: rows, index and bookkeeping; mapped segments belong to the operating system."""
        indexes = self._owners.memory_bytes + (self._prefixes.memory_bytes if self._prefixes else 0)
        return indexes + sum(segment.memory_bytes for segment in self._log.segments)

    @property
    def version(self) -> int:
        """How many batches this store has committed."""
        return self._reference["version"]

    def get(self, keys: pa.Table) -> tuple[np.ndarray, pa.Table]:
        """`found[i]` and the value row of key i, aligned with `keys`; nulls where not found."""
        assert isinstance(self._owners, UniqueRows), "get_all reads a multi-row store"
        positions = self._owners.find(self._hash(keys)[1])
        found = positions >= 0
        if not found.any():
            nothing = [pa.nulls(len(found), kind) for kind in self._found_schema.types]
            return found, pa.Table.from_arrays(nothing, schema=self._found_schema)
        return found, _table(self._log.take(positions, _values, found), self._found_schema)

    def get_all(self, keys: pa.Table) -> tuple[np.ndarray, pa.Table]:
        """Every row of every key: the index into `keys` of each match, in order, and the value rows."""
        index, positions = self.find_all(keys)
        return index, self.read(positions)

    def find_all(self, keys: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """Like `get_all`, but the rows' positions: good for `read`, `replace`, `discard` until `commit`."""
        assert isinstance(self._owners, MultiRows), "get reads a store with one row per key"
        return self._owners.find_all(self._hash(keys)[1])

    def find_in_pieces(self, keys: pa.Table, rows_max: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Like `find_all`, about `rows_max` rows at a time; `replace` and `discard` may come in between."""
        assert isinstance(self._owners, MultiRows), "get reads a store with one row per key"
        return self._owners.find_in_pieces(self._hash(keys)[1], rows_max)

    def find_prefix(self, prefixes: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """Of every row whose key starts with one of `prefixes`: the index into them, and its position."""
        assert self._prefixes is not None, "the store was opened without prefix columns"
        schema = pa.schema([self._key_schema.field(i) for i in range(self._prefix_columns)])
        hashes = self._prefix_hasher(to_batch(prefixes, schema).columns)
        index, positions = self._prefixes.find(hashes)
        live = self._log.are_live(positions)
        return index[live], positions[live]

    def read_keys(self, positions: np.ndarray) -> pa.Table:
        """The keys at positions of live rows."""
        if not len(positions):
            return self._key_schema.empty_table()
        return _table(self._log.take(positions, _keys), self._key_schema)

    def read(self, positions: np.ndarray) -> pa.Table:
        """The value rows at positions of live rows."""
        if not len(positions):
            return self._value_schema.empty_table()
        return _table(self._log.take(positions, _values), self._value_schema)

    @property
    def next_expiry_us(self) -> int | None:
        """No live row has an earlier event time; None if none has any."""
        nexts = [segment.expiry.next_us for segment in self._log.segments if segment.live and segment.expiry]
        least = min(nexts, default=NEVER_US)
        return None if least == NEVER_US else least

    def scan(self) -> Iterator[pa.Table]:
        """Keys and values of all live rows, in pieces."""
        empty = True
        for segment in self._log.segments:
            offsets = segment.live_offsets()
            for start in range(0, len(offsets), SCAN_ROWS):
                empty = False
                yield self._rows(segment, offsets[start : start + SCAN_ROWS])
        if empty:
            yield self._row_schema.empty_table()

    def peek_expired(self, threshold_us: int) -> pa.Table:
        """Keys and values of the rows that `evict` would remove."""
        return self._concat([self._rows(*due) for due in self._log.expired(threshold_us)])

    # Changing

    def put(self, keys: pa.Table, values: pa.Table) -> None:
        """Upsert, the last of equal keys wins; with `multi_row` append a row to its key."""
        batch, hashes = self._hash(keys)
        metrics = self._change()
        if not len(hashes):
            return
        rows = to_batch(values, self._value_schema)
        if len(rows) != len(batch):
            raise ValueError(f"{len(batch)} keys and {len(rows)} values")
        positions = self._log.append(batch, rows)
        killed = self._owners.put(hashes, positions)
        if len(killed):
            self._log.kill(killed)
        self._index_prefixes(batch, positions)
        metrics.rows_updated += len(hashes)

    def remove(self, keys: pa.Table) -> int:
        """Remove the keys with all their rows; how many rows went."""
        killed = self._owners.remove(self._hash(keys)[1])
        if len(killed):
            self._change().rows_removed += len(killed)
            self._log.kill(killed)
        return len(killed)

    def evict(self, threshold_us: int) -> pa.Table:
        """Remove and return (keys and values) the rows with event time <= threshold."""
        evicted = []
        for segment, offsets in self._log.expired(threshold_us):
            if len(offsets):
                evicted.append(self._rows(segment, offsets))
                self._drop(segment, offsets)
            assert segment.expiry is not None
            segment.expiry.consume(threshold_us)
        return self._concat(evicted)

    def replace(self, positions: np.ndarray, values: pa.Table) -> None:
        """New values for live rows of a multi-row store, given once each; they move to new positions."""
        if not len(positions):
            return
        keys = self._log.take(positions, _keys)
        hashes = self._hasher(keys.columns)
        moved = self._log.append(keys, to_batch(values, self._value_schema))
        self._owners.move(hashes, positions, moved)
        self._log.kill(positions)
        self._index_prefixes(keys, moved)
        self._change().rows_updated += len(positions)

    def discard(self, positions: np.ndarray) -> None:
        """Remove live rows of a multi-row store, given once each."""
        if len(positions):
            self._owners.remove_rows(self._hasher(self._log.take(positions, _keys).columns), positions)
            self._log.kill(positions)
            self._change().rows_removed += len(positions)

    # Versions

    def commit(self) -> dict[str, Any]:
        """Make the changes durable; the reference to keep in the commit record."""
        begin = time.perf_counter()
        metrics = self._current_metrics()
        reference = {**self._reference, "version": self._reference["version"] + 1}
        if self._changed:
            metrics.rows_rewritten = self._compact(metrics.rows_updated + metrics.rows_removed)
            reference |= self._write(reference["version"], metrics)
        self._reference = reference
        self._changed, self._fresh = False, True
        metrics.commit_ms = (time.perf_counter() - begin) * 1000
        return dict(reference)

    def rollback(self) -> None:
        """Back to the last commit, or to what was opened; read again, whatever state a failure left."""
        if self._changed:
            self._load(self._reference)

    def purge(self, references: Sequence[dict[str, Any]]) -> None:
        """Delete the files that neither `references` nor this store's last commit need."""
        heads = {reference["file"] for reference in [*references, self._reference]}
        self._retention.purge([name for name in heads if name is not None])

    def close(self) -> None:
        """Let go of memory and files."""
        self._load(EMPTY)

    # Shared steps

    def _write(self, version: int, metrics: StateMetrics) -> dict[str, Any]:
        """The reference's part about the file."""
        end = self._log.next_position
        written = self._segments.write(self._log, version, metrics.rows_rewritten)
        self._log.killed.clear()
        if self._prefixes is not None and self._log.next_position < end:
            # The newest rows are gone, and their positions will be given to others.
            self._prefixes = self._all_prefixes()
        if written is None:
            return {"file": None, "crc32": 0, "rows": 0}
        self._retention.wrote(written.name, [s.name for s in self._log.segments if s is not written])
        metrics.bytes_written = written.size_bytes
        return {"file": written.name, "crc32": written.checksum, "rows": self.num_rows}

    def _load(self, reference: dict[str, Any]) -> None:
        self._log, older = self._segments.load(reference)
        if reference["file"] is not None:
            self._retention.wrote(reference["file"], older)
        parts = [(segment, segment.live_offsets()) for segment in self._log.segments]
        hashes = [self._hash_rows(segment, offsets) for segment, offsets in parts]
        positions = [offsets + segment.base for segment, offsets in parts]
        rows = MultiRows if self._multi_row else UniqueRows
        self._owners: MultiRows | UniqueRows = rows(
            np.concatenate([*hashes, np.empty((0, 2), dtype=np.uint64)]),
            np.concatenate([*positions, np.empty(0, dtype=np.int64)]),
        )
        self._prefixes = self._all_prefixes() if self._prefix_columns else None
        self._reference = reference
        self._hashed = None
        self._changed, self._fresh = False, True

    def _all_prefixes(self) -> PrefixRows:
        parts = [(segment, segment.live_offsets()) for segment in self._log.segments]
        keys = [segment.keys.take(pa.array(offsets)) for segment, offsets in parts]
        hashes = [self._prefix_hasher(part.columns[: self._prefix_columns]) for part in keys]
        positions = [offsets + segment.base for segment, offsets in parts]
        return PrefixRows(
            np.concatenate([*hashes, np.empty((0, 2), dtype=np.uint64)]),
            np.concatenate([*positions, np.empty(0, dtype=np.int64)]),
        )

    def _index_prefixes(self, keys: pa.RecordBatch, positions: np.ndarray) -> None:
        if self._prefixes is None:
            return
        self._prefixes.put(self._prefix_hasher(keys.columns[: self._prefix_columns]), positions)
        if self._prefixes.is_stale(self._log.num_live):
            self._prefixes = self._all_prefixes()

    def _hash(self, keys: pa.Table) -> tuple[pa.RecordBatch, np.ndarray]:
        # A batch usually reads and then writes one and the same table of keys.
        if self._hashed is None or self._hashed[0] is not keys:
            batch = to_batch(keys, self._key_schema)
            self._hashed = (keys, batch, self._hasher(batch.columns))
        return self._hashed[1:]

    def _hash_rows(self, segment: Segment, offsets: np.ndarray) -> np.ndarray:
        keys = segment.keys
        if len(offsets) < len(keys):
            keys = keys.take(pa.array(offsets))
        return self._hasher(keys.columns)

    def _drop(self, segment: Segment, offsets: np.ndarray) -> None:
        positions = offsets + segment.base
        self._owners.remove_rows(self._hash_rows(segment, offsets), positions)
        self._log.kill(positions)
        self._change().rows_removed += len(offsets)

    def _compact(self, rows_changed: int) -> int:
        """Copy live rows of segments worth rewriting to the end of the log; how many."""
        rewrites = compaction.choose(self._log.segments, rows_changed=rows_changed, options=self._options)
        for segment, offsets in rewrites:
            index = pa.array(offsets)
            hashes = self._hash_rows(segment, offsets)
            keys = segment.keys.take(index)
            moved = self._log.append(keys, segment.values.take(index))
            self._owners.move(hashes, offsets + segment.base, moved)
            self._log.kill(offsets + segment.base)
            self._index_prefixes(keys, moved)
        return sum(len(offsets) for _, offsets in rewrites)

    def _rows(self, segment: Segment, offsets: np.ndarray) -> pa.Table:
        index = pa.array(offsets)
        columns = [*segment.keys.take(index).columns, *segment.values.take(index).columns]
        return pa.Table.from_arrays(columns, schema=self._row_schema)

    def _concat(self, tables: list[pa.Table]) -> pa.Table:
        return pa.concat_tables(tables) if tables else self._row_schema.empty_table()

    def _current_metrics(self) -> StateMetrics:
        """The counters of the batch under way."""
        if self._fresh:
            self.metrics, self._fresh = StateMetrics(), False
        return self.metrics

    def _change(self) -> StateMetrics:
        self._changed = True
        return self._current_metrics()


def _keys(segment: Segment) -> pa.RecordBatch:
    return segment.keys


def _values(segment: Segment) -> pa.RecordBatch:
    return segment.values


def _table(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_arrays(batch.columns, schema=schema)
