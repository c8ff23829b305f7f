"""Sessions of a batch: rows closer than their gap are one, also if they only touch."""

import datetime as dt

import pytest
from pyspark.sql.connect import functions as F

from cauce.plan.sessions import merge_sessions
from cauce.plan.windows import rewrite_windows


@pytest.fixture
def sessions(spark, plan_of, session):
    spark.conf.set("spark.sql.session.timeZone", "UTC")

    def run(rows, gap, *keys):
        df = spark.createDataFrame(rows, "k string, s int").withColumn("ts", F.timestamp_seconds("s"))
        df = df.groupBy(F.session_window("ts", gap), *keys).agg(F.count("*").alias("n"))
        relation = merge_sessions(rewrite_windows(plan_of(df), session.schema))
        return sorted(
            (*(_seconds(value) for value in row["session_window"].values()), row["n"])
            for row in session.run(relation).to_pylist()
        )

    return run


def _seconds(moment):
    return int(moment.replace(tzinfo=dt.UTC).timestamp())


def test_telling_case_35(sessions):
    assert sessions([("spark", 40)], "10 seconds", "k") == [(40, 50, 1)]
    assert sessions([("spark", 40), ("spark", 25)], "10 seconds", "k") == [(25, 35, 1), (40, 50, 1)]
    assert sessions([("spark", 40), ("spark", 25), ("spark", 30)], "10 seconds", "k") == [(25, 50, 3)]


def test_telling_case_38(sessions):
    assert sessions([("a", 10), ("a", 15), ("a", 21)], "5 seconds", "k") == [(10, 20, 2), (21, 26, 1)]


def test_telling_case_37_a_gap_of_the_row_s_own(sessions):
    gap = F.when(F.col("s") < 40, "-10 seconds").otherwise("1 second")
    assert sessions([("a", 10), ("a", 40), ("a", 41)], gap, "k") == [(40, 42, 2)]


def test_a_long_session_swallows_the_short_ones_inside_it(sessions):
    gap = F.when(F.col("s") == 10, "100 seconds").otherwise("1 second")
    assert sessions([("a", 10), ("a", 20), ("a", 30), ("a", 200)], gap, "k") == [(10, 110, 3), (200, 201, 1)]


def test_groups_have_sessions_of_their_own(sessions):
    rows = [("a", 10), ("b", 12), ("a", 13), ("b", 30)]
    assert sessions(rows, "5 seconds", "k") == [(10, 18, 2), (12, 17, 1), (30, 35, 1)]


def test_a_session_without_another_key(sessions):
    assert sessions([("a", 10), ("b", 12), ("a", 30)], "5 seconds") == [(10, 17, 2), (30, 35, 1)]


def test_names_and_aggregates_over_the_session(spark, plan_of, session):
    df = spark.sql("SELECT 'a' AS k, timestamp'1970-01-01 00:00:10' AS ts")
    df = df.groupBy("k", F.session_window("ts", "5 seconds")).agg(F.max("session_window.end"), F.count("*"))
    table = session.run(merge_sessions(rewrite_windows(plan_of(df), session.schema)))
    assert table.column_names == ["k", "session_window", "max(session_window.end)", "count(1)"]
    assert _seconds(table.column(2)[0].as_py()) == 15


def test_other_plans_are_left_alone(spark, plan_of):
    relation = plan_of(spark.table("t").groupBy("k").count())
    assert merge_sessions(relation) is relation
