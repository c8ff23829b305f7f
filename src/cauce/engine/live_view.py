"""A temporary view whose rows are read from this process's memory each time it is queried."""

import threading
import uuid
from collections.abc import Callable, Iterator

import pyarrow as pa
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Read, Relation
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.types import StructType

from cauce.engine.arrow_form import conformed
from cauce.engine.ddl import ddl_text
from cauce.engine.exchange import PARTITION_BATCHES_MAX, in_batches
from cauce.engine.session import EngineSession

__all__ = ["LiveView"]

_lock = threading.Lock()
_rows: dict[str, Callable[[], pa.Table]] = {}


class LiveView:
    """The temporary view `name` in one session, over whatever `rows()` returns at the time."""

    def __init__(
        self, engine: EngineSession, name: str, schema: StructType, rows: Callable[[], pa.Table]
    ) -> None:
        self.name = name
        self._engine = engine
        self._schema = schema
        self._rows = rows
        self._key = uuid.uuid4().hex

    def create(self) -> None:
        """Make the view, in place of any view of that name."""
        zone = self._engine.time_zone
        with _lock:
            _rows[self._key] = lambda: conformed(self._rows(), zone)
        self._engine.execute(proto.Command(register_data_source=_registration()))
        source = Read.DataSource(
            format=LiveSource.name(), schema=ddl_text(self._schema), options={"key": self._key}
        )
        view = proto.CreateDataFrameViewCommand(
            input=Relation(read=Read(data_source=source)), name=self.name, is_global=False, replace=True
        )
        self._engine.execute(proto.Command(create_dataframe_view=view))

    def release(self) -> None:
        """Let the rows go when the session ends; the view must not be queried any more."""
        with _lock:
            _rows.pop(self._key, None)


class LiveSource(DataSource):
    """Data source `cauce_live`: reads the live table named by option `key`."""

    @classmethod
    def name(cls) -> str:
        return "cauce_live"

    def schema(self) -> str:
        raise AssertionError("a live view is always read with an explicit schema")

    def reader(self, schema: object) -> "LiveReader":
        return LiveReader(self.options["key"])


class LiveReader(DataSourceReader):
    """One partition, so that a query sees the rows of one moment."""

    def __init__(self, key: str) -> None:
        self._key = key

    def partitions(self) -> list[InputPartition]:
        return [InputPartition(0)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        yield from in_batches(_rows[self._key](), PARTITION_BATCHES_MAX)


def _registration() -> proto.CommonInlineUserDefinedDataSource:
    from pyspark.sql.connect.plan import PythonDataSource

    source = PythonDataSource(data_source=LiveSource, python_ver="3").to_plan(None)  # type: ignore[arg-type]
    return proto.CommonInlineUserDefinedDataSource(name=LiveSource.name(), python_data_source=source)
