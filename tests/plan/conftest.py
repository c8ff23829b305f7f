"""Plans as the client builds them, and the engine to run them on."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.proto import Relation
from pyspark.sql.connect.session import SparkSession

from cauce.engine import Engine
from cauce.engine.session import EngineSession

GOLDENS = Path(__file__).parent / "goldens"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def session(engine: Engine) -> EngineSession:
    return engine.session("tester", "00112233-4455-6677-8899-aabbccddeeff")


@pytest.fixture(scope="session")
def spark(engine: Engine, session: EngineSession) -> Iterator[SparkSession]:
    """The client of the session the plans run in: views made here are seen there."""
    address = f"sc://{engine.address}/;user_id=tester;session_id={session.session_id}"
    spark = SparkSession.builder.remote(address).getOrCreate()
    yield spark
    spark.client.close()  # the engine waits for open connections when it stops


@pytest.fixture(scope="session")
def plan_of(spark: SparkSession) -> Callable[[DataFrame], Relation]:
    """The relation the client would send for a DataFrame."""
    return lambda df: df._plan.to_proto(spark.client).root


@pytest.fixture(scope="session")
def rows(session: EngineSession) -> Callable[[Relation], list[tuple]]:
    """The rows of a relation, sorted by their text."""
    return lambda relation: sorted_rows(session.run(relation))


def sorted_rows(table: pa.Table) -> list[tuple]:
    # Not to_pylist(): a plan may have two columns of one name.
    columns = [column.to_pylist() for column in table.columns]
    return sorted(zip(*columns, strict=True), key=repr)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Compare a text with `goldens/<test name>.txt`; CAUCE_REWRITE=1 writes it instead."""
    name = request.node.name.removeprefix("test_").replace("[", "-").replace("]", "")
    path = GOLDENS / f"{name}.txt"

    def compare(text: str) -> None:
        if os.environ.get("CAUCE_REWRITE"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text + "\n")
        assert path.exists(), f"no golden {path.name}: run with CAUCE_REWRITE=1 and review it"
        assert text + "\n" == path.read_text()

    return compare
