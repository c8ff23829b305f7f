"""A query that crashes Sail is an error, never an empty answer."""

import uuid
from collections.abc import Iterator

import pyarrow as pa
import pytest
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Relation

from cauce.engine import Engine, EngineSession, input_leaf
from cauce.errors import SparkError
from cauce.plan.build import alias, attribute, project, string


@pytest.fixture
def engine() -> Iterator[EngineSession]:
    engine = Engine()
    yield engine.session("tests", str(uuid.uuid4()))
    engine.stop()


def test_a_crash_is_told(engine: EngineSession) -> None:
    """Sail panics on an unpivot of one column that may be null and one that may not."""
    columns = project(input_leaf("rows"), [attribute("id"), attribute("name"), alias(string("w"), "other")])
    values = proto.Unpivot.Values(values=[attribute("name"), attribute("other")])
    unpivot = proto.Unpivot(
        input=columns, ids=[attribute("id")], values=values, variable_column_name="k", value_column_name="v"
    )
    rows = pa.table({"id": [1, 2], "name": ["a", None]})
    with pytest.raises(SparkError, match="ended without an answer"):
        engine.run(Relation(unpivot=unpivot), {"rows": rows})
