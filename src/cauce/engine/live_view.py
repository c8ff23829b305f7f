"""Relations and views whose rows are fetched by this process each time they are read."""

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Read, Relation
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.types import StructType

from cauce.engine.arrow_form import conformed
from cauce.engine.ddl import ddl_text
from cauce.engine.exchange import PARTITION_BATCHES_MAX, in_batches
from cauce.engine.live_errors import LiveError
from cauce.engine.session import EngineSession
from cauce.errors import SparkError

__all__ = ["LiveView", "live_relation"]

Rows = Callable[[], pa.Table]

_lock = threading.Lock()
_parts: dict[str, list[Rows]] = {}


def live_relation(
    engine: EngineSession, schema: StructType, parts: Sequence[Rows], lease: contextlib.ExitStack
) -> Relation:
    """A relation over what the parts give at the time, each on its own, until `lease` is closed."""
    key, zone = uuid.uuid4().hex, engine.time_zone
    with _lock:
        _parts[key] = [_conformed(part, zone) for part in parts]
    lease.callback(_forget, key)
    engine.register_source(LiveSource)
    source = Read.DataSource(format=LiveSource.name(), schema=ddl_text(schema), options={"key": key})
    return Relation(read=Read(data_source=source))


class LiveView:
    """The temporary view `name` in one session, over whatever `rows()` returns at the time."""

    def __init__(self, engine: EngineSession, name: str, schema: StructType, rows: Rows) -> None:
        self.name = name
        self._engine = engine
        self._schema = schema
        self._rows = rows
        self._lease = contextlib.ExitStack()

    def create(self) -> None:
        """Make the view, in place of any view of that name."""
        relation = live_relation(self._engine, self._schema, [self._rows], self._lease)
        view = proto.CreateDataFrameViewCommand(input=relation, name=self.name, is_global=False, replace=True)
        self._engine.execute(proto.Command(create_dataframe_view=view))

    def release(self) -> None:
        """Let the rows go when the session ends; the view must not be queried any more."""
        self._lease.close()


class LiveSource(DataSource):
    """Data source `cauce_live`: reads the parts named by option `key`."""

    @classmethod
    def name(cls) -> str:
        return "cauce_live"

    def schema(self) -> str:
        raise AssertionError("live rows are always read with an explicit schema")

    def reader(self, schema: object) -> "LiveReader":
        return LiveReader(self.options["key"])


class LiveReader(DataSourceReader):
    """A partition per part, so that each part is of one moment."""

    def __init__(self, key: str) -> None:
        self._key = key

    def partitions(self) -> list[InputPartition]:
        return [InputPartition(at) for at in range(len(_parts[self._key]))]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        try:
            rows = _parts[self._key][partition.value]()
        except SparkError as error:
            raise LiveError(error) from error
        yield from in_batches(rows, PARTITION_BATCHES_MAX)


def _conformed(part: Rows, zone: str) -> Rows:
    return lambda: conformed(part(), zone)


def _forget(key: str) -> None:
    with _lock:
        _parts.pop(key, None)
