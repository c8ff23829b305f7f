"""Settings, through spark.conf and through SQL."""

import pytest
from pyspark.errors import AnalysisException, IllegalArgumentException
from pyspark.sql import SparkSession


def test_a_key_of_the_users_own_is_kept(spark):
    spark.conf.set("my.own.key", "value")

    assert spark.conf.get("my.own.key") == "value"
    assert spark.conf.getAll["my.own.key"] == "value"
    spark.conf.unset("my.own.key")
    assert spark.conf.get("my.own.key", "gone") == "gone"


def test_defaults_are_known(spark):
    assert spark.conf.get("spark.sql.shuffle.partitions") == "200"
    assert spark.conf.get("spark.sql.streaming.stopTimeout") == "0"


def test_what_can_be_set_in_a_running_session(spark):
    assert spark.conf.isModifiable("spark.sql.shuffle.partitions")
    assert spark.conf.isModifiable("spark.sql.streaming.noDataMicroBatches.enabled")
    assert not spark.conf.isModifiable("spark.sql.warehouse.dir")
    assert not spark.conf.isModifiable("my.own.key")


@pytest.mark.parametrize(
    ("key", "value", "error_class", "condition"),
    [
        ("spark.sql.warehouse.dir", "x", AnalysisException, "CANNOT_MODIFY_STATIC_CONFIG"),
        ("spark.executor.memory", "1g", AnalysisException, "CANNOT_MODIFY_CONFIG"),
        (
            "spark.sql.shuffle.partitions",
            "many",
            IllegalArgumentException,
            "INVALID_CONF_VALUE.TYPE_MISMATCH",
        ),
        ("spark.sql.session.timeZone", "Nowhere/X", IllegalArgumentException, "INVALID_CONF_VALUE.TIME_ZONE"),
    ],
)
def test_a_value_that_cannot_be_set(spark, key, value, error_class, condition):
    with pytest.raises(error_class) as raised:
        spark.conf.set(key, value)

    assert raised.value.getCondition() == condition


def test_a_builder_may_name_settings_of_a_cluster(server):
    builder = SparkSession.builder.remote(server.connection_string)
    spark = builder.config("spark.executor.memory", "1g").config("spark.sql.shuffle.partitions", "3").create()

    assert spark.conf.get("spark.sql.shuffle.partitions") == "3"
    assert spark.range(1).count() == 1
    spark.stop()


def test_sql_and_conf_set_the_same(spark):
    assert spark.sql("SET spark.sql.shuffle.partitions = 7").collect() == [
        ("spark.sql.shuffle.partitions", "7")
    ]
    assert spark.conf.get("spark.sql.shuffle.partitions") == "7"
    assert spark.sql("SET spark.sql.shuffle.partitions").collect()[0].value == "7"
    spark.sql("RESET spark.sql.shuffle.partitions")
    assert spark.conf.get("spark.sql.shuffle.partitions") == "200"
    assert spark.sql("SET no.such.key").collect()[0].value == "<undefined>"


@pytest.mark.parametrize("text", ["SET TIME ZONE 'Asia/Tokyo'", "set spark.sql.session.timeZone=Asia/Tokyo"])
def test_the_time_zone_of_a_session_is_one(spark, text):
    spark.sql(text)

    assert spark.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
    seconds = "SELECT unix_timestamp(timestamp'1970-01-01 09:00:00')"
    assert spark.sql(seconds).collect()[0][0] == 0


def test_a_table_is_cached_by_name(spark):
    spark.range(3).createOrReplaceTempView("numbers")
    spark.catalog.cacheTable("numbers")

    assert spark.catalog.isCached("numbers")
    assert spark.table("numbers").count() == 3
    spark.sql("UNCACHE TABLE numbers")
    assert not spark.catalog.isCached("numbers")


def test_caching_an_unknown_table_is_an_error(spark):
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        spark.catalog.cacheTable("missing")


def test_describe_keeps_sparks_order(spark):
    assert [row.summary for row in spark.range(5).describe().collect()] == [
        "count",
        "mean",
        "stddev",
        "min",
        "max",
    ]


def test_table_functions(spark):
    from pyspark.sql import functions as F

    assert spark.tvf.explode(F.array(F.lit(1), F.lit(2))).collect() == [(1,), (2,)]
    assert spark.tvf.range(2).collect() == [(0,), (1,)]
    assert spark.tvf.posexplode(F.array(F.lit("a"))).collect() == [(0, "a")]


def test_text_for_the_user_is_printed_by_the_client(capsys):
    from cauce.server import CauceServer

    with CauceServer() as server:
        spark = SparkSession.builder.remote(server.connection_string).create()
        spark.range(1).collect()
        [session] = server.sessions.sessions()
        session.write_to_client("Batch: 0\n+---+\n")
        assert capsys.readouterr().out == ""
        spark.range(1).collect()
        assert capsys.readouterr().out == "Batch: 0\n+---+\n"
        spark.range(1).collect()
        assert capsys.readouterr().out == ""
        spark.stop()


def test_text_for_a_user_in_this_process_is_printed_at_once(spark, server, capsys):
    spark.range(1).collect()
    [session] = [s for s in server.sessions.sessions() if s.session_id == spark.session_id]
    session.write_to_client("now\n")

    assert capsys.readouterr().out == "now\n"
