"""Topic to topic exactly once: the process is killed at every seam, the broker goes away and comes back."""

import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from kafka_broker import KafkaBroker
from pyspark.errors import StreamingQueryException

HERE = Path(__file__).parent
POINTS = ["offsets are logged", "rows are sent", "the transaction is committed", "the batch is committed"]
VALUES = [f"{number:03}" for number in range(15)]
KILLED = -9


@pytest.fixture
def own_kafka(tmp_path):
    (tmp_path / "kafka").mkdir()
    with KafkaBroker(tmp_path / "kafka") as broker:
        broker.create("in")
        broker.create("out")
        yield broker


def test_every_record_arrives_once_wherever_the_process_dies(own_kafka, tmp_path):
    own_kafka.send("in", VALUES)
    for point in POINTS:
        for batch in (0, 1):
            run(own_kafka, tmp_path, point, batch)
    assert run(own_kafka, tmp_path) == 0
    assert own_kafka.values("out") == VALUES
    own_kafka.send("in", ["more"])
    assert run(own_kafka, tmp_path) == 0
    assert own_kafka.values("out") == [*VALUES, "more"]


def run(kafka: KafkaBroker, folder: Path, point: str = "", batch: int = 0) -> int:
    program = [
        str(HERE / "crashing_program.py"),
        kafka.servers,
        str(folder / "checkpoint"),
        point,
        str(batch),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "cauce.cli.main", "run", *program], capture_output=True, text=True
    )
    assert done.returncode in (0, KILLED), done.stderr
    return done.returncode


def test_every_record_arrives_once_while_the_broker_comes_and_goes(
    spark, own_kafka, tmp_path, request, eventually
):
    restarts = request.config.getoption("--restarts", default=5)
    options = {"kafka.bootstrap.servers": own_kafka.servers}
    source = (
        spark.readStream.format("kafka").options(**options, subscribe="in", startingOffsets="earliest").load()
    )
    writer = source.select("value").writeStream.format("kafka").options(**options, topic="out")
    query = writer.options(
        **{"cauce.exactlyOnce": "true", "checkpointLocation": str(tmp_path / "checkpoint")}
    ).start()
    sent = []
    for restart in range(restarts):
        records = [f"{restart:03}-{number:03}" for number in range(50)]
        own_kafka.send("in", records)
        sent += records
        own_kafka.stop() if restart % 2 else own_kafka.kill()
        own_kafka.start()
    eventually(lambda: not query.isActive or own_kafka.values("out") == sent)
    assert query.exception() is None
    query.stop()
    assert own_kafka.values("out") == sent


def test_a_second_process_with_the_same_query_is_shut_out(spark, kafka, options, topic, tmp_path):
    """The checkpoint's lock guards one machine; the transaction's id guards the topic everywhere."""
    query = copying(spark, kafka, options, topic, tmp_path)
    take_over(kafka, f"cauce-{query.id}", f"{topic}.out")
    kafka.send(topic, ["b"])
    with pytest.raises(StreamingQueryException, match="FENCED|fenced"):
        query.processAllAvailable()
    assert kafka.values(f"{topic}.out") == ["a", "other"]


def copying(spark, kafka, options, topic, checkpoint):
    """A query that has copied the one record of the topic to `.out`, exactly once, and runs on."""
    kafka.create(topic)
    kafka.create(f"{topic}.out")
    kafka.send(topic, ["a"])
    source = (
        spark.readStream.format("kafka")
        .options(**options, subscribe=topic, startingOffsets="earliest")
        .load()
    )
    writer = source.select("value").writeStream.format("kafka").options(**options, topic=f"{topic}.out")
    query = writer.options(**{"cauce.exactlyOnce": "true", "checkpointLocation": str(checkpoint)}).start()
    query.processAllAvailable()
    return query


def take_over(kafka: KafkaBroker, transactional_id: str, topic: str) -> None:
    from confluent_kafka import Producer

    other = Producer({"bootstrap.servers": kafka.servers, "transactional.id": transactional_id})
    other.init_transactions(30)
    other.begin_transaction()
    other.produce(topic, "other")
    other.commit_transaction(30)


def test_the_number_of_the_batch_is_in_the_group(spark, kafka, options, topic, tmp_path):
    query = copying(spark, kafka, options, topic, tmp_path)
    query.stop()
    from confluent_kafka import ConsumerGroupTopicPartitions

    asked = ConsumerGroupTopicPartitions(f"cauce-sink-{query.id}", [TopicPartition(f"{topic}.out", 0)])
    [answer] = kafka.admin.list_consumer_group_offsets([asked]).values()
    assert answer.result(30).topic_partitions[0].offset == 1
