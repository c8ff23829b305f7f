"""format("jdbc") on SQLite, which needs no server: what holds for every database."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException, IllegalArgumentException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with ten numbered rows."""
    database = sqlite3.connect(tmp_path / "shop.db")
    database.execute("CREATE TABLE numbered (id INTEGER, name TEXT, price DECIMAL(10,2))")
    database.executemany("INSERT INTO numbered VALUES (?, ?, ?)", [(i, f"n{i}", f"{i}.5") for i in range(10)])
    database.commit()
    return f"jdbc:sqlite:{tmp_path}/shop.db"


def ids(frame: Any) -> list[int]:
    return sorted(row.id for row in frame.collect())


def test_a_table_is_read_with_its_types(spark: SparkSession, url: str) -> None:
    frame = spark.read.jdbc(url, "numbered")
    assert frame.schema.simpleString() == "struct<id:int,name:string,price:decimal(10,2)>"
    assert frame.agg(F.sum("price")).first()[0] == 50


def test_partitions_cover_every_row_once(spark: SparkSession, url: str) -> None:
    frame = spark.read.jdbc(url, "numbered", column="id", lowerBound=2, upperBound=8, numPartitions=4)
    assert ids(frame) == list(range(10))


def test_the_users_own_conditions_are_the_parts(spark: SparkSession, url: str) -> None:
    assert ids(spark.read.jdbc(url, "numbered", predicates=["id < 2", "id > 8"])) == [0, 1, 9]


@pytest.mark.parametrize(
    "condition",
    [
        "id > 7",
        "8 <= id",
        "name = 'n9' OR id = 8",
        "NOT (id < 8)",
        "id IN (8, 9)",
        "length(name) = 2 AND id >= 8",
    ],
)
def test_conditions_give_the_same_rows(spark: SparkSession, url: str, condition: str) -> None:
    assert ids(spark.read.jdbc(url, "numbered").where(condition))[-2:] == [8, 9]


def test_a_view_reads_anew_each_time(spark: SparkSession, url: str) -> None:
    spark.read.jdbc(url, "numbered").createOrReplaceTempView("numbered")
    spark.range(10, 12).select(F.col("id").cast("int")).write.mode("append").jdbc(url, "numbered")
    assert spark.sql("SELECT count(*) FROM numbered").first()[0] == 12


def test_save_modes(spark: SparkSession, url: str) -> None:
    frame = spark.createDataFrame([(1, "a")], "id int, who string")
    counts = []
    for mode in ("error", "append", "ignore", "overwrite"):
        frame.write.mode(mode).jdbc(url, "orders")
        counts.append(spark.read.jdbc(url, "orders").count())
    assert counts == [1, 2, 2, 1]
    with pytest.raises(AnalysisException, match="already exists. SaveMode: ErrorIfExists"):
        frame.write.jdbc(url, "orders")


def test_moments_and_bytes_come_back(spark: SparkSession, url: str) -> None:
    frame = spark.sql(
        "SELECT TIMESTAMP'2026-01-02 03:04:05.678' AS t, DATE'2026-01-02' AS d, X'00FF' AS b, true AS f, "
        "CAST(1.5 AS DECIMAL(5,2)) AS m UNION ALL SELECT NULL, NULL, NULL, NULL, NULL"
    )
    frame.write.jdbc(url, "kinds")
    back = spark.read.jdbc(url, "kinds")
    assert sorted(back.collect(), key=str) == sorted(frame.collect(), key=str)


def test_an_empty_frame_makes_an_empty_table(spark: SparkSession, url: str) -> None:
    spark.createDataFrame([], "id int").write.jdbc(url, "empty")
    assert spark.read.jdbc(url, "empty").count() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Option 'url' is required"),
        ({"url": "jdbc:sqlite:x"}, "Option 'dbtable' or 'query' is required"),
        ({"url": "jdbc:sqlite:x", "dbtable": " "}, "Empty string is not allowed"),
        ({"url": "jdbc:sqlite:x", "dbtable": "t", "fetchsize": "-1"}, "Invalid value `-1`"),
        ({"url": "jdbc:sqlite:x", "dbtable": "t", "batchsize": "0"}, "Invalid value `0`"),
        ({"url": "jdbc:sqlite:x", "dbtable": "t", "lowerBound": "0"}, "all or none"),
        ({"url": "jdbc:sqlite:x", "dbtable": "t", "isolationLevel": "X"}, "Invalid value `X`"),
        ({"url": "jdbc:sqlite:x", "dbtable": "t", "truncate": "maybe"}, "not a boolean"),
    ],
)
def test_wrong_options_are_refused(spark: SparkSession, options: dict[str, str], message: str) -> None:
    with pytest.raises(IllegalArgumentException, match=message):
        spark.read.format("jdbc").options(**options).load().count()


def test_a_batch_is_written_from_foreach_batch_once_per_id(
    spark: SparkSession, url: str, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text('{"id": 1}\n{"id": 2}\n')
    stream = spark.readStream.schema("id int").json(str(tmp_path / "in"))

    def save(batch: Any, batch_id: int) -> None:
        batch.withColumn("batch_id", F.lit(batch_id)).write.mode("append").jdbc(url, "sunk")

    query = stream.writeStream.foreachBatch(save).trigger(availableNow=True)
    query.option("checkpointLocation", str(tmp_path / "checkpoint")).start().awaitTermination()
    assert ids(spark.read.jdbc(url, "sunk")) == [1, 2]
