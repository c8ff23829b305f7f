"""A function of the user that raises, exits, asks for all memory or never ends hurts its query alone."""

import sys
import threading

import pytest
from pyspark.errors import PySparkException, StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cauce.streaming.sources import MemoryStream

WAIT_S = 60


def raises(value: int) -> int:
    raise ValueError("no good")


def exits(value: int) -> int:
    sys.exit(3)


def takes_all_memory(value: int) -> int:
    return len(bytearray(1 << 60))


FUNCTIONS = {"raises": raises, "exits": exits, "takes_all_memory": takes_all_memory}
WORDS = {"raises": "no good", "exits": "SystemExit|exit|3", "takes_all_memory": "MemoryError"}


def stream_of(spark: SparkSession, name: str):
    MemoryStream(name, "value LONG").add_data([(1,)])
    return spark.readStream.format("memory").option("name", name).load()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_stream_with_such_a_function_ends_with_its_error(spark: SparkSession, name: str) -> None:
    function = F.udf(FUNCTIONS[name], "long")
    query = stream_of(spark, f"udf_{name}").select(function("value")).writeStream.format("noop").start()
    with pytest.raises(StreamingQueryException, match=WORDS[name]):
        query.awaitTermination(WAIT_S)
    assert not query.isActive
    assert spark.range(3).count() == 3


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_batch_with_such_a_function_ends_with_its_error(spark: SparkSession, name: str) -> None:
    function = F.udf(FUNCTIONS[name], "long")
    with pytest.raises(PySparkException, match=WORDS[name]):
        spark.range(1).select(function("id")).collect()
    assert spark.range(3).count() == 3


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_sink_with_such_a_function_ends_its_query(spark: SparkSession, name: str) -> None:
    def each(frame, batch_id: int) -> None:
        FUNCTIONS[name](1)

    query = stream_of(spark, f"sink_{name}").writeStream.foreachBatch(each).start()
    with pytest.raises(StreamingQueryException, match=WORDS[name]):
        query.awaitTermination(WAIT_S)
    assert spark.range(3).count() == 3


entered, ending = threading.Event(), threading.Event()


def endless(frame: DataFrame, batch_id: int) -> None:
    entered.set()
    while not ending.is_set():
        pass


def test_the_server_answers_while_a_function_does_not_end(spark: SparkSession) -> None:
    query = stream_of(spark, "endless").writeStream.foreachBatch(endless).start()
    try:
        assert entered.wait(WAIT_S)
        assert spark.range(1000).count() == 1000
        assert query.status["isTriggerActive"]
        other = stream_of(spark, "beside").writeStream.format("memory").queryName("beside").start()
        other.processAllAvailable()
        assert spark.table("beside").count() == 1
    finally:
        ending.set()
    query.stop()
    assert not query.isActive
