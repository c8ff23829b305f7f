"""MERGE reads and writes only the files that the source's rows can be in."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cauce.delta import reading
from cauce.delta.log import DeltaLog, commit_info


@pytest.fixture
def opened(monkeypatch):
    """The data files that were read, with the columns read of each."""
    seen = []

    class Opened(pq.ParquetFile):
        def read(self, columns=None, **more):
            seen.append((self.metadata.row_group(0).num_rows, tuple(columns or ())))
            return super().read(columns=columns, **more)

    monkeypatch.setattr(reading.pq, "ParquetFile", Opened)
    return seen


@pytest.fixture
def table(spark, path):
    """Ten files of 100 + n rows: ids by the thousand, names that say nothing about the file."""
    for n in range(10):
        rows = 100 + n
        columns = {
            "id": pa.array(range(1000 * n, 1000 * n + rows), pa.int64()),
            "name": [f"{i:04d}-{n}" for i in range(rows)],
            "day": [f"2024-01-{n + 1:02d}"] * rows,
        }
        frame = spark.createDataFrame(pa.table(columns)).selectExpr("id", "name", "CAST(day AS DATE) AS day")
        frame.coalesce(1).write.format("delta").mode("append").save(path)
    return f"delta.`{path}`"


def merge(spark, table, source, condition, clauses="WHEN MATCHED THEN UPDATE SET name = s.name"):
    return spark.sql(f"MERGE INTO {table} t USING ({source}) s ON {condition} {clauses}").collect()


def metrics(path):
    log = DeltaLog.open(path)
    return commit_info(log.read(log.existing().version))["operationMetrics"]


@pytest.mark.parametrize(
    "condition",
    ["t.id = s.id", "s.id = id", "t.day = s.day AND t.id = s.id", "t.id = s.id AND t.name <> s.name"],
)
def test_statistics_leave_two_files(spark, table, path, opened, condition):
    source = """SELECT 3005L AS id, 'new' AS name, DATE '2024-01-04' AS day
                UNION ALL SELECT 7106L, 'newer', DATE '2024-01-08'"""
    assert merge(spark, table, source, condition.replace("s.id = id", "s.id = t.id")) == [(2, 2, 0, 0)]
    assert {rows for rows, _ in opened} == {103, 107}
    assert metrics(path)["numTargetFilesRemoved"] == "2"
    assert spark.table(table).where("name LIKE 'new%'").count() == 2
    assert spark.table(table).count() == 1045


def test_files_without_statistics_to_go_by_are_read_by_the_condition_s_column_first(
    spark, table, path, opened
):
    assert merge(spark, table, "SELECT '0105-7' AS key", "t.name = s.key", "WHEN MATCHED THEN DELETE") == [
        (1, 0, 1, 0)
    ]
    assert {rows for rows, columns in opened if len(columns) == 3} == {107}
    assert {columns for _, columns in opened} == {("name",), ("id", "name", "day")}
    assert metrics(path)["numTargetFilesRemoved"] == "1"


def test_rows_that_match_nothing_are_inserted_without_reading_a_file(spark, table, opened):
    inserted = "WHEN NOT MATCHED THEN INSERT *"
    source = "SELECT -1L AS id, 'x' AS name, DATE '2020-01-01' AS day UNION ALL SELECT NULL, 'y', NULL"
    assert merge(spark, table, source, "t.id = s.id", inserted) == [(2, 0, 0, 2)]
    assert opened == []


def test_an_empty_source_reads_nothing(spark, table, opened):
    assert merge(spark, table, "SELECT 1L AS id, 'x' AS name WHERE false", "t.id = s.id") == [(0, 0, 0, 0)]
    assert opened == []


@pytest.mark.parametrize("condition", ["t.id + 1 = s.id + 1", "t.id <=> s.id", "t.id = s.id OR false"])
def test_other_conditions_find_the_same_rows(spark, table, condition):
    assert merge(spark, table, "SELECT 3005L AS id, 'new' AS name", condition) == [(1, 1, 0, 0)]


def test_a_condition_on_the_source_alone(spark, table):
    deleted = merge(spark, table, "SELECT 1 AS one", "s.one = 1", "WHEN MATCHED AND t.id < 5 THEN DELETE")
    assert deleted == [(5, 0, 5, 0)]


def test_rows_without_a_partner_are_found_in_every_file(spark, table):
    clauses = "WHEN NOT MATCHED BY SOURCE AND t.id >= 9000 THEN DELETE"
    assert merge(spark, table, "SELECT 9000L AS id", "t.id = s.id", clauses) == [(108, 0, 108, 0)]


def test_partitions_are_skipped(spark, path, opened):
    frame = spark.range(0, 300).selectExpr("id", "CAST(id % 3 AS INT) AS part", "'old' AS name")
    frame.write.format("delta").partitionBy("part").save(path)
    source = "SELECT 4L AS id, 1 AS part, 'new' AS name"
    assert merge(spark, f"delta.`{path}`", source, "t.part = s.part AND t.id = s.id") == [(1, 1, 0, 0)]
    assert metrics(path)["numTargetFilesRemoved"] == "1"
    assert len({rows for rows, _ in opened}) == 1 and len(opened) <= 2
