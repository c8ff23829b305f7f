"""Result batches on their way from Sail to the client: many small ones become few large ones.

Sail sends 8,192 rows at a time, and every response costs the client a parse, an Arrow reader and a
ReleaseExecute call. The first batches pass as they are, so small results and the first rows of large
ones wait for nothing. Order is kept: batches are only ever glued to their neighbours.
"""

import time
from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql.connect.proto import ExecutePlanResponse

__all__ = ["coalesced"]

BATCHES_AT_ONCE = 4
"""So many batches pass unchanged before gluing starts."""
BATCH_BYTES = 4 * 1024 * 1024
"""Spark's own limit of a result batch (spark.connect.grpc.arrow.maxBatchSize)."""
HELD_S_MAX = 0.1
"""A slow query's rows are not held back for longer than one batch after this time."""


def coalesced(responses: Iterable[bytes]) -> Iterator[bytes]:
    """The same rows in the same order, in fewer responses."""
    passed = 0
    held = _Held()
    for data in responses:
        if passed < BATCHES_AT_ONCE:
            passed += 1
            yield data
            continue
        response = ExecutePlanResponse.FromString(data)
        if response.WhichOneof("response_type") != "arrow_batch":
            yield from held.flush()
            yield data
            continue
        if not held.accepts(response.arrow_batch):
            yield from held.flush()
        held.add(response.arrow_batch)
        if held.is_full():
            yield from held.flush()
    yield from held.flush()


class _Held:
    """Neighbouring batches waiting to be sent as one."""

    def __init__(self) -> None:
        self._batches: list[pa.RecordBatch] = []
        self._bytes = 0
        self._since_s = 0.0
        self._next: list[pa.RecordBatch] = []

    def accepts(self, message: ExecutePlanResponse.ArrowBatch) -> bool:
        """Whether the batch has the schema of those held."""
        with pa.ipc.open_stream(message.data) as reader:
            self._next = list(reader)
        return not self._batches or not self._next or self._next[0].schema.equals(self._batches[0].schema)

    def add(self, message: ExecutePlanResponse.ArrowBatch) -> None:
        if not self._batches:
            self._since_s = time.monotonic()
        self._batches.extend(self._next)
        self._bytes += len(message.data)

    def is_full(self) -> bool:
        return self._bytes >= BATCH_BYTES or time.monotonic() - self._since_s > HELD_S_MAX

    def flush(self) -> Iterator[bytes]:
        if not self._batches:
            return
        batch = pa.concat_batches(self._batches)
        self._batches, self._bytes = [], 0
        data = _ipc(batch)
        arrow_batch = ExecutePlanResponse.ArrowBatch(row_count=batch.num_rows, data=data)
        yield ExecutePlanResponse(arrow_batch=arrow_batch).SerializeToString()


def _ipc(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()
