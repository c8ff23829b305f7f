"""transformWithState as a query of the client's: names of state variables, and what start() refuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle

NAME = "a/../b ü"
SCHEMA = "id long, n long"


class Counts(StatefulProcessor):
    """Rows per key, under a name that must not become a path."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.count = handle.getValueState(NAME, "n long")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        self.count.update(((self.count.get() or (0,))[0] + len(list(rows)),))
        yield Row(id=key[0], n=self.count.get()[0])


def stream(spark: SparkSession, folder: Path) -> DataFrame:
    folder.mkdir(exist_ok=True)
    return spark.readStream.schema("id long").json(str(folder))


def test_a_state_variable_may_have_any_name_and_stays_in_its_folder(spark: SparkSession, tmp_path: Path):
    counts = (
        stream(spark, tmp_path / "in").groupBy("id").transformWithState(Counts(), SCHEMA, "Append", "None")
    )
    for i in range(2):
        (tmp_path / "in" / f"{i}.json").write_text('{"id": 1}\n')
        writer = counts.writeStream.format("parquet").option(
            "checkpointLocation", str(tmp_path / "checkpoint")
        )
        writer.trigger(availableNow=True).start(str(tmp_path / "out")).awaitTermination()
    rows = spark.read.schema(SCHEMA).parquet(str(tmp_path / "out")).collect()
    assert sorted(row.n for row in rows) == [1, 2]
    assert [path.name for path in (tmp_path / "checkpoint" / "state").iterdir()] == ["0"]


def test_initial_state_is_no_stream(spark: SparkSession, tmp_path: Path):
    initial = stream(spark, tmp_path / "initial").groupBy("id")
    counts = stream(spark, tmp_path / "in").groupBy("id")
    counted = counts.transformWithState(Counts(), SCHEMA, "Update", "None", initial)
    with pytest.raises(AnalysisException, match="Initial state of transformWithState cannot be"):
        counted.writeStream.format("noop").outputMode("update").start()
