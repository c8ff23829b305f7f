"""Writing and reading the segments of one store's folder."""

import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from cauce.errors import SparkError
from cauce.files import FileSystem, local_copy
from cauce.state.options import StateOptions
from cauce.state.restoring import restoring
from cauce.state.row_log import RowLog
from cauce.state.schema import check_schema
from cauce.state.segment import NO_POSITIONS, Segment, concat
from cauce.state.segment_file import SegmentFile, damaged, decode, encode

__all__ = ["SegmentStore"]

MAP_BYTES_MIN = 64 << 10
"""Smaller files are read: a memory map takes whole pages and a file handle's worth of work."""


class SegmentStore:
    """Turns what a batch changed into one file, and a reference back into a log."""

    def __init__(
        self,
        file_system: FileSystem,
        path: str,
        key_schema: pa.Schema,
        value_schema: pa.Schema,
        *,
        expiry_column: int | None,
        options: StateOptions,
    ) -> None:
        self._file_system, self._path = file_system, path
        self._key_schema, self._value_schema = key_schema, value_schema
        self._row_schema = pa.schema([*key_schema, *value_schema])
        self._expiry_column = expiry_column
        self._options = options

    def write(self, log: RowLog, version: int, rewritten: int = 0) -> Segment | None:
        """Make the pending rows and kills durable and part of the log; None if no row lives any more.

        The last `rewritten` pending rows are there because of compaction only.
        """
        pending = [segment for segment in log.segments if not segment.name]
        dropped = [segment for segment in log.segments if segment.name and not segment.live]
        if not log.num_live:
            log.replace(log.segments, None)
            return None
        new = self._join(pending, log.next_position)
        new.kills, new.rewritten = _useful_kills(log, dropped, new), rewritten
        kept = [segment for segment in log.segments if segment.name and segment.live]
        self._write(new, version, [(segment.name, segment.checksum) for segment in kept])
        log.replace(pending + dropped, new)
        self._spend_budget(log)
        return new

    def _join(self, pending: Sequence[Segment], position: int) -> Segment:
        """The pending segments as one."""
        if not pending:
            keys, values = (
                pa.RecordBatch.from_pylist([], schema) for schema in (self._key_schema, self._value_schema)
            )
            return Segment.of(position, keys, values)
        return Segment(
            base=pending[0].base,
            keys=concat([segment.keys for segment in pending]),
            values=concat([segment.values for segment in pending]),
            dead=np.concatenate([segment.dead for segment in pending]),
            live=sum(segment.live for segment in pending),
        )

    def _write(self, segment: Segment, version: int, manifest: list[tuple[str, int]]) -> None:
        rows = pa.RecordBatch.from_arrays(
            [*segment.keys.columns, *segment.values.columns], schema=self._row_schema
        )
        encoded = encode(
            rows,
            len(self._key_schema),
            segment.kills,
            version=version,
            base=segment.base,
            manifest=manifest,
            rewritten=segment.rewritten,
        )
        name = f"{version}.{uuid.uuid4()}.arrow"
        self._file_system.make_dirs(self._path)
        with self._file_system.create_durable(f"{self._path}/{name}") as file:
            file.write(encoded.body)
            file.write(encoded.tail)
        segment.name, segment.size_bytes = name, encoded.size_bytes
        segment.checksum, segment.place = encoded.checksum, encoded.place
        # From here on the rows are what the file holds: the batch's own arrays may pin larger ones.
        self._reread(segment, pa.py_buffer(encoded.body), encoded.place)

    def _reread(self, segment: Segment, buffer: pa.Buffer, place: tuple[int, int]) -> None:
        """Point a segment that this process wrote at the bytes in its file."""
        self._set_rows(segment, pa.ipc.read_record_batch(buffer.slice(*place), self._row_schema))

    def load(self, reference: dict[str, Any]) -> tuple[RowLog, list[str]]:
        """The log of a version, and the older files it needs."""
        if reference["file"] is None:
            return RowLog(expiry_column=self._expiry_column), []
        newest = self._read(reference["file"], reference["crc32"])
        files = {reference["file"]: newest}
        with restoring(self._path, reference["rows"]) as advance:
            for name, checksum in newest.manifest:
                files[name] = self._read(name, checksum)
                advance(len(files[name].rows))
        log = RowLog(
            [self._segment(name, file) for name, file in files.items()], expiry_column=self._expiry_column
        )
        kills = _distinct(np.concatenate([file.kills for file in files.values()]))
        log.kill(np.concatenate([part for _, part in log.by_segment(kills)] or [NO_POSITIONS]))
        log.killed.clear()
        return log, [name for name, _ in newest.manifest]

    def _segment(self, name: str, file: SegmentFile) -> Segment:
        segment = Segment.of(file.base, file.rows.select([]), file.rows.select([]))
        segment.dead = np.zeros(len(file.rows), dtype=bool)
        segment.live = len(file.rows)
        segment.name, segment.checksum, segment.size_bytes = name, file.checksum, file.size_bytes
        segment.kills, segment.rewritten = file.kills, file.rewritten
        segment.mapped, segment.place = file.size_bytes >= MAP_BYTES_MIN, file.place
        stored = file.rows.schema
        check_schema(
            pa.schema([stored.field(i) for i in range(file.num_keys)]),
            pa.schema([stored.field(i) for i in range(file.num_keys, len(stored))]),
            self._key_schema,
            self._value_schema,
            path=self._path,
            allow_added_fields=self._options.allow_added_fields,
        )
        self._set_rows(segment, file.rows)
        return segment

    def _set_rows(self, segment: Segment, rows: pa.RecordBatch) -> None:
        """Split the columns into keys and values; fields added since then are null."""
        columns, width = rows.columns, len(self._key_schema)
        if len(columns) < len(self._row_schema):
            stored = dict(zip(rows.schema.names, columns, strict=True))
            columns = [
                stored[f.name] if f.name in stored else pa.nulls(len(rows), f.type) for f in self._row_schema
            ]
        segment.keys = pa.RecordBatch.from_arrays(columns[:width], schema=self._key_schema)
        segment.values = pa.RecordBatch.from_arrays(columns[width:], schema=self._value_schema)
        if self._expiry_column is not None:
            segment.track_expiry(self._expiry_column)

    def _read(self, name: str, checksum: int) -> SegmentFile:
        """A segment, every byte checked; it must be the very one that the version was made of."""
        path = f"{self._path}/{name}"
        try:
            file = decode(self._buffer(path), path)
        except FileNotFoundError as error:
            raise SparkError("CANNOT_LOAD_STATE_STORE.MISSING_SEGMENT", file=path) from error
        if file.checksum != checksum:
            raise damaged(path, 0, "it is not the segment that the version was made of")
        return file

    def _buffer(self, path: str) -> pa.Buffer:
        if self._file_system.status(path).size_bytes < MAP_BYTES_MIN:
            return pa.py_buffer(self._file_system.read_bytes(path))
        with pa.memory_map(local_copy(path)) as file:
            return file.read_buffer()

    def _spend_budget(self, log: RowLog) -> None:
        """Move the largest segments from the heap to memory maps until the rest fits the budget."""
        on_heap = [segment for segment in log.segments if not segment.mapped]
        heap_bytes = sum(segment.size_bytes for segment in on_heap)
        if heap_bytes <= self._options.memory_budget_bytes:
            return
        for segment in sorted(on_heap, key=lambda segment: -segment.size_bytes):
            with pa.memory_map(local_copy(f"{self._path}/{segment.name}")) as file:
                self._reread(segment, file.read_buffer(), segment.place)
            segment.mapped = True
            heap_bytes -= segment.size_bytes
            if heap_bytes <= self._options.memory_budget_bytes:
                return


def _distinct(positions: np.ndarray) -> np.ndarray:
    """Sorted, each once; numpy's own `unique` is slower by far for many."""
    positions = np.sort(positions)
    return positions[np.append(True, positions[1:] != positions[:-1])] if len(positions) else positions


def _useful_kills(log: RowLog, dropped: Sequence[Segment], new: Segment) -> np.ndarray:
    """Kills of this batch and of segments that go away, as far as their targets stay."""
    old = [segment.kills for segment in dropped if len(segment.kills)]
    positions = np.concatenate([*log.killed, *old, NO_POSITIONS])
    if not len(positions):
        return NO_POSITIONS
    positions = np.sort(positions)
    stays = [part for segment, part in log.by_segment(positions) if segment.live or not segment.name]
    return np.concatenate([*stays, NO_POSITIONS])
