"""An engine that crashes in the middle of an answer is an error, never a short answer."""

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

from cauce.streaming.sources import MemoryStream

SCHEMA = StructType([StructField("id", DoubleType()), StructField("name", StringType())])


def crashing(frame):
    """Sail 0.7.2 panics here, because nobody can write a number with that many places."""
    return frame.select(F.format_number("id", 2147483647))


def test_a_batch_that_crashes_the_engine(spark: SparkSession) -> None:
    with pytest.raises(PySparkException, match="The engine crashed"):
        crashing(spark.createDataFrame([(1.0, "a")], SCHEMA)).collect()
    assert spark.range(3).count() == 3


def test_a_stream_that_crashes_the_engine(spark: SparkSession) -> None:
    MemoryStream("crashing", SCHEMA).add_data([(1.0, "a")])
    frame = crashing(spark.readStream.format("memory").option("name", "crashing").load())
    query = frame.writeStream.format("noop").trigger(availableNow=True).start()
    with pytest.raises(PySparkException, match="The engine crashed"):
        query.awaitTermination()
