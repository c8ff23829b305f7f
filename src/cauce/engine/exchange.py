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

__all__ = ["ArrowExchange", "Keep", "parked"]

PARTITION_ROWS_MIN = 64 * 1024
"""A table is split in partitions of at least this many rows, so that Sail uses all cores."""
PARTITIONS_MAX = 4

_lock = threading.Lock()
_entering: dict[str, pa.Table] = {}
_leaving: dict[str, dict[int, list[pa.RecordBatch]]] = {}


class parked:  # noqa: N801 - used as a context function, like `contextlib.suppress`
    """`with parked(table) as key:` the table can be read under `key` meanwhile."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.key = uuid.uuid4().hex

    def __enter__(self) -> str:
        with _lock:
            _entering[self.key] = self._table
        return self.key

    def __exit__(self, *_: object) -> None:
        with _lock:
            _entering.pop(self.key, None)


class ArrowReader(DataSourceReader):
    """Yields the batches of one parked table."""

    def __init__(self, key: str) -> None:
        self._key = key

    def partitions(self) -> list[InputPartition]:
        rows = _entering[self._key].num_rows
        count = max(1, min(PARTITIONS_MAX, rows // PARTITION_ROWS_MIN))
        bounds = [rows * i // count for i in range(count + 1)]
        return [InputPartition(pair) for pair in zip(bounds, bounds[1:], strict=False)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        start, end = partition.value
        yield from _entering[self._key].slice(start, end - start).to_batches()


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
