"""What a Kafka read is refused for, in the words of Spark's connector, and what its options become."""

import pytest

from cauce.errors import SparkError
from cauce.kafka import TopicPartition, kafka_options
from cauce.kafka.properties import client_properties

BASE = {"kafka.bootstrap.servers": "host:9092", "subscribe": "t"}


def read(**options):
    return kafka_options({**BASE, **options}, streaming=False)


def stream(**options):
    return kafka_options({**BASE, **options}, streaming=True)


REFUSED_STREAMS = {
    "Only one of the following options can be specified": {"assign": '{"t":[0]}'},
    "ending offset not valid in streaming queries": {"endingOffsets": "latest"},
    "ending timestamp not valid in streaming queries": {"endingOffsetsByTimestamp": '{"t":{"0":1}}'},
    "minPartitions must be positive": {"minPartitions": "0"},
    "maxrecordsperpartition must be positive": {"maxRecordsPerPartition": "-1"},
    "Kafka option 'auto.offset.reset' is not supported": {"kafka.auto.offset.reset": "earliest"},
    "Kafka option 'key.deserializer' is not supported": {"kafka.key.deserializer": "x"},
    "Kafka option 'value.deserializer' is not supported": {"kafka.value.deserializer": "x"},
    "Kafka option 'enable.auto.commit' is not supported": {"kafka.enable.auto.commit": "true"},
    "Kafka option 'interceptor.classes' is not supported": {"kafka.interceptor.classes": "x"},
    "minOffsetPerTrigger(5) is higher than the maxOffsetsPerTrigger(4)": {
        "minOffsetsPerTrigger": "5",
        "maxOffsetsPerTrigger": "4",
    },
    'Expected e.g. {"topicA":{"0":23,"1":-1},"topicB":{"0":-2}}, got {"t":0}': {"startingOffsets": '{"t":0}'},
    "Expected a single long value, got soon": {"startingTimestamp": "soon"},
    "Failed to parse time string: x": {"maxTriggerDelay": "x"},
    'For input string: "x"': {"maxOffsetsPerTrigger": "x"},
    'For input string: "maybe"': {"failOnDataLoss": "maybe"},
    "No topics to subscribe to as specified value for option 'subscribe' is ' , '": {"subscribe": " , "},
}


@pytest.mark.parametrize("message", REFUSED_STREAMS)
def test_a_stream_is_refused(message):
    with pytest.raises(SparkError) as refused:
        stream(**REFUSED_STREAMS[message])
    assert message in str(refused.value)


REFUSED_READS = {
    "starting offset can't be latest for batch queries on Kafka": {"startingOffsets": "latest"},
    "startingOffsets for t-0 can't be latest": {"startingOffsets": '{"t":{"0":-1}}'},
    "ending offset can't be earliest for batch queries on Kafka": {"endingOffsets": "earliest"},
    "ending offset for t-0 can't be earliest": {"endingOffsets": '{"t":{"0":-2}}'},
    "The specified start offset 5 is greater than the end offset 2 for topic t partition 0.": {
        "startingOffsets": '{"t":{"0":5}}',
        "endingOffsets": '{"t":{"0":2}}',
    },
    "Topic-partitions for start offset: t-0, topic-partitions for end offset: t-1.": {
        "startingOffsets": '{"t":{"0":5}}',
        "endingOffsets": '{"t":{"1":7}}',
    },
}


@pytest.mark.parametrize("message", REFUSED_READS)
def test_a_batch_read_is_refused(message):
    with pytest.raises(SparkError) as refused:
        read(**REFUSED_READS[message])
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "missing, message",
    [
        ("kafka.bootstrap.servers", "Option 'kafka.bootstrap.servers' must be specified"),
        ("subscribe", "One of the following options must be specified for Kafka source"),
    ],
)
def test_what_must_be_there(missing, message):
    with pytest.raises(SparkError) as refused:
        kafka_options({k: v for k, v in BASE.items() if k != missing}, streaming=True)
    assert message in str(refused.value)


def test_options_have_sparks_defaults():
    options = stream()
    assert (options.starting.everywhere, read().starting.everywhere) == (-1, -2)
    assert options.fail_on_data_loss and not options.include_headers
    assert (options.trigger_delay_ms_max, options.poll_timeout_ms) == (900_000, 120_000)
    assert (options.fetch_attempts_max, options.fetch_interval_ms) == (3, 1000)
    assert options.group_id.startswith("spark-kafka-source-")
    assert read().group_id.startswith("spark-kafka-relation-")


def test_options_are_read_whatever_their_case():
    options = stream(STARTINGOFFSETS="Earliest", INCLUDEHEADERS="TRUE", groupidprefix="mine")
    assert (options.starting.everywhere, options.include_headers) == (-2, True)
    assert options.group_id.startswith("mine-")
    assert stream(**{"kafka.group.id": "given"}).group_id == "given"


def test_a_timestamp_wins_over_offsets():
    chosen = stream(
        startingTimestamp="7", startingOffsetsByTimestamp='{"t":{"0":1}}', startingOffsets="earliest"
    )
    assert chosen.starting.timestamp_ms == 7
    by_partition = stream(startingOffsetsByTimestamp='{"t":{"0":1}}', startingOffsets="earliest")
    assert by_partition.starting.timestamps_ms == {TopicPartition("t", 0): 1}


@pytest.mark.parametrize(
    "options, shown",
    [
        ({"subscribe": " a , b"}, "Subscribe[a, b]"),
        ({"subscribePattern": "a.*"}, "SubscribePattern[a.*]"),
        ({"assign": '{"a":[0,1]}'}, "Assign[a-0, a-1]"),
    ],
)
def test_strategies_print_as_sparks(options, shown):
    assert str(kafka_options({"kafka.bootstrap.servers": "x", **options}, streaming=True).strategy) == shown


def test_properties_of_java_clients_become_those_of_the_library():
    given = {
        "bootstrap.servers": "h:1",
        "fetch.max.wait.ms": "100",
        "buffer.memory": "2097152",
        "ssl.truststore.location": "ca.pem",
        "ssl.endpoint.identification.algorithm": "",
        "sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule required "
        'username="me" password="a\\"b";',
        "max.poll.records": "10",
    }
    assert client_properties(given) == {
        "bootstrap.servers": "h:1",
        "fetch.wait.max.ms": "100",
        "queue.buffering.max.kbytes": "2048",
        "ssl.ca.location": "ca.pem",
        "ssl.endpoint.identification.algorithm": "none",
        "sasl.username": "me",
        "sasl.password": 'a"b',
    }


@pytest.mark.parametrize(
    "name, value",
    [
        ("partitioner.class", "com.example.Mine"),
        ("ssl.truststore.location", "trust.jks"),
        ("ssl.truststore.type", "JKS"),
        ("ssl.truststore.password", "secret"),
        ("sasl.jaas.config", "com.sun.security.auth.module.Krb5LoginModule required;"),
    ],
)
def test_properties_that_only_java_has_are_refused(name, value):
    with pytest.raises(SparkError, match=r"Kafka option '.*' is not supported: "):
        client_properties({name: value})
