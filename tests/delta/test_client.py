"""`from delta.tables import DeltaTable`: Delta Lake's own client, unmodified, over Connect."""

import threading

import pytest
from pyspark.errors import AnalysisException, PySparkException, UnsupportedOperationException
from pyspark.sql import functions as F

from cauce.delta.log import DeltaLog
from tests.delta.conftest import operations

delta = pytest.importorskip("delta", reason="cauce install delta-client brings it")
from delta.exceptions.base import ConcurrentAppendException  # noqa: E402
from delta.tables import DeltaTable  # noqa: E402

USERS = "user_id string, name string, purchases int"


@pytest.fixture
def users(spark, path):
    frame = spark.createDataFrame([("user_123", "Ana", 5), ("user_9", "Bob", 1)], USERS)
    frame.write.format("delta").save(path)
    return DeltaTable.forPath(spark, path)


def rows(table):
    return sorted(tuple(row) for row in table.toDF().collect())


def test_upsert_keeps_what_the_update_does_not_name(spark, users):
    updates = spark.createDataFrame([("user_123", 6), ("user_456", 1)], "user_id string, purchases int")
    result = (
        users.alias("t")
        .merge(updates.alias("s"), "t.user_id = s.user_id")
        .whenMatchedUpdate(set={"purchases": "s.purchases"})
        .whenNotMatchedInsert(values={"user_id": "s.user_id", "purchases": F.col("s.purchases")})
        .execute()
    )
    assert result.collect() == [(2, 1, 0, 1)]
    assert rows(users) == [("user_123", "Ana", 6), ("user_456", None, 1), ("user_9", "Bob", 1)]


def test_clauses_are_tried_in_order(spark, users):
    source = spark.createDataFrame([("user_123", "A", 9), ("new", "N", 0), ("other", "O", 7)], USERS)
    result = (
        users.alias("t")
        .merge(source.alias("s"), F.expr("t.user_id = s.user_id"))
        .whenMatchedDelete("s.purchases > 8")
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll("s.purchases > 0")
        .whenNotMatchedBySourceUpdate("t.purchases > 100", {"name": "'rich'"})
        .whenNotMatchedBySourceUpdate(set={"name": "upper(name)"})
        .execute()
    )
    assert result.collect() == [(3, 1, 1, 1)]
    assert rows(users) == [("other", "O", 7), ("user_9", "BOB", 1)]


def test_two_source_rows_for_one_row_are_refused(spark, users):
    source = spark.createDataFrame([("user_9", 1), ("user_9", 2)], "user_id string, purchases int")
    merge = users.alias("t").merge(source.alias("s"), "t.user_id = s.user_id")
    with pytest.raises(UnsupportedOperationException, match="multiple source rows matched"):
        merge.whenMatchedUpdate(set={"purchases": "s.purchases"}).execute()
    assert users.alias("t").merge(source.alias("s"), "t.user_id = s.user_id").whenMatchedDelete().execute()
    assert rows(users) == [("user_123", "Ana", 5)]


def test_schema_evolution_in_a_merge(spark, users):
    source = spark.createDataFrame([("user_9", "DE"), ("new", "FR")], "user_id string, country string")
    merge = users.alias("t").merge(source.alias("s"), "t.user_id = s.user_id").withSchemaEvolution()
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
    assert sorted(map(tuple, users.toDF().select("user_id", "purchases", "country").collect()), key=str) == [
        ("new", None, "FR"),
        ("user_123", 5, None),
        ("user_9", 1, "DE"),
    ]


def test_update_and_delete(spark, users):
    assert users.update("user_id = 'user_9'", {"name": "upper(name)"}).collect() == [(1,)]
    assert users.update(set={"purchases": F.col("purchases") + 1}).collect() == [(2,)]
    assert users.delete(F.col("purchases") > 5).collect() == [(1,)]
    assert rows(users) == [("user_9", "BOB", 2)]
    assert users.delete("user_id = 'nobody'").collect() == [(0,)]
    assert users.delete().collect() == [(1,)]
    assert rows(users) == []
    with pytest.raises(AnalysisException, match="DELTA_MISSING_SET_COLUMN"):
        users.update(set={"nothing": "1"})


def test_upserts_in_foreach_batch(spark, users, tmp_path, path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.json").write_text(
        '{"user_id": "user_123", "purchases": 6}\n{"user_id": "user_456"}'
    )

    def upsert(batch, batch_id):
        table = DeltaTable.forPath(batch.sparkSession, path)
        merge = table.alias("t").merge(batch.alias("s"), "t.user_id = s.user_id")
        merge = merge.whenMatchedUpdate(set={"purchases": "s.purchases"})
        merge.whenNotMatchedInsert(values={"user_id": "s.user_id"}).execute()

    stream = spark.readStream.schema("user_id string, purchases int").json(f"{tmp_path}/in")
    query = stream.writeStream.foreachBatch(upsert).option("checkpointLocation", f"{tmp_path}/c")
    query.trigger(availableNow=True).start().awaitTermination()
    assert rows(users) == [("user_123", "Ana", 6), ("user_456", None, None), ("user_9", "Bob", 1)]


def test_debezium_changes_in_order(spark, tmp_path, path):
    spark.createDataFrame([], "id long, name string").write.format("delta").save(path)
    changes = [
        '{"op": "c", "ts": 1, "after": {"id": 1, "name": "a"}}',
        '{"op": "c", "ts": 2, "after": {"id": 2, "name": "b"}}',
        '{"op": "u", "ts": 3, "before": {"id": 1}, "after": {"id": 1, "name": "z"}}',
        '{"op": "d", "ts": 4, "before": {"id": 2}}',
        '{"op": "c", "ts": 5, "after": {"id": 3, "name": "日本"}}',
    ]
    (tmp_path / "in").mkdir()
    for number, lines in enumerate((changes[:2], changes[2:])):
        (tmp_path / "in" / f"{number}.json").write_text("\n".join(lines))

    def apply(batch, batch_id):
        keyed = batch.withColumn("id", F.coalesce("after.id", "before.id"))
        last = keyed.groupBy("id").agg(F.max_by(F.struct("op", "after.name"), "ts").alias("last"))
        source = last.select("id", "last.op", "last.name").alias("s")
        merge = DeltaTable.forPath(batch.sparkSession, path).alias("t").merge(source, "t.id = s.id")
        merge = merge.whenMatchedDelete("s.op = 'd'").whenMatchedUpdate(set={"name": "s.name"})
        merge.whenNotMatchedInsert("s.op != 'd'", {"id": "s.id", "name": "s.name"}).execute()

    row = "struct<id: long, name: string>"
    stream = spark.readStream.schema(f"op string, ts long, before {row}, after {row}")
    query = stream.option("maxFilesPerTrigger", 1).json(f"{tmp_path}/in").writeStream.foreachBatch(apply)
    query.option("checkpointLocation", f"{tmp_path}/c").trigger(availableNow=True).start().awaitTermination()
    assert rows(DeltaTable.forPath(spark, path)) == [(1, "z"), (3, "日本")]


def test_writes_of_an_application_happen_once(spark, path):
    frame = spark.range(2)
    for version in (0, 1, 1, 0):
        writer = frame.write.format("delta").mode("append").option("txnAppId", "job")
        writer.option("txnVersion", version).save(path)
    assert spark.read.format("delta").load(path).count() == 4
    with pytest.raises(PySparkException, match="DELTA_INVALID_IDEMPOTENT_WRITES_OPTIONS"):
        frame.write.format("delta").mode("append").option("txnAppId", "job").save(path)


def test_history_and_detail(users, path):
    users.delete("user_id = 'user_9'")
    newest, oldest = users.history().collect()
    assert (newest.version, newest.operation, newest.operationMetrics["numDeletedRows"]) == (1, "DELETE", "1")
    assert (oldest.operation, oldest.operationParameters["mode"]) == ("WRITE", "Append")
    assert users.history(1).count() == 1
    [detail] = users.detail().collect()
    assert (detail.format, detail.location, detail.numFiles) == ("delta", f"file:{path}", 1)
    assert detail.tableFeatures == ["appendOnly", "invariants"]


def test_restore(users):
    users.delete()
    [metrics] = users.restoreToVersion(0).collect()
    assert metrics.num_restored_files == 1
    assert len(rows(users)) == 2
    with pytest.raises(PySparkException, match="DELTA_CANNOT_RESTORE_TABLE_VERSION"):
        users.restoreToVersion(99)
    with pytest.raises(PySparkException, match="DELTA_CANNOT_RESTORE_TIMESTAMP_EARLIER"):
        users.restoreToTimestamp("2000-01-01")


def test_optimize_changes_no_rows(spark, users, path):
    for i in range(3):
        spark.createDataFrame([(f"u{i}", "x", i)], USERS).write.format("delta").mode("append").save(path)
    before = rows(users)
    [result] = users.optimize().executeCompaction().collect()
    assert (result.metrics.numFilesRemoved, result.metrics.numFilesAdded) == (4, 1)
    users.optimize().executeZOrderBy("purchases", "user_id")
    assert rows(users) == before
    with pytest.raises(AnalysisException, match="DELTA_ZORDERING_COLUMN_DOES_NOT_EXIST"):
        users.optimize().executeZOrderBy("nothing")


def test_optimize_of_some_partitions(spark, path):
    for i in range(2):
        frame = spark.createDataFrame([(i, "a"), (i, "b")], "id int, k string")
        frame.write.format("delta").partitionBy("k").mode("append").save(path)
    table = DeltaTable.forPath(spark, path)
    [result] = table.optimize().where("k = 'a'").executeCompaction().collect()
    assert result.metrics.numFilesRemoved == 2
    assert len(DeltaLog.open(path).existing().files) == 3
    assert rows(table) == [(0, "a"), (0, "b"), (1, "a"), (1, "b")]


def test_vacuum_deletes_only_what_no_version_needs(spark, users, path, tmp_path):
    users.delete("user_id = 'user_9'")
    with pytest.raises(PySparkException, match="DELTA_VACUUM_RETENTION_PERIOD_TOO_SHORT"):
        users.vacuum(0)
    files = len(list((tmp_path / "table").glob("*.parquet")))
    users.vacuum()
    assert len(list((tmp_path / "table").glob("*.parquet"))) == files == 2
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    users.vacuum(0)
    assert len(rows(users)) == 1


def test_tables_made_by_the_builder(spark, tmp_path):
    location = f"{tmp_path}/made"

    def builder(start):
        return start.tableName("made_here").location(location).addColumn("id", "BIGINT", nullable=False)

    table = (
        builder(DeltaTable.create(spark))
        .addColumn("ts", "TIMESTAMP", comment="when")
        .addColumn("day", "DATE", generatedAlwaysAs="CAST(ts AS DATE)")
        .partitionedBy("day")
        .property("delta.enableChangeDataFeed", "true")
        .execute()
    )
    spark.sql("SELECT 1L AS id, TIMESTAMP '2024-02-29 10:00:00' AS ts").write.format("delta").mode(
        "append"
    ).saveAsTable("made_here")
    assert [str(row.day) for row in table.toDF().collect()] == ["2024-02-29"]
    assert DeltaTable.forName(spark, "made_here").detail().collect()[0].partitionColumns == ["day"]
    with pytest.raises(AnalysisException, match="DELTA_TABLE_ALREADY_EXISTS"):
        builder(DeltaTable.create(spark)).execute()
    builder(DeltaTable.createIfNotExists(spark)).execute()
    builder(DeltaTable.createOrReplace(spark)).execute()
    assert spark.read.format("delta").load(location).columns == ["id"]


def test_identity_columns_count_on(spark, path):
    from delta.tables import IdentityGenerator

    builder = DeltaTable.create(spark).location(path)
    builder = builder.addColumn("k", "BIGINT", generatedAlwaysAs=IdentityGenerator(start=10, step=5))
    table = builder.addColumn("v", "STRING").execute()
    for value in "ab":
        spark.createDataFrame([(value,)], "v string").write.format("delta").mode("append").save(path)
    assert rows(table) == [(10, "a"), (15, "b")]


def test_clone_and_convert(spark, users, tmp_path):
    users.clone(f"{tmp_path}/clone", True)
    assert len(rows(DeltaTable.forPath(spark, f"{tmp_path}/clone"))) == 2
    spark.createDataFrame([(1, "a"), (2, "b")], "id long, k string").write.partitionBy("k").parquet(
        f"{tmp_path}/pq"
    )
    table = DeltaTable.convertToDelta(spark, f"parquet.`{tmp_path}/pq`", "k string")
    assert rows(table) == [(1, "a"), (2, "b")]
    assert DeltaTable.isDeltaTable(spark, f"{tmp_path}/pq")
    assert not DeltaTable.isDeltaTable(spark, f"{tmp_path}/nothing")


def test_protocol_and_manifest(users, path, tmp_path):
    users.upgradeTableProtocol(1, 3)
    users.addFeatureSupport("deletionVectors")
    protocol = DeltaLog.open(path).existing().protocol
    assert (protocol.min_reader, protocol.min_writer) == (3, 7)
    assert {"deletionVectors", "appendOnly", "checkConstraints"} <= protocol.writer_features
    with pytest.raises(PySparkException, match="DELTA_FEATURE_DROP_NONREMOVABLE_FEATURE"):
        users.dropFeatureSupport("deletionVectors")
    users.generate("symlink_format_manifest")
    manifest = (tmp_path / "table" / "_symlink_format_manifest" / "manifest").read_text()
    assert manifest.strip().startswith(f"file://{path}/part-")


def test_the_change_feed_tells_before_and_after(spark, path, tmp_path):
    frame = spark.createDataFrame([(1, "a"), (2, "b")], "id long, name string")
    frame.write.format("delta").option("delta.enableChangeDataFeed", "true").save(path)
    table = DeltaTable.forPath(spark, path)
    table.update("id = 1", {"name": "'z'"})
    table.delete("id = 2")
    feed = spark.read.format("delta").option("readChangeFeed", True).option("startingVersion", 0).load(path)
    changes = feed.orderBy("_commit_version", "_change_type", "id").drop("_commit_timestamp").collect()
    assert changes == [
        (1, "a", "insert", 0),
        (2, "b", "insert", 0),
        (1, "z", "update_postimage", 1),
        (1, "a", "update_preimage", 1),
        (2, "b", "delete", 2),
    ]
    stream = spark.readStream.format("delta").option("readChangeFeed", True).option("startingVersion", 1)
    kept = (
        stream.load(path).where("_change_type = 'update_postimage'").select("id", "name", "_commit_version")
    )
    query = kept.writeStream.format("delta").option("checkpointLocation", f"{tmp_path}/c")
    query.trigger(availableNow=True).start(f"{tmp_path}/log").awaitTermination()
    assert spark.read.format("delta").load(f"{tmp_path}/log").collect() == [(1, "z", 1)]


def test_a_lost_race_is_deltas_own_exception(spark, users, path, monkeypatch):
    from cauce.delta.transaction import Transaction

    commit, first = Transaction.commit, threading.Event()

    def slow(transaction, operation):
        if operation.name == "UPDATE" and not first.is_set():
            first.set()
            users.delete("user_id = 'user_123'")
        return commit(transaction, operation)

    monkeypatch.setattr(Transaction, "commit", slow)
    with pytest.raises(ConcurrentAppendException, match="DELTA_CONCURRENT_APPEND"):
        users.update("user_id = 'user_123'", {"purchases": "0"})
    assert operations(path) == ["WRITE", "DELETE"]


def test_a_table_that_is_not_there(spark, tmp_path):
    with pytest.raises(AnalysisException, match="Path does not exist"):
        DeltaTable.forPath(spark, f"{tmp_path}/nothing").toDF().collect()
    with pytest.raises(AnalysisException, match="DELTA_TABLE_NOT_FOUND|not a Delta table|doesn't exist"):
        DeltaTable.forName(spark, "nothing_here").delete()
