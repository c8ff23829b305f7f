"""What only a real broker knows: times, transactions, retention, new and deleted topics, groups."""

import json

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from pyspark.errors import StreamingQueryException
from pyspark.errors.exceptions.connect import SparkConnectException


def read(spark, options, topic, **more):
    rows = spark.read.format("kafka").options(**options, subscribe=topic, **more).load()
    return sorted(row.value.decode() for row in rows.select("value").collect())


def stream(spark, options, topic, **more):
    chosen = {"startingOffsets": "earliest", **more}
    return spark.readStream.format("kafka").options(**options, subscribe=topic, **chosen).load()


def memory_query(spark, df, name):
    return (
        df.selectExpr("cast(value as string) value", "partition")
        .writeStream.format("memory")
        .queryName(name)
        .start()
    )


def seen(spark, name):
    return sorted(row.value for row in spark.table(name).collect())


def test_timestamps_choose_offsets(spark, kafka, options, topic):
    kafka.create(topic, 2)
    for second in range(5):
        kafka.send(topic, [f"a{second}"], timestamp_ms=1_000_000 + second * 1000)
    kafka.send(topic, ["b"], partition=1, timestamp_ms=1_004_000)
    assert read(spark, options, topic, startingTimestamp=1_002_500) == ["a3", "a4", "b"]
    between = {"startingTimestamp": 1_001_000, "endingTimestamp": 1_003_000}
    assert read(spark, options, topic, **between) == ["a1", "a2"]
    by_partition = json.dumps({topic: {"0": 1_004_000, "1": 1_004_000}})
    assert read(spark, options, topic, startingOffsetsByTimestamp=by_partition) == ["a4", "b"]
    with pytest.raises(SparkConnectException, match="No offset matched from request of topic-partition"):
        read(spark, options, topic, startingTimestamp=2_000_000)
    latest = {"startingTimestamp": 2_000_000, "startingOffsetsByTimestampStrategy": "latest"}
    assert read(spark, options, topic, **latest) == []


def test_only_committed_transactions_are_read(spark, kafka, options, topic, eventually):
    kafka.create(topic)
    producer = Producer({"bootstrap.servers": kafka.servers, "transactional.id": topic})
    producer.init_transactions(30)
    committed = {**options, "kafka.isolation.level": "read_committed"}
    query = memory_query(spark, stream(spark, committed, topic), "committed")
    for number, end in enumerate(["commit", "abort", "commit", None]):
        producer.begin_transaction()
        producer.produce(topic, f"{number}-{end}")
        producer.flush(30)
        if end:
            getattr(producer, f"{end}_transaction")(30)
    eventually(lambda: seen(spark, "committed") == ["0-commit", "2-commit"])
    assert read(spark, committed, topic) == ["0-commit", "2-commit"]
    assert read(spark, options, topic) == ["0-commit", "1-abort", "2-commit", "3-None"]
    producer.commit_transaction(30)
    eventually(lambda: seen(spark, "committed") == ["0-commit", "2-commit", "3-None"])
    query.stop()


def test_new_partitions_are_read_from_their_beginning(spark, kafka, options, topic, eventually):
    kafka.create(topic)
    kafka.send(topic, ["a"])
    query = memory_query(spark, stream(spark, options, topic, startingOffsets="latest"), "grown")
    query.processAllAvailable()
    kafka.grow(topic, 3)
    kafka.send(topic, ["b"], partition=2)
    kafka.send(topic, ["c"])
    eventually(lambda: seen(spark, "grown") == ["b", "c"])
    query.stop()


def test_a_checkpoint_outlives_its_topic(spark, kafka, options, topic, tmp_path):
    def run(**more):
        writer = stream(spark, options, topic, **more).writeStream.format("noop")
        query = writer.option("checkpointLocation", str(tmp_path)).trigger(availableNow=True).start()
        query.awaitTermination()
        return sum(progress["numInputRows"] for progress in query.recentProgress)

    kafka.create(topic)
    kafka.send(topic, ["a", "b", "c"])
    assert run() == 3
    kafka.delete(topic)
    kafka.create(topic)
    kafka.send(topic, ["d"])
    quick = {"fetchOffset.retryIntervalMs": "10"}
    with pytest.raises(StreamingQueryException, match="offset was changed from 3 to 1"):
        run(**quick)
    assert run(failOnDataLoss="false", **quick) == 0
    kafka.send(topic, ["e", "f"])
    assert run(failOnDataLoss="false", **quick) == 2


def test_records_that_retention_took(spark, kafka, options, topic, tmp_path):
    def run(**more):
        writer = stream(spark, options, topic, maxOffsetsPerTrigger="4", **more).writeStream.format("noop")
        query = writer.option("checkpointLocation", str(tmp_path)).trigger(availableNow=True).start()
        query.awaitTermination()
        return query

    kafka.create(topic)
    kafka.send(topic, [str(number) for number in range(4)])
    run()
    kafka.send(topic, [str(number) for number in range(4, 14)])
    kafka.forget(topic, before=7)
    with pytest.raises(StreamingQueryException, match="Some data may have been lost"):
        run()
    query = run(failOnDataLoss="false")
    assert sum(progress["numInputRows"] for progress in query.recentProgress) == 7
    assert query.lastProgress["sources"][0]["metrics"]["offsetOutOfRange"] == "3"


def test_a_group_is_told_how_far_the_query_is(spark, kafka, options, topic, eventually):
    kafka.create(topic)
    kafka.send(topic, ["a", "b"])
    query = memory_query(spark, stream(spark, options, topic, **{"cauce.commitGroup": topic}), "told")
    query.processAllAvailable()
    query.processAllAvailable()
    asked = [ConsumerGroupTopicPartitions(topic, [TopicPartition(topic, 0)])]

    def told() -> int:
        [answer] = kafka.admin.list_consumer_group_offsets(asked).values()
        return answer.result(30).topic_partitions[0].offset

    eventually(lambda: told() == 2)
    query.stop()


def test_a_topic_that_is_not_there(spark, kafka, options):
    with pytest.raises(SparkConnectException, match="This server does not host this topic-partition"):
        read(spark, options, "nowhere", **{"fetchOffset.retryIntervalMs": "1"})
