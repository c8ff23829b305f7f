"""Which columns carry the watermark: an attribute under whatever name, never a computed value."""

import pytest
from pyspark.sql.connect import functions as F
from pyspark.sql.connect.proto import SQL

from cauce.plan.event_time import event_times
from cauce.plan.sql import parse_query
from cauce.plan.windows import rewrite_windows

TEN_SECONDS = 10_000


@pytest.fixture(scope="module")
def clicks(spark):
    df = spark.sql("SELECT timestamp'2020-01-01 00:00:01' AS ts, 'a' AS k, named_struct('ts', 1) AS st")
    return df.withWatermark("ts", "10 seconds").alias("clicks")


@pytest.fixture(scope="module")
def users(spark):
    return spark.sql("SELECT 'a' AS k, timestamp'2020-01-01 00:00:01' AS ts").alias("users")


@pytest.fixture
def carried(plan_of):
    def event_times_of(df, columns=("ts", "k", "st")):
        return event_times(plan_of(df), {}, lambda relation: list(columns))

    return event_times_of


WINDOW = F.window("ts", "5 seconds")

KEPT = {
    "the column": (lambda df: df, ["ts"]),
    "select": (lambda df: df.select("k", "ts"), ["ts"]),
    "select of the frame's own column": (lambda df: df.select(df.ts), ["ts"]),
    "qualified": (lambda df: df.select(F.col("clicks.ts")), ["ts"]),
    "alias": (lambda df: df.select(F.col("ts").alias("time")), ["time"]),
    "alias twice": (lambda df: df.select("ts", F.col("ts").alias("time")), ["ts", "time"]),
    "selectExpr": (lambda df: df.selectExpr("ts AS time", "k"), ["time"]),
    "star": (lambda df: df.select("*", F.lit(1).alias("one")), ["ts"]),
    "star in text": (lambda df: df.selectExpr("*", "1 AS one"), ["ts"]),
    "star of the table": (lambda df: df.select("clicks.*"), ["ts"]),
    "letter case": (lambda df: df.select("TS"), ["TS"]),
    "withColumn": (lambda df: df.withColumn("time", F.col("ts")), ["ts", "time"]),
    "withColumn over it": (lambda df: df.withColumn("ts", F.col("ts")), ["ts"]),
    "withColumnRenamed": (lambda df: df.withColumnRenamed("ts", "time"), ["time"]),
    "toDF": (lambda df: df.toDF("time", "a", "b"), ["time"]),
    "filter": (lambda df: df.where("k = 'a'"), ["ts"]),
    "dropDuplicates": (lambda df: df.dropDuplicates(["k", "ts"]), ["ts"]),
    "drop of another": (lambda df: df.drop("k"), ["ts"]),
    "union with plain rows": (lambda df: df.union(df.sparkSession.table("t")), ["ts"]),
    "window": (lambda df: df.select(WINDOW), ["window"]),
    "window under another name": (lambda df: df.select(WINDOW.alias("w")), ["w"]),
    "window in text": (lambda df: df.selectExpr("window(ts, '5 seconds') AS w"), ["w"]),
    "window_time": (lambda df: df.select(WINDOW).select(F.window_time("window").alias("t")), ["t"]),
    "session_window": (lambda df: df.select(F.session_window("ts", "5 seconds")), ["session_window"]),
    "group by": (lambda df: df.groupBy("ts", "k").count(), ["ts"]),
    "group by window": (lambda df: df.groupBy(WINDOW, "k").count(), ["window"]),
    "a second watermark on another column": (
        lambda df: df.withColumn("u", F.current_timestamp()).withWatermark("u", "10 seconds"),
        ["ts", "u"],
    ),
}

LOST = {
    "arithmetic": lambda df: df.select((F.col("ts") + F.expr("INTERVAL 1 SECOND")).alias("ts")),
    "cast": lambda df: df.select(F.col("ts").cast("timestamp_ntz").alias("ts")),
    "withColumn computes it": lambda df: df.withColumn("ts", F.date_trunc("minute", "ts")),
    "drop": lambda df: df.drop("ts"),
    "a field of a struct with its name": lambda df: df.select(F.col("st.ts")),
    "star of a struct": lambda df: df.select("st.*"),
    "window's start": lambda df: df.select(WINDOW.start.alias("ts")),
    "max": lambda df: df.groupBy("k").agg(F.max("ts").alias("ts")),
}


@pytest.mark.parametrize("case", KEPT)
def test_carried_on(clicks, carried, case):
    change, expected = KEPT[case]
    assert carried(change(clicks)) == dict.fromkeys(expected, TEN_SECONDS)


@pytest.mark.parametrize("case", LOST)
def test_lost(clicks, carried, case):
    assert carried(LOST[case](clicks)) == {}


def test_windows_keep_it_after_they_were_rewritten(clicks, plan_of, session):
    for df in (
        clicks.groupBy(WINDOW).count(),
        clicks.groupBy(F.window("ts", "5 seconds", "1 second")).count(),
    ):
        relation = rewrite_windows(plan_of(df))
        assert event_times(relation, {}, lambda _: []) == {"window": TEN_SECONDS}


def test_a_join_tells_the_two_sides_apart(clicks, users, carried):
    joined = clicks.join(users, F.expr("clicks.k = users.k"))
    assert carried(joined.select(F.col("clicks.ts").alias("time"))) == {"time": TEN_SECONDS}
    assert carried(joined.select(F.col("users.ts").alias("time"))) == {}
    assert carried(joined.select(clicks.ts.alias("time"))) == {"time": TEN_SECONDS}
    assert carried(joined.select(users.ts.alias("time"))) == {}
    assert carried(joined.select("users.*")) == {}


def test_a_semi_join_keeps_only_its_left_side(clicks, users, carried):
    assert carried(users.join(clicks, F.expr("clicks.k = users.k"), "left_semi")) == {}
    assert carried(clicks.join(users, F.expr("clicks.k = users.k"), "left_semi")) == {"ts": TEN_SECONDS}


def test_a_watermark_in_sql():
    query = """
        SELECT w.start AS start, w FROM (
          SELECT window(e.ts, '5 seconds') AS w FROM STREAM t WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS e)
    """
    assert event_times(parse_query(SQL(query=query)), {}, lambda _: []) == {"w": TEN_SECONDS}
