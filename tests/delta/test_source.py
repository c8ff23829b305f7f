"""Delta tables as streams: the rows there are, then those of every commit; and the change data feed."""

import json

import pytest
from pyspark.errors import AnalysisException, PySparkException, StreamingQueryException

from cauce.delta.log import DeltaLog
from tests.delta.conftest import offset


@pytest.fixture
def add(spark, path):
    """Append rows to the table in one commit."""

    def append(*rows, schema="id long, name string", **options):
        frame = spark.createDataFrame(list(rows), schema).coalesce(1)
        frame.write.format("delta").mode("append").options(**options).save(path)

    return append


@pytest.fixture
def tail(spark, drain, path):
    """What a stream over the table gives until nothing is left; later calls go on."""

    def run(*, name="tail", **options):
        stream = spark.readStream.format("delta").options(**options).load(path)
        query = drain(stream.writeStream.format("delta"), f"{path}-{name}", name=name)
        return query, sorted(tuple(r) for r in spark.read.format("delta").load(f"{path}-{name}").collect())

    return run


def test_the_first_batch_is_the_table_and_the_next_are_its_commits(add, tail, path):
    add((1, "a"), (2, "日本"))
    add((3, None))
    query, rows = tail()
    assert rows == [(1, "a"), (2, "日本"), (3, None)]
    assert len(query.recentProgress) == 1
    assert offset(query) == {
        "sourceVersion": 1,
        "reservoirId": DeltaLog.open(path).existing().table.id,
        "reservoirVersion": 2,
        "index": -1,
        "isStartingVersion": False,
    }
    add((4, "d"))
    query, rows = tail()
    assert rows[-1] == (4, "d") and len(rows) == 4
    assert query.lastProgress["numInputRows"] == 1
    assert query.lastProgress["sources"][0]["description"] == f"DeltaSource[file:{path}]"


def test_offsets_within_the_first_snapshot(add, tail):
    for i in range(3):
        add((i, "a"))
    query, _ = tail(maxFilesPerTrigger=1)
    ends = [json.loads(p["sources"][0]["endOffset"]) for p in query.recentProgress]
    assert [(e["reservoirVersion"], e["index"], e["isStartingVersion"]) for e in ends] == [
        (2, 0, True),
        (2, 1, True),
        (3, -1, False),
    ]


def test_bytes_limit_a_batch_but_let_one_file_through(add, tail):
    for i in range(3):
        add((i, "a"))
    query, rows = tail(maxBytesPerTrigger="1b")
    assert len(query.recentProgress) == 3 and len(rows) == 3


def test_a_restart_in_the_middle_of_the_first_snapshot_reads_the_rest(spark, add, path, tmp_path):
    for i in range(3):
        add((i, "a"))

    def once():
        stream = spark.readStream.format("delta").option("maxFilesPerTrigger", 1).load(path)
        writer = stream.writeStream.format("delta").option("checkpointLocation", f"{tmp_path}/c")
        query = writer.trigger(processingTime="0 seconds").start(f"{path}-out")
        query.processAllAvailable()
        query.stop()

    once()
    add((9, "z"))
    once()
    rows = spark.read.format("delta").load(f"{path}-out").collect()
    assert sorted(row.id for row in rows) == [0, 1, 2, 9]


def test_starting_versions(add, tail):
    for i in range(3):
        add((i, "a"))
    assert tail(name="one", startingVersion=1)[1] == [(1, "a"), (2, "a")]
    assert tail(name="stamp", startingTimestamp="2000-01-01")[1] == [(0, "a"), (1, "a"), (2, "a")]
    with pytest.raises(StreamingQueryException, match="DELTA_TIMESTAMP_GREATER_THAN_COMMIT"):
        tail(name="future", startingTimestamp="2999-01-01")
    with pytest.raises(StreamingQueryException, match="DELTA_VERSION_NOT_FOUND"):
        tail(name="beyond", startingVersion=99)


def test_latest_skips_what_is_there(spark, add, path, tmp_path):
    add((1, "a"))
    stream = spark.readStream.format("delta").option("startingVersion", "latest").load(path)
    query = stream.writeStream.format("memory").queryName("latest").start()
    query.processAllAvailable()
    add((2, "b"))
    query.processAllAvailable()
    query.stop()
    assert spark.table("latest").collect() == [(2, "b")]


@pytest.mark.parametrize(
    ("statement", "condition", "accepting"),
    [
        ("DELETE FROM delta.`{}` WHERE id = 1", "DELTA_SOURCE_TABLE_IGNORE_CHANGES", "ignoreChanges"),
        (
            "UPDATE delta.`{}` SET name = 'u' WHERE id = 1",
            "DELTA_SOURCE_TABLE_IGNORE_CHANGES",
            "skipChangeCommits",
        ),
        ("DELETE FROM delta.`{}`", "DELTA_SOURCE_IGNORE_DELETE", "ignoreDeletes"),
    ],
)
def test_changed_rows_are_refused_unless_the_user_accepts_them(
    spark, add, tail, path, statement, condition, accepting
):
    add((1, "a"), (2, "b"))
    tail()
    tail(name="accepts")
    spark.sql(statement.format(path))
    with pytest.raises(StreamingQueryException, match=condition):
        tail()
    rows = tail(name="accepts", **{accepting: True})[1]
    again = [(2, "b")] if accepting == "ignoreChanges" else []
    assert rows == sorted([(1, "a"), (2, "b"), *again])


def test_a_new_column_stops_the_stream_and_a_restart_reads_it(spark, add, path, tmp_path):
    add((1, "a"))
    stream = spark.readStream.format("delta").load(path)
    query = stream.writeStream.format("delta").option("mergeSchema", True)
    query = query.option("checkpointLocation", f"{tmp_path}/c").start(f"{path}-out")
    query.processAllAvailable()
    add((2, "b", 7), schema="id long, name string, more int", mergeSchema=True)
    with pytest.raises(StreamingQueryException, match="DELTA_SCHEMA_CHANGED_WITH_VERSION"):
        query.processAllAvailable()
    stream = spark.readStream.format("delta").load(path)
    writer = stream.writeStream.format("delta").option("mergeSchema", True)
    query = writer.option("checkpointLocation", f"{tmp_path}/c").start(f"{path}-out")
    query.processAllAvailable()
    query.stop()
    rows = spark.read.format("delta").load(f"{path}-out").orderBy("id").collect()
    assert rows == [(1, "a", None), (2, "b", 7)]


def test_a_recreated_table_is_another_table(spark, add, tail, path):
    import shutil

    add((1, "a"))
    tail()
    shutil.rmtree(path)
    add((2, "b"))
    with pytest.raises(StreamingQueryException, match="DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE"):
        tail()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"maxFilesPerTrigger": "0"}, "Invalid value '0' for option 'maxFilesPerTrigger'"),
        ({"maxBytesPerTrigger": "x"}, "Invalid value 'x' for option 'maxBytesPerTrigger'"),
        ({"startingVersion": "-1"}, "Invalid value '-1' for option 'startingVersion'"),
        (
            {"startingVersion": "1", "startingTimestamp": "2024-01-01"},
            "Please either provide 'startingVersion'",
        ),
        ({"ignoreDeletes": "maybe"}, "Invalid value 'maybe' for option 'ignoreDeletes'"),
        ({"schemaTrackingLocation": "/x"}, "column mapping"),
        ({"readChangeFeed": "true"}, "DELTA_MISSING_CHANGE_DATA"),
    ],
)
def test_options_are_checked_before_anything_runs(spark, add, path, options, problem):
    add((1, "a"))
    with pytest.raises(PySparkException, match=problem):
        spark.readStream.format("delta").options(**options).load(path).printSchema()


def test_a_folder_without_a_table(spark, tmp_path):
    with pytest.raises(AnalysisException, match="DELTA_SCHEMA_NOT_SET"):
        spark.readStream.format("delta").load(f"{tmp_path}/nothing").printSchema()


def test_commits_that_the_log_lost_are_an_error_or_skipped(add, tail, path):
    for i in range(2):
        add((i, "a"))
    tail()
    for i in range(2, 5):
        add((i, "a"))
    log = DeltaLog.open(path)
    log.write_checkpoint(log.existing(), 0)
    for version in range(4):
        log.file_system.delete(log.commit_path(version))
    with pytest.raises(StreamingQueryException, match="DELTA_MISSING_FILES_UNEXPECTED_VERSION"):
        tail()
    assert tail(failOnDataLoss=False)[1] == [(0, "a"), (1, "a"), (4, "a")]
