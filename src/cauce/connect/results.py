"""Result batches on their way from Sail to the client: many small ones become few large ones.

Sail sends 8,192 rows at a time, and every response costs the client a parse, an Arrow reader and a
ReleaseExecute call. The first batches pass as they are, so small results and the first rows of large
ones wait for nothing. Order is kept: batches are only ever glued to their neighbours.
"""

import time
from collections.abc import Iterable, Iterator

import pyarrow as pa

from cauce.connect.wire import Parts, arrow_batch_parts, arrow_data

__all__ = ["coalesced"]

BATCHES_AT_ONCE = 3
"""So many responses pass unchanged before gluing starts."""
BATCH_BYTES = 4 * 1024 * 1024
"""Spark's own limit of a result batch (spark.connect.grpc.arrow.maxBatchSize)."""
HELD_S_MAX = 0.1
"""A slow query's rows are not held back for longer than one batch after this time."""


def coalesced(responses: Iterable[bytes]) -> Iterator[Parts]:
    """The same rows in the same order, in fewer responses."""
    responses = iter(responses)
    yield from _opening(responses)
    passed = 0
    held = _Held()
    for response in responses:
        if passed < BATCHES_AT_ONCE:
            passed += 1
            yield response
            continue
        data = arrow_data(response)
        if data is None:
            yield from held.flush()
            yield response
            continue
        with pa.ipc.open_stream(data) as reader:
            batches = list(reader)
        if not held.accepts(batches):
            yield from held.flush()
        held.add(batches, len(data))
        if held.is_full():
            yield from held.flush()
    yield from held.flush()


def _opening(responses: Iterator[bytes]) -> Iterator[Parts]:
    """Schema and first batch as one response: two messages end to end are one with the fields of both."""
    first = next(responses, None)
    if first is None:
        return
    second = next(responses, None)
    yield first if second is None else (first, second)


class _Held:
    """Neighbouring batches waiting to be sent as one."""

    def __init__(self) -> None:
        self._batches: list[pa.RecordBatch] = []
        self._bytes = 0
        self._since_s = 0.0

    def accepts(self, batches: list[pa.RecordBatch]) -> bool:
        """Whether they have the schema of those held."""
        return not self._batches or not batches or batches[0].schema.equals(self._batches[0].schema)

    def add(self, batches: list[pa.RecordBatch], size: int) -> None:
        if not self._batches:
            self._since_s = time.monotonic()
        self._batches.extend(batches)
        self._bytes += size

    def is_full(self) -> bool:
        return self._bytes >= BATCH_BYTES or time.monotonic() - self._since_s > HELD_S_MAX

    def flush(self) -> Iterator[Parts]:
        if not self._batches:
            return
        batch = pa.concat_batches(self._batches)
        self._batches, self._bytes = [], 0
        yield arrow_batch_parts(batch.num_rows, _ipc(batch))


def _ipc(batch: pa.RecordBatch) -> pa.Buffer:
    size = pa.MockOutputStream()
    _write(batch, size)
    buffer = pa.allocate_buffer(size.size())
    _write(batch, pa.FixedSizeBufferWriter(buffer))
    return buffer


def _write(batch: pa.RecordBatch, sink: pa.NativeFile) -> None:
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
