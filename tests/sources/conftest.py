"""What a source is given, without a query around it; the engine is real and shared by the tests."""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from cauce.clock import ManualClock
from cauce.conf import Conf
from cauce.engine import Engine
from cauce.files import LocalFileSystem
from cauce.streaming.sources import Source, SourceContext


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.stop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(now_ms=1_700_000_000_250)


@pytest.fixture
def context(tmp_path, clock, engine) -> SourceContext:
    return SourceContext(
        clock=clock,
        conf=Conf({}),
        file_system=LocalFileSystem(),
        metadata_path=str(tmp_path / "checkpoint" / "sources" / "0"),
        engine=engine.session("tests", str(tmp_path)),
    )


@pytest.fixture
def rows_of(context) -> Callable[[Source, object, object], list[dict]]:
    """The rows of a range, whether the source gives them itself or has the engine read them."""

    def read(source: Source, start: object, end: object) -> list[dict]:
        rows = source.read(start, end)
        table = rows if isinstance(rows, pa.Table) else context.engine.run(rows)
        return table.to_pylist()

    return read
