"""The current time of a batch: the logged timestamp, wherever it is asked for, under the same names."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql.connect import functions as F
from pyspark.sql.connect.proto import Relation

from cauce.plan.time import BatchTime

NEW_YEAR_MS = 1_577_836_800_123  # 2020-01-01 00:00:00.123 UTC


@pytest.fixture
def run_at(session, plan_of):
    def run(df, timestamp_ms=NEW_YEAR_MS, zone="UTC"):
        relation = Relation()
        relation.CopyFrom(plan_of(df))
        time = BatchTime.bind(relation, zone)
        assert time is not None
        time.set(timestamp_ms)
        return session.run(relation)

    return run


@pytest.fixture(scope="module")
def one(spark):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return spark.sql("SELECT 1 AS a")


def test_every_function_gives_the_batch_s_time(one, run_at):
    table = run_at(
        one.select(F.current_timestamp(), F.now(), F.localtimestamp(), F.current_date(), F.unix_timestamp())
    )
    moment = dt.datetime(2020, 1, 1, 0, 0, 0, 123_000)
    row = [
        value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value
        for value in table.to_pylist()[0].values()
    ]
    assert row == [moment, moment, moment, moment.date(), 1_577_836_800]
    assert table.column_names == [
        "current_timestamp()",
        "now()",
        "localtimestamp()",
        "current_date()",
        "unix_timestamp(current_timestamp(), yyyy-MM-dd HH:mm:ss)",
    ]


def test_it_is_found_inside_expressions_conditions_and_text(one, run_at):
    df = one.where("current_date() = date'2020-01-01'").withColumn("t", F.expr("year(current_timestamp())"))
    df = df.select("t", F.expr("year(now()) + 1"), F.when(F.current_date() > "2019-01-01", "late").alias("w"))
    table = run_at(df)
    assert [tuple(row.values()) for row in table.to_pylist()] == [(2020, 2021, "late")]
    assert table.column_names == ["t", "(year(now()) + 1)", "w"]


def test_the_date_and_the_wall_clock_are_the_session_zone_s(one, run_at):
    row = run_at(one.select(F.current_date(), F.localtimestamp()), zone="America/New_York").to_pylist()[0]
    wall_clock = dt.datetime.fromtimestamp(NEW_YEAR_MS // 1000, ZoneInfo("America/New_York")).replace(
        tzinfo=None
    )
    assert list(row.values()) == [dt.date(2019, 12, 31), wall_clock.replace(microsecond=123_000)]


def test_the_next_batch_only_sets_the_literals(one, plan_of, session):
    relation = Relation()
    relation.CopyFrom(plan_of(one.select(F.unix_timestamp().alias("t"))))
    time = BatchTime.bind(relation, "UTC")
    seen = []
    for timestamp_ms in (1_000, 2_000):
        time.set(timestamp_ms)
        seen += session.run(relation).column("t").to_pylist()
    assert seen == [1, 2]


def test_a_plan_that_does_not_ask_costs_nothing(one, plan_of):
    df = one.select("a", F.unix_timestamp(F.lit("2020-01-01"), "yyyy-MM-dd"), F.expr("'now()' AS text"))
    assert BatchTime.bind(plan_of(df), "UTC") is None
