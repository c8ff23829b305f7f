"""cache, checkpoint, observe and what else Sail leaves to the server."""

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import Observation
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel


@pytest.fixture
def counted(spark, tmp_path):
    """A frame that leaves a mark for every row computed, and the count of marks so far."""
    marks = tmp_path / "marks"
    marks.touch()
    path = str(marks)

    @F.udf("long")
    def mark(value):
        with open(path, "a") as file:
            file.write(".")
        return value

    return spark.range(5).select(mark("id").alias("id")), lambda: len(marks.read_text())


def test_a_persisted_frame_is_computed_once(counted):
    frame, count = counted
    frame.persist()

    assert count() == 0
    assert frame.filter("id > 2").count() == 2
    assert frame.join(frame, "id").count() == 5
    assert count() == 5


def test_after_unpersist_the_frame_is_computed_again(counted):
    frame, count = counted
    frame.persist()
    frame.count()
    frame.unpersist()
    frame.collect()

    assert count() == 10


def test_the_storage_level_is_told(spark):
    frame = spark.range(3)
    assert frame.storageLevel == StorageLevel.NONE

    frame.persist(StorageLevel.MEMORY_ONLY)
    assert frame.storageLevel == StorageLevel.MEMORY_ONLY


@pytest.mark.parametrize("eager", [True, False])
def test_a_checkpoint_is_computed_once(counted, eager):
    frame, count = counted
    kept = frame.localCheckpoint(eager=eager)

    assert count() == (5 if eager else 0)
    assert kept.filter("id > 1").count() == 3
    assert kept.count() == 5
    assert count() == 5


def test_a_view_over_a_large_checkpoint_outlives_the_call(spark):
    spark.range(100_000).checkpoint().createOrReplaceTempView("kept")

    assert spark.sql("SELECT sum(id) FROM kept").collect()[0][0] == 4999950000


def test_observed_metrics_come_with_the_result(spark):
    seen = Observation("seen")
    frame = spark.range(10).observe(seen, F.count("*").alias("rows"), F.max("id").alias("highest"))

    assert frame.filter("id > 5").count() == 4
    assert seen.get == {"rows": 10, "highest": 9}


def test_observed_metrics_come_with_a_write(spark, tmp_path):
    seen = Observation()
    spark.range(10).observe(seen, F.avg("id").alias("mean")).write.parquet(str(tmp_path / "out"))

    assert seen.get == {"mean": 4.5}


def test_quantiles_of_one_and_of_several_columns(spark):
    frame = spark.range(101).selectExpr("id AS a", "id * 2 AS b")

    assert frame.approxQuantile("a", [0.0, 0.25, 0.5, 1.0], 0.0) == [0.0, 25.0, 50.0, 100.0]
    assert frame.approxQuantile(["a", "b"], [0.5], 0.1) == [[50.0], [100.0]]


def test_quantiles_leave_out_nulls_and_nan(spark):
    frame = spark.createDataFrame([(1.0,), (None,), (float("nan"),), (3.0,)], "a double")

    assert frame.approxQuantile("a", [0.5, 1.0], 0.0) == [1.0, 3.0]


def test_plans_of_the_same_operations_mean_the_same(spark):
    def build(bound):
        return spark.range(5).filter(F.col("id") > bound).select("id")

    assert build(2).sameSemantics(build(2))
    assert build(2).semanticHash() == build(2).semanticHash()
    assert not build(2).sameSemantics(build(3))


def test_a_path_that_is_not_there_is_an_error(spark, tmp_path):
    with pytest.raises(AnalysisException) as raised:
        spark.read.parquet(str(tmp_path / "missing")).collect()

    assert raised.value.getCondition() == "PATH_NOT_FOUND"
