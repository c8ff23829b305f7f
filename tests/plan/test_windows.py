"""Windows: which rows fall where, in Spark's arithmetic, and what the plan looks like after the rule."""

import datetime as dt
from random import Random

import pytest
from pyspark.sql.connect import functions as F

from cauce.errors import AnalysisException, IllegalArgumentException, SparkError
from cauce.plan.printing import tree_text
from cauce.plan.windows import rewrite_windows

SECOND = 1_000_000


@pytest.fixture(scope="module")
def events(spark):
    """t: seconds since the epoch as text; ts and ntz: that moment as both timestamp types."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    moments = ["1", "4.999999", "5", "12", "-0.000001", "-5", "-5.000001", None]
    df = spark.createDataFrame([(moment, "a") for moment in moments], "t string, k string")
    us = F.expr("cast(cast(t as decimal(20,6)) * 1000000 as bigint)")
    df = df.withColumn("ts", F.timestamp_micros(us))
    return df.withColumn("ntz", F.expr("cast(ts as timestamp_ntz)"))


@pytest.fixture
def rewritten(plan_of, session):
    return lambda df: rewrite_windows(plan_of(df), session.schema)


def seconds(window: dict) -> tuple[float, float]:
    return tuple(value.replace(tzinfo=dt.UTC).timestamp() for value in window.values())


def windows_of(session, relation) -> list[tuple[float, float]]:
    return sorted(seconds(row["window"]) for row in session.run(relation).to_pylist())


@pytest.mark.parametrize("time", ["ts", "ntz"])
def test_a_row_falls_into_one_tumbling_window_also_before_1970(events, rewritten, session, time):
    relation = rewritten(events.groupBy(F.window(time, "5 seconds")).count())
    counts = {seconds(row["window"]): row["count"] for row in session.run(relation).to_pylist()}
    assert counts == {(0, 5): 2, (5, 10): 1, (10, 15): 1, (-5, 0): 2, (-10, -5): 1}


def test_the_engine_s_own_window_gives_the_same_when_types_are_unknown(events, plan_of, session):
    relation = rewrite_windows(plan_of(events.groupBy(F.window("ts", "5 seconds")).count()))
    counts = {seconds(row["window"]): row["count"] for row in session.run(relation).to_pylist()}
    assert counts == {(0, 5): 2, (5, 10): 1, (10, 15): 1, (-5, 0): 2, (-10, -5): 1}


@pytest.mark.parametrize("time", ["ts", "ntz"])
def test_a_window_has_the_type_of_its_time(events, rewritten, session, time):
    schema = session.schema(rewritten(events.select(F.window(time, "5 seconds"))))
    expected = {"ts": "timestamp", "ntz": "timestamp_ntz"}[time]
    assert schema.simpleString() == f"struct<window:struct<start:{expected},end:{expected}>>"


def test_sliding_windows_that_do_not_divide_keep_only_the_covering_ones(spark, rewritten, session):
    """Telling case 17: 12:05 with a window of 12 minutes every 5, starting at 2."""
    noon = spark.sql("select timestamp'2020-01-01 12:05:00' ts")
    relation = rewritten(noon.groupBy(F.window("ts", "12 minutes", "5 minutes", "2 minutes")).count())
    starts = sorted(row["window"]["start"].strftime("%H:%M") for row in session.run(relation).to_pylist())
    assert starts == ["11:57", "12:02"]


def test_a_row_is_repeated_for_every_sliding_window(events, rewritten, session):
    relation = rewritten(events.where("t = '12'").groupBy(F.window("ts", "10 seconds", "3 seconds")).count())
    assert windows_of(session, relation) == [(3, 13), (6, 16), (9, 19), (12, 22)]


def test_start_time_shifts_windows_either_way(events, rewritten, session):
    for start, expected in (("2 seconds", (2, 7)), ("-1 second", (4, 9))):
        one = events.where("t = '5'").groupBy(F.window("ts", "5 seconds", "5 seconds", start)).count()
        assert windows_of(session, rewritten(one)) == [expected]


def test_a_null_time_is_dropped_everywhere(events, rewritten, session):
    nulls = events.where("ts is null")
    for df in (
        nulls.groupBy(F.window("ts", "5 seconds")).count(),
        nulls.groupBy(F.window("ts", "5 seconds", "1 second")).count(),
        nulls.select("k", F.window("ts", "5 seconds")),
        nulls.groupBy("k", F.session_window("ts", "5 seconds")).count(),
    ):
        assert session.run(rewritten(df)).num_rows == 0


def test_windows_of_windows_take_the_window_s_last_instant(events, rewritten, session):
    first = events.groupBy(F.window("ts", "5 seconds")).count()
    expected = {(-10, 0): 3, (0, 10): 3, (10, 20): 1}
    for second in (F.window("window", "10 seconds"), F.window(F.window_time("window"), "10 seconds")):
        relation = rewritten(first.groupBy(second).agg(F.sum("count").alias("n")))
        assert {seconds(row["window"]): row["n"] for row in session.run(relation).to_pylist()} == expected


def test_output_names_are_spark_s(events, rewritten, session):
    window = F.window("ts", "5 seconds")
    for df, names in (
        (events.groupBy(window, "k").agg(F.max("k")), ["window", "k", "max(k)"]),
        (events.groupBy(window.alias("w")).count(), ["w", "count"]),
        (events.groupBy(window.start).count(), ["window.start", "count"]),
        (events.groupBy(window).agg(F.max("window.end")), ["window", "max(window.end)"]),
        (events.select("*", window), ["t", "k", "ts", "ntz", "window"]),
        (events.select(window.start, window.end), ["window.start", "window.end"]),
        (events.select(window, "*", window.alias("w")), ["window", "t", "k", "ts", "ntz", "w"]),
        (events.withColumn("w", window), ["t", "k", "ts", "ntz", "w"]),
        (events.where(window.start.isNotNull()), ["window", "t", "k", "ts", "ntz"]),
        (events.select(F.session_window("ts", "5 seconds"), "k"), ["session_window", "k"]),
    ):
        assert session.run(rewritten(df)).column_names == names


def test_one_sliding_window_named_twice_does_not_multiply_rows(events, rewritten, session):
    window = F.window("ts", "10 seconds", "5 seconds")
    table = session.run(rewritten(events.where("t = '5'").select(window, window.alias("w"), "*")))
    assert table.num_rows == 2
    assert table.column_names == ["window", "w", "t", "k", "ts", "ntz"]


@pytest.mark.parametrize(
    ("gap", "end"),
    [("5 seconds", 10), ("1 day 1 second", 86_406), ("1 month", 5 + 31 * 86_400), (F.lit("2 minutes"), 125)],
)
def test_a_row_s_session_ends_a_gap_after_it(events, rewritten, session, gap, end):
    table = session.run(rewritten(events.where("t = '5'").select(F.session_window("ts", gap))))
    assert [seconds(row["session_window"]) for row in table.to_pylist()] == [(5, end)]


@pytest.mark.parametrize("gap", ["0 seconds", "-1 second", "5 foo", F.lit(None)])
def test_a_gap_that_is_not_positive_drops_the_row(events, rewritten, session, gap):
    df = events.where("t = '5'").select(F.session_window("ts", gap))
    assert session.run(rewritten(df)).num_rows == 0


def test_a_gap_may_depend_on_the_row(events, rewritten, session):
    gap = F.when(F.col("t") == "5", "5 seconds").when(F.col("t") == "12", "-1 second").otherwise("x")
    table = session.run(rewritten(events.select(F.session_window("ts", gap))))
    assert [seconds(row["session_window"]) for row in table.to_pylist()] == [(5, 10)]


@pytest.mark.parametrize(
    ("arguments", "error", "condition"),
    [
        (("1 month",), IllegalArgumentException, "_LEGACY_ERROR_TEMP_3231"),
        (("1 foo",), AnalysisException, "CANNOT_PARSE_INTERVAL"),
        (("0 seconds",), AnalysisException, "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"),
        (("5 seconds", "10 seconds"), AnalysisException, "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION"),
        (("5 seconds", "5 seconds", "5 s"), AnalysisException, "CANNOT_PARSE_INTERVAL"),
        (
            ("5 seconds", "5 seconds", "5 seconds"),
            AnalysisException,
            "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
        ),
    ],
)
def test_wrong_durations_are_refused_as_spark_does(events, rewritten, arguments, error, condition):
    with pytest.raises(error) as caught:
        rewritten(events.groupBy(F.window("ts", *arguments)).count())
    assert caught.value.condition == condition


def test_the_message_of_a_wrong_duration_is_spark_s(events, rewritten):
    with pytest.raises(AnalysisException) as caught:
        rewritten(events.select(F.window("ts", "5 minutes", "10 minutes")))
    assert str(caught.value) == (
        "[DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION] Cannot resolve "
        '"window(ts, 300000000, 600000000, 0)" due to data type mismatch: The `slide_duration`(600000000L) '
        "must be <= the `window_duration`(300000000L). SQLSTATE: 42K09"
    )


def test_two_different_windows_in_one_operator_are_refused(events, rewritten):
    with pytest.raises(SparkError, match="cartesian product"):
        rewritten(events.groupBy(F.window("ts", "5 seconds"), F.window("ts", "6 seconds")).count())


def test_a_gap_of_a_number_is_refused(events, rewritten):
    with pytest.raises(AnalysisException, match="must be CalendarIntervalType, but got IntegerType"):
        rewritten(events.groupBy("k", F.session_window("ts", F.lit(5))).count())


def test_a_plan_without_windows_is_left_alone(events, plan_of):
    relation = plan_of(events.groupBy("k").count())
    assert rewrite_windows(relation) is relation


def before_and_after(relation, rewritten) -> str:
    return f"{tree_text(relation)}\n\n{tree_text(rewritten)}"


def test_windows_tumbling_aggregate(spark, plan_of, session, golden):
    events = spark.sql("select timestamp'2020-01-01 00:00:01' ts, 1 v")
    events.createOrReplaceTempView("windows_events")
    df = spark.table("windows_events").groupBy(F.window("ts", "10 minutes"), "v").agg(F.max("window.end"))
    relation = plan_of(df)
    golden(before_and_after(relation, rewrite_windows(relation, session.schema)))


def test_windows_sliding_select_star(spark, plan_of, golden):
    df = spark.table("t").select("*", F.window("ts", "10 minutes", "5 minutes").start)
    golden(before_and_after(plan_of(df), rewrite_windows(plan_of(df))))


def test_windows_session_aggregate(spark, plan_of, golden):
    df = spark.table("t").groupBy("k", F.session_window("ts", "10 minutes")).count()
    golden(before_and_after(plan_of(df), rewrite_windows(plan_of(df))))


def test_any_window_is_what_spark_s_formula_says(spark, plan_of, session):
    """Random times, sizes, slides and starts against the arithmetic of SPARK-FACTS, in plain Python."""
    random = Random(4)
    times = [random.randrange(-(10**8), 10**8) for _ in range(40)] + [0, -1, 1]
    df = spark.createDataFrame([(us,) for us in times], "us long").withColumn("ts", F.timestamp_micros("us"))
    for _ in range(12):
        size = random.randrange(1, 5 * SECOND)
        slide = random.choice([size, random.randrange(max(size // 7, 1), size + 1)])
        start = random.randrange(-slide + 1, slide)
        window = F.call_function("window", "ts", *(F.lit(us) for us in (size, slide, start)))
        relation = rewrite_windows(plan_of(df.select("us", window)), session.schema)
        found = [(row["us"], _micros(row["window"]["start"])) for row in session.run(relation).to_pylist()]
        expected = [(us, begin) for us in times for begin in _window_starts(us, size, slide, start)]
        assert sorted(found) == sorted(expected), (size, slide, start)


def _window_starts(us: int, size: int, slide: int, start: int) -> list[int]:
    last = us - (us - start) % slide
    return [begin for begin in range(last, us - size, -slide) if begin <= us < begin + size]


def _micros(moment: dt.datetime) -> int:
    return (moment.replace(tzinfo=dt.UTC) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(
        microseconds=1
    )
