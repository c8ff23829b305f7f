"""SQL about Delta tables: maintenance, history, properties, constraints, and changed rows."""

import pytest
from pyspark.errors import AnalysisException, PySparkException

from tests.delta.conftest import operations


@pytest.fixture
def table(spark, path):
    frame = spark.createDataFrame([(1, "a"), (2, "b"), (3, None)], "id long, name string")
    frame.write.format("delta").option("delta.enableChangeDataFeed", "true").save(path)
    spark.sql(f"CREATE TABLE IF NOT EXISTS named USING delta LOCATION '{path}'")
    yield f"delta.`{path}`"
    spark.sql("DROP TABLE IF EXISTS named")


def stored(spark, table):
    return sorted((tuple(row) for row in spark.sql(f"SELECT * FROM {table}").collect()), key=str)


def test_update_delete_and_merge(spark, table, path):
    assert spark.sql(f"UPDATE {table} SET name = upper(name) WHERE id IN (1, 3)").collect() == [(2,)]
    assert spark.sql("DELETE FROM named AS n WHERE n.id = 3").collect() == [(1,)]
    merged = spark.sql(
        f"""MERGE INTO {table} AS t
            USING (SELECT 1L AS id, 'm' AS name UNION ALL SELECT 9L, 'n') AS s
            ON t.id = s.id
            WHEN MATCHED AND s.name = 'm' THEN UPDATE SET name = concat(t.name, s.name)
            WHEN NOT MATCHED THEN INSERT *
            WHEN NOT MATCHED BY SOURCE THEN DELETE"""
    )
    assert merged.collect() == [(3, 1, 1, 1)]
    assert stored(spark, table) == [(1, "Am"), (9, "n")]
    assert operations(path) == ["WRITE", "UPDATE", "DELETE", "MERGE"]
    feed = spark.read.format("delta").option("readChangeFeed", True).option("startingVersion", 3).load(path)
    assert sorted(row._change_type for row in feed.collect()) == [
        "delete",
        "insert",
        "update_postimage",
        "update_preimage",
    ]


def test_insert_by_path(spark, table):
    spark.sql(f"INSERT INTO {table} VALUES (4, 'd'), (5, NULL)")
    spark.sql(f"INSERT INTO {table} (name) SELECT 'only'")
    assert stored(spark, table)[-2:] == [(5, None), (None, "only")]
    spark.sql(f"INSERT OVERWRITE {table} VALUES (1, 'a')")
    assert stored(spark, table) == [(1, "a")]


def test_a_condition_on_no_rows_is_checked_too(spark, table):
    spark.sql(f"DELETE FROM {table}")
    with pytest.raises(AnalysisException, match="nothing_such"):
        spark.sql(f"DELETE FROM {table} WHERE nothing_such = 1")


def test_merge_with_schema_evolution(spark, table):
    spark.sql(
        f"""MERGE WITH SCHEMA EVOLUTION INTO {table} t USING (SELECT 1L AS id, 'DE' AS country) s
            ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"""
    )
    assert stored(spark, table) == [(1, "a", "DE"), (2, "b", None), (3, None, None)]


def test_history_detail_restore_and_time_travel(spark, table, path):
    spark.sql(f"DELETE FROM {table}")
    assert [row.operation for row in spark.sql(f"DESCRIBE HISTORY {table}").collect()] == ["DELETE", "WRITE"]
    assert spark.sql("DESCRIBE HISTORY named LIMIT 1").count() == 1
    assert spark.sql(f"DESCRIBE DETAIL '{path}'").collect()[0].numFiles == 0
    assert spark.sql(f"SELECT count(*) FROM {table} VERSION AS OF 0").collect() == [(3,)]
    assert spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF 0").collect()[0].num_restored_files == 1
    assert len(stored(spark, table)) == 3


def test_optimize_and_vacuum(spark, table, path):
    spark.createDataFrame([(4, "d")], "id long, name string").write.format("delta").mode("append").save(path)
    assert spark.sql(f"OPTIMIZE {table}").collect()[0].metrics.numFilesAdded == 1
    spark.sql(f"OPTIMIZE {table} ZORDER BY (id, name)")
    assert len(stored(spark, table)) == 4
    assert spark.sql(f"VACUUM {table} RETAIN 168 HOURS DRY RUN").collect() == []
    with pytest.raises(PySparkException, match="DELTA_VACUUM_RETENTION_PERIOD_TOO_SHORT"):
        spark.sql(f"VACUUM {table} RETAIN 0 HOURS")
    assert spark.sql("VACUUM named").collect() == [(f"file:{path}",)]


def test_constraints(spark, table):
    spark.sql(f"ALTER TABLE {table} ADD CONSTRAINT positive CHECK (id > 0)")
    row = spark.createDataFrame([(-1, "x")], "id long, name string")
    with pytest.raises(PySparkException, match=r"CHECK constraint positive \(id > 0\) violated by row"):
        row.write.format("delta").mode("append").save(table[7:-1])
    with pytest.raises(PySparkException, match="CHECK constraint positive"):
        spark.sql(f"UPDATE {table} SET id = -5 WHERE id = 1")
    with pytest.raises(AnalysisException, match="DELTA_CONSTRAINT_ALREADY_EXISTS"):
        spark.sql(f"ALTER TABLE {table} ADD CONSTRAINT positive CHECK (id > 0)")
    with pytest.raises(PySparkException, match="DELTA_NEW_CHECK_CONSTRAINT_VIOLATION"):
        spark.sql(f"ALTER TABLE {table} ADD CONSTRAINT named_all CHECK (name IS NOT NULL)")
    spark.sql(f"ALTER TABLE {table} DROP CONSTRAINT positive")
    spark.sql(f"UPDATE {table} SET id = -5 WHERE id = 1")


def test_properties_and_columns(spark, table):
    spark.sql("ALTER TABLE named SET TBLPROPERTIES ('delta.appendOnly' = 'true', my.own = '1')")
    shown = {row.key: row.value for row in spark.sql("SHOW TBLPROPERTIES named").collect()}
    assert (shown["delta.appendOnly"], shown["my.own"]) == ("true", "1")
    with pytest.raises(PySparkException, match="DELTA_CANNOT_MODIFY_APPEND_ONLY"):
        spark.sql(f"DELETE FROM {table}")
    spark.sql("ALTER TABLE named UNSET TBLPROPERTIES ('delta.appendOnly')")
    spark.sql("ALTER TABLE named ADD COLUMNS (more INT)")
    assert (1, "a", None) in stored(spark, table)
    with pytest.raises(AnalysisException, match="DELTA_UNKNOWN_CONFIGURATION"):
        spark.sql("ALTER TABLE named SET TBLPROPERTIES ('delta.nothing' = '1')")


def test_clone_and_convert(spark, table, tmp_path):
    spark.sql(f"CREATE TABLE delta.`{tmp_path}/clone` SHALLOW CLONE {table}")
    assert spark.read.format("delta").load(f"{tmp_path}/clone").count() == 3
    spark.range(2).write.parquet(f"{tmp_path}/files")
    spark.sql(f"CONVERT TO DELTA parquet.`{tmp_path}/files`")
    assert spark.read.format("delta").load(f"{tmp_path}/files").count() == 2


def test_tables_of_other_formats_stay_the_engines(spark, tmp_path):
    with pytest.raises(AnalysisException, match="DELTA_TABLE_NOT_FOUND"):
        spark.sql("OPTIMIZE no_such_table")


def test_create_table_with_properties(spark, tmp_path):
    spark.sql(
        f"""CREATE TABLE made_by_sql (id BIGINT NOT NULL COMMENT 'key', day DATE) USING delta
            PARTITIONED BY (day) LOCATION '{tmp_path}/made'
            TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true', 'my.own' = 'x')"""
    )
    spark.sql("INSERT INTO made_by_sql VALUES (1, DATE '2024-02-29')")
    spark.sql("UPDATE made_by_sql SET id = 2")
    assert [tuple(map(str, row)) for row in spark.table("made_by_sql").collect()] == [("2", "2024-02-29")]
    shown = {row.key for row in spark.sql("SHOW TBLPROPERTIES made_by_sql").collect()}
    assert {"delta.enableChangeDataFeed", "my.own"} <= shown
    spark.sql("DROP TABLE made_by_sql")


def test_table_changes(spark, table, path):
    spark.sql(f"UPDATE {table} SET name = 'it''s' WHERE id = 1")
    spark.sql(f"DELETE FROM {table} WHERE id = 2")
    deleted = spark.sql("SELECT c.id FROM table_changes('named', 1, 2) AS c WHERE _change_type = 'delete'")
    assert deleted.collect() == [(2,)]
    joined = spark.sql(
        f"""WITH feed AS (SELECT * FROM table_changes_by_path('{path}', 0))
            SELECT n.id, count(*) FROM named n JOIN feed ON n.id = feed.id GROUP BY n.id ORDER BY n.id"""
    )
    assert joined.collect() == [(1, 3), (3, 1)]
    assert spark.sql("SELECT * FROM table_changes('named', '2020-01-01')").columns[-3:] == [
        "_change_type",
        "_commit_version",
        "_commit_timestamp",
    ]
    with pytest.raises(PySparkException, match="DELTA_CDC_START_VERSION_AFTER_LATEST|Start version 9"):
        spark.sql("SELECT * FROM table_changes('named', 9)").collect()
    with pytest.raises(PySparkException, match="nowhere"):
        spark.sql("SELECT * FROM table_changes('nowhere', 0)").collect()
