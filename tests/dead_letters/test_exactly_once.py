"""A row is in the answer or in the dead letters, once, whenever the process dies."""

import pytest
from pyspark.sql import functions as F

from cauce.testing import STEPS


def numbers(frame, aside, folder):
    writer = frame.select(F.col("v").cast("int")).writeStream.format("parquet")
    return writer.option("path", folder).option("deadLetterPath", aside)


@pytest.mark.parametrize("power_loss", [False, True])
@pytest.mark.parametrize("step", [step for step in STEPS if "state" not in step])
def test_a_crash_at(step, power_loss, spark, stream_test, tmp_path, aside, letters):
    values, folder = stream_test.memory_stream("v STRING"), f"{tmp_path}/out"
    stream_test.start_stream(numbers(values.to_df(), aside, folder))
    values.add_data("1", "first bad")
    stream_test.process_all_available()
    values.add_data("2", "second bad", "3")
    stream_test.crash(step, power_loss=power_loss)
    stream_test.start_stream()
    values.add_data("4")
    stream_test.process_all_available()
    assert sorted(spark.read.parquet(folder).collect()) == [(1,), (2,), (3,), (4,)]
    assert [(letter["batchId"], letter["record"]) for letter in letters()] == [
        (0, {"v": "first bad"}),
        (1, {"v": "second bad"}),
    ]


def test_a_batch_repeated_with_a_mended_query_withdraws_its_letters(
    spark, stream_test, tmp_path, aside, letters
):
    values, folder = stream_test.memory_stream("v STRING"), f"{tmp_path}/out"
    stream_test.start_stream(numbers(values.to_df(), aside, folder))
    values.add_data("1", "2 ")
    values.add_data("many")
    stream_test.crash("before sink")
    mended = values.to_df().select(F.coalesce(F.expr("try_cast(v AS INT)"), F.lit(0)).alias("v"))
    stream_test.start_stream(numbers(mended, aside, folder))
    stream_test.process_all_available()
    assert sorted(spark.read.parquet(folder).collect()) == [(0,), (1,), (2,)]
    assert letters() == []


def test_letters_of_a_batch_that_the_sink_has_already_stay(spark, stream_test, tmp_path, aside, letters):
    values, folder = stream_test.memory_stream("v STRING"), f"{tmp_path}/out"
    stream_test.start_stream(numbers(values.to_df(), aside, folder))
    values.add_data("1", "many")
    stream_test.crash("after sink")
    mended = values.to_df().select(F.coalesce(F.expr("try_cast(v AS INT)"), F.lit(0)).alias("v"))
    stream_test.start_stream(numbers(mended, aside, folder))
    stream_test.process_all_available()
    assert sorted(spark.read.parquet(folder).collect()) == [(1,)]
    assert [letter["record"] for letter in letters()] == [{"v": "many"}]
