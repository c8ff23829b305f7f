"""Many queries in one process do not disturb one another, and a slow sink does not pile up work."""

import threading
from collections.abc import Iterator

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cauce.streaming.sources import MemoryStream

QUERIES = 32
ROUNDS = 3
WAIT_S = 60


class SlowSink:
    """A foreachBatch function that waits in every batch until it may go on."""

    def __init__(self) -> None:
        self.busy, self.go_on = threading.Event(), threading.Event()
        self.sizes: list[int] = []

    def add_batch(self, frame: DataFrame) -> None:
        self.sizes.append(frame.count())
        self.busy.set()
        assert self.go_on.wait(WAIT_S)


sinks: dict[str, SlowSink] = {}


def slow(frame: DataFrame, batch_id: int) -> None:
    """Functions for foreachBatch are pickled, so what they wait for is found by name."""
    sinks["slow"].add_batch(frame)


@pytest.fixture
def sink() -> Iterator[SlowSink]:
    sinks["slow"] = SlowSink()
    yield sinks["slow"]
    sinks["slow"].go_on.set()


def counts_by_key(spark: SparkSession, name: str):
    """A running count of a stream of its own."""
    stream = MemoryStream(name, "key LONG")
    frame = spark.readStream.format("memory").option("name", name).load().groupBy("key").count()
    return stream, frame.writeStream.outputMode("complete").format("memory").queryName(name)


def test_32_queries_each_give_their_own_answer(spark: SparkSession) -> None:
    started = [counts_by_key(spark, f"side_by_side_{i}") for i in range(QUERIES)]
    queries = [writer.start() for _, writer in started]
    for _ in range(ROUNDS):
        for number, (stream, _) in enumerate(started):
            stream.add_data([(number,), (number,), (-1,)])
    for number, query in enumerate(queries):
        query.processAllAvailable()
        found = {row.key: row["count"] for row in spark.table(query.name).collect()}
        assert found == {number: 2 * ROUNDS, -1: ROUNDS}
    assert len(spark.streams.active) == QUERIES


def test_one_query_that_fails_leaves_the_others_alone(spark: SparkSession) -> None:
    stream, writer = counts_by_key(spark, "survivor")
    survivor = writer.start()
    broken_stream = MemoryStream("broken", "key LONG")
    broken_frame = spark.readStream.format("memory").option("name", "broken").load()
    broken = broken_frame.select(F.raise_error(F.lit("broken on purpose"))).writeStream.format("noop").start()
    broken_stream.add_data([(1,)])
    with pytest.raises(StreamingQueryException, match="broken on purpose"):
        broken.awaitTermination(WAIT_S)
    stream.add_data([(7,)])
    survivor.processAllAvailable()
    assert spark.table("survivor").collect()[0]["count"] == 1


def test_rows_that_come_while_the_sink_is_busy_are_one_batch(spark: SparkSession, sink: SlowSink) -> None:
    """The source keeps them; nothing between source and sink grows."""
    stream = MemoryStream("slow_sink", "key LONG")
    frame = spark.readStream.format("memory").option("name", "slow_sink").load()
    query = frame.writeStream.foreachBatch(slow).start()
    stream.add_data([(0,)])
    assert sink.busy.wait(WAIT_S)
    for number in range(100):
        stream.add_data([(number,)])
    sink.go_on.set()
    query.processAllAvailable()
    query.stop()
    assert sink.sizes == [1, 100]


def test_stop_while_the_sink_is_busy_ends_after_its_batch(spark: SparkSession, sink: SlowSink) -> None:
    stream = MemoryStream("stopped_while_busy", "key LONG")
    frame = spark.readStream.format("memory").option("name", "stopped_while_busy").load()
    query = frame.writeStream.foreachBatch(slow).start()
    stream.add_data([(0,)])
    assert sink.busy.wait(WAIT_S)
    stream.add_data([(1,)])
    stopper = threading.Thread(target=query.stop)
    stopper.start()
    assert spark.range(3).count() == 3
    sink.go_on.set()
    stopper.join(WAIT_S)
    assert not stopper.is_alive()
    assert not query.isActive
    assert sink.sizes == [1]
