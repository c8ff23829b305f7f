"""Arrow tables that enter and leave Sail by reference, because Sail runs in this very process.

Entering: a Python data source whose reader yields batches of a table parked under a key.
Leaving: a mapInArrow function that keeps each batch here and passes an empty one on.
Both are pickled by reference to this module, so nothing but the key crosses.
"""

import threading
import uuid
from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from cauce.engine.substitute import filled_batches

__all__ = ["PARTITION_BATCHES_MAX", "ArrowExchange", "Keep", "in_batches", "kept", "parked"]

PARTITION_BATCHES_MAX = 16
"""Sail reads a partition with the GIL held and passes batches on through a queue of this length: one more
batch would wait for a consumer that may itself be waiting for the GIL, for ever."""
PARTITIONS_MIN = 4
"""A table with enough batches is split at least so far, so that Sail uses all cores."""
PARTITIONS_MAX = 64
"""Tables in more pieces than this allows are copied into fewer."""

_lock = threading.Lock()
_entering: dict[str, list[pa.RecordBatch]] = {}
_leaving: dict[str, dict[int, list[pa.RecordBatch]]] = {}


class parked:  # noqa: N801 - used as a context function, like `contextlib.suppress`
    """`with parked(table) as key:` the table can be read under `key` meanwhile."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.key = uuid.uuid4().hex

    def __enter__(self) -> str:
        with _lock:
            _entering[self.key] = in_batches(self._table, PARTITIONS_MAX * PARTITION_BATCHES_MAX)
        return self.key

    def __exit__(self, *_: object) -> None:
        with _lock:
            _entering.pop(self.key, None)


def in_batches(table: pa.Table, count_max: int) -> list[pa.RecordBatch]:
    """The table's rows in at most `count_max` batches; copied only if they come in more."""
    batches = filled_batches(table)
    if len(batches) <= count_max:
        return batches
    return table.combine_chunks().to_batches(max_chunksize=-(-table.num_rows // count_max))


class ArrowReader(DataSourceReader):
    """Yields the batches of one parked table."""

    def __init__(self, key: str) -> None:
        self._key = key

    def partitions(self) -> list[InputPartition]:
        count = len(_entering[self._key])
        size = max(1, min(PARTITION_BATCHES_MAX, -(-count // PARTITIONS_MIN)))
        return [InputPartition((start, start + size)) for start in range(0, max(count, 1), size)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        start, end = partition.value
        yield from _entering[self._key][start:end]


class ArrowExchange(DataSource):
    """Data source `cauce_exchange`: reads the parked table named by option `key`."""

    @classmethod
    def name(cls) -> str:
        return "cauce_exchange"

    def schema(self) -> str:
        raise AssertionError("the exchange is always read with an explicit schema")

    def reader(self, schema: object) -> ArrowReader:
        return ArrowReader(self.options["key"])


class Keep:
    """A mapInArrow function that keeps what flows through it under a key.

    Sail calls it once per partition; batches of one call stay together and in order.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        kept: list[pa.RecordBatch] = []
        with _lock:
            _leaving[self._key][id(kept)] = kept
        for batch in batches:
            kept.append(batch)
            yield batch.slice(0, 0)


class kept:  # noqa: N801 - used as a context function
    """`with kept() as exit:` run a plan ending in `Keep(exit.key)`, then `exit.batches()`."""

    def __init__(self) -> None:
        self.key = uuid.uuid4().hex

    def __enter__(self) -> "kept":
        with _lock:
            _leaving[self.key] = {}
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            _leaving.pop(self.key, None)

    def batches(self) -> list[pa.RecordBatch]:
        with _lock:
            return [batch for partition in _leaving[self.key].values() for batch in partition]
