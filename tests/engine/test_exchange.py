"""Tables of every size and shape pass through the engine unchanged."""

import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Relation

from cauce.engine import Engine, EngineSession, input_leaf
from cauce.plan.build import attribute, call, integer

HANG_S = 60


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineSession]:
    engine = Engine()
    yield engine.session("tests", str(uuid.uuid4()))
    engine.stop()


def keep_positive() -> Relation:
    return Relation(
        filter=proto.Filter(input=input_leaf("rows"), condition=call(">", attribute("id"), integer(0)))
    )


@pytest.mark.parametrize("rows", [0, 1, 1_000, 8_192, 8_193, 20_000, 300_000])
def test_rows_of_a_filter_whatever_way_they_take(engine: EngineSession, rows: int) -> None:
    table = pa.table({"id": pa.array(range(rows), pa.int64()), "name": [str(i) for i in range(rows)]})
    kept = engine.run(keep_positive(), {"rows": table})
    assert kept.sort_by("id") == table.slice(1)


def test_a_table_in_many_pieces_does_not_stall_the_engine(engine: EngineSession) -> None:
    pieces = [pa.table({"id": pa.array([i] * 200, pa.int64())}) for i in range(1, 3_001)]
    answer: list[pa.Table] = []

    def run() -> None:
        answer.append(engine.run(keep_positive(), {"rows": pa.concat_tables(pieces)}))

    runner = threading.Thread(target=run, daemon=True)
    runner.start()
    runner.join(HANG_S)
    assert answer, "the engine waits for itself"
    assert answer[0].num_rows == 600_000


def test_nested_types_nulls_and_instants_survive(engine: EngineSession) -> None:
    moment = datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    row = {
        "id": 1,
        "moment": moment,
        "nested": {"list": [1, None], "map": [("k", moment)]},
        "amount": Decimal("1.20"),
        "text": "ñ🙂",
        "nothing": None,
    }
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("moment", pa.timestamp("us", "America/New_York")),
            (
                "nested",
                pa.struct(
                    [("list", pa.list_(pa.int64())), ("map", pa.map_(pa.string(), pa.timestamp("us", "UTC")))]
                ),
            ),
            ("amount", pa.decimal128(10, 2)),
            ("text", pa.string()),
            ("nothing", pa.int32()),
        ]
    )
    table = pa.Table.from_pylist([row], schema)
    for copies in (1, 30_000):
        kept = engine.run(keep_positive(), {"rows": pa.concat_tables([table] * copies).combine_chunks()})
        assert kept.num_rows == copies
        assert kept.slice(copies - 1).to_pylist() == table.to_pylist()
