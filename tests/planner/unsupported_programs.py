"""Small streaming programs around every line that Spark draws: what it refuses at start(), and what it takes.

Plain PySpark, run on Apache Spark to record what it says and on cauce to say the same.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.streaming.state import GroupState, GroupStateTimeout
from pyspark.sql.types import LongType, StructField, StructType

__all__ = ["PROGRAMS", "Program", "outcome"]

BATCHES_RUN = 2

COUNTED = StructType([StructField("value", LongType()), StructField("rows", LongType())])


@dataclass(frozen=True)
class Program:
    """`build` makes the frame; it is started with `output_mode`, or `action` is called on it."""

    build: Callable[[SparkSession], DataFrame]
    output_mode: str = "append"
    action: Callable[[DataFrame], Any] | None = None
    conf: dict[str, str] = field(default_factory=dict)
    runs: bool = False
    """Let batches run: Spark says no only when it plans one, some of it only under a watermark."""


PROGRAMS: dict[str, Program] = {}


def program(
    *output_modes: str,
    action: Callable[[DataFrame], Any] | None = None,
    conf: dict[str, str] | None = None,
    runs=False,
):
    """Register a program once per output mode, as `name` or `name.mode`."""

    def register(build: Callable[[SparkSession], DataFrame]) -> Callable[[SparkSession], DataFrame]:
        for mode in output_modes or ("append",):
            name = build.__name__ if len(output_modes) < 2 else f"{build.__name__}.{mode}"
            PROGRAMS[name] = Program(build, mode, action, conf or {}, runs)
        return build

    return register


def outcome(spark: SparkSession, program: Program) -> dict[str, str | None]:
    """What the user sees: accepted, or the error's class, condition, SQLSTATE and message."""
    for key, value in program.conf.items():
        spark.conf.set(key, value)
    try:
        frame = program.build(spark)
        if program.action is not None:
            program.action(frame)
        else:
            _start(frame, program)
    except Exception as error:
        return _described(error)
    finally:
        for key in program.conf:
            spark.conf.unset(key)
    return {"class": None}


def _start(frame: DataFrame, program: Program) -> None:
    query = frame.writeStream.format("noop").outputMode(program.output_mode).start()
    try:
        while program.runs and (not query.lastProgress or query.lastProgress.batchId < BATCHES_RUN):
            query.awaitTermination(0.05)
    finally:
        query.stop()


def _described(error: Exception) -> dict[str, str | None]:
    return {
        "class": type(error).__name__,
        "condition": getattr(error, "getCondition", lambda: None)(),
        "sqlstate": getattr(error, "getSqlState", lambda: None)(),
        "message": plain_message(str(error)),
    }


def plain_message(text: str) -> str:
    """What the error says, without Spark's plan, stack trace, positions and the ids it makes up."""
    text = re.split(r"\n\nJVM stacktrace|\n=== Streaming Query|;\n|; line \d", text)[0]
    text = re.sub(r"id = [0-9a-f-]{36}", "id = ID", re.sub(r"runId = [0-9a-f-]{36}", "runId = ID", text))
    return re.sub(r"_PYSPARK_CONNECT_TEMP_VIEW_\w+\.|#\d+L?", "", text, flags=re.IGNORECASE)


def stream(spark: SparkSession) -> DataFrame:
    """Always has a row to give, so that batches are planned; late enough for a watermark above zero."""
    reader = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1)
    return reader.option("startTimestamp", 1_000_000_000_000).load()


def timed(spark: SparkSession, delay: str = "10 seconds") -> DataFrame:
    return stream(spark).withWatermark("timestamp", delay)


def static(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([(1, "one"), (2, "two")], "value long, name string")


def windowed(spark: SparkSession) -> DataFrame:
    return timed(spark).groupBy(F.window("timestamp", "5 seconds").alias("window"), "value").count()


def left(spark: SparkSession) -> DataFrame:
    return timed(spark).select(F.col("value").alias("a"), F.col("timestamp").alias("t1"))


def right(spark: SparkSession) -> DataFrame:
    return timed(spark, "20 seconds").select(F.col("value").alias("b"), F.col("timestamp").alias("t2"))


def untimed_right(spark: SparkSession) -> DataFrame:
    return stream(spark).select(F.col("value").alias("b"), F.col("timestamp").alias("t2"))


# --- output modes -------------------------------------------------------------------------------------------


@program("append", "update", "complete", "sideways")
def projection(spark):
    return stream(spark).where("value > 1").select(F.col("value") + 1)


@program("append", "update", "complete")
def aggregation_without_watermark(spark):
    return stream(spark).groupBy("value").count()


@program("append", "update", "complete")
def aggregation_without_keys(spark):
    return timed(spark).groupBy().count()


@program("append", "update", "complete")
def aggregation_on_window(spark):
    return windowed(spark)


@program()
def aggregation_on_window_without_watermark(spark):
    return stream(spark).groupBy(F.window("timestamp", "5 seconds")).count()


@program()
def aggregation_of_watermarked_stream_by_another_column(spark):
    return timed(spark).groupBy("value").count()


@program()
def aggregation_on_raw_event_time(spark):
    return timed(spark).groupBy("timestamp").count()


@program()
def aggregation_on_renamed_event_time(spark):
    return timed(spark).withColumnRenamed("timestamp", "at").groupBy(F.window("at", "5 seconds")).count()


@program()
def aggregation_on_selected_event_time(spark):
    return timed(spark).select(F.col("timestamp").alias("at")).groupBy("at").count()


@program()
def aggregation_on_shifted_event_time(spark):
    shifted = timed(spark).withColumn("at", F.col("timestamp") + F.expr("INTERVAL 1 SECOND"))
    return shifted.groupBy(F.window("at", "5 seconds")).count()


@program()
def aggregation_on_overwritten_event_time(spark):
    return timed(spark).withColumn("timestamp", F.current_timestamp()).groupBy("timestamp").count()


@program()
def aggregation_on_window_start(spark):
    return timed(spark).groupBy(F.window("timestamp", "5 seconds").getField("start").alias("start")).count()


@program()
def aggregation_on_projected_window(spark):
    return timed(spark).select(F.window("timestamp", "5 seconds").alias("w")).groupBy("w").count()


@program()
def aggregation_on_projected_window_start(spark):
    return timed(spark).select(F.window("timestamp", "5 seconds").alias("w")).groupBy("w.start").count()


@program()
def aggregation_on_date_of_event_time(spark):
    return timed(spark).groupBy(F.to_date("timestamp")).count()


@program()
def aggregation_on_struct_field_event_time(spark):
    nested = timed(spark).select(F.struct("timestamp", "value").alias("s"))
    return nested.groupBy(F.window("s.timestamp", "5 seconds")).count()


@program()
def aggregation_after_join_with_static(spark):
    return timed(spark).join(static(spark), "value").groupBy(F.window("timestamp", "5 seconds")).count()


@program()
def aggregation_after_union(spark):
    return timed(spark).union(timed(spark)).groupBy(F.window("timestamp", "5 seconds")).count()


@program()
def aggregation_after_union_watermark_on_the_right_only(spark):
    return stream(spark).union(timed(spark)).groupBy(F.window("timestamp", "5 seconds")).count()


@program()
def aggregation_after_union_watermark_on_the_left_only(spark):
    return timed(spark).union(stream(spark)).groupBy(F.window("timestamp", "5 seconds")).count()


@program("append", "update", "complete")
def session_window(spark):
    return timed(spark).groupBy(F.session_window("timestamp", "5 seconds"), "value").count()


@program("append", "update", "complete", runs=True)
def session_window_without_keys(spark):
    return timed(spark).groupBy(F.session_window("timestamp", "5 seconds")).count()


# --- aggregation shapes -------------------------------------------------------------------------------------


@program("update")
def count_distinct(spark):
    return stream(spark).groupBy("value").agg(F.count_distinct("timestamp"))


@program("update")
def sum_distinct_in_sql(spark):
    return spark.sql("SELECT sum(DISTINCT value) AS s FROM {s}", s=stream(spark))


@program("update")
def count_distinct_in_having(spark):
    text = "SELECT count(*) AS c FROM {s} GROUP BY timestamp HAVING count(DISTINCT value) > 1"
    return spark.sql(text, s=stream(spark))


@program("update")
def rollup(spark):
    return stream(spark).rollup("value", "timestamp").count()


@program("update")
def cube(spark):
    return stream(spark).cube("value", "timestamp").count()


@program("append", "complete", runs=True)
def rollup_over_windows(spark):
    return timed(spark).rollup(F.window("timestamp", "5 seconds"), "value").count()


@program(runs=True)
def aggregation_on_two_event_times(spark):
    return timed(spark).groupBy("timestamp", F.window("timestamp", "5 seconds")).count()


@program("append", runs=True)
def drop_duplicates_with_two_event_times(spark):
    both = timed(spark).select("timestamp", F.window("timestamp", "5 seconds").alias("w"))
    return both.dropDuplicates(["timestamp"])


@program("update")
def pivot_without_values(spark):
    return stream(spark).groupBy("timestamp").pivot("value").count()


@program("append", "update", "complete")
def union_distinct_in_sql(spark):
    return spark.sql("SELECT value FROM {s} UNION SELECT value FROM {s}", s=stream(spark))


@program("update")
def grouping_sets(spark):
    return stream(spark).groupingSets([[F.col("value")], []], "value").agg(F.count("*"))


@program("update")
def grouping_sets_in_sql(spark):
    text = (
        "SELECT value, count(*) AS c FROM {s} GROUP BY value, timestamp GROUPING SETS ((value), (timestamp))"
    )
    return spark.sql(text, s=stream(spark))


@program("update")
def pivot(spark):
    return stream(spark).groupBy("timestamp").pivot("value", [1, 2]).count()


@program("update")
def pivot_in_sql(spark):
    return spark.sql("SELECT * FROM {s} PIVOT (count(1) FOR value IN (1, 2))", s=stream(spark))


@program("update", runs=True)
def pandas_aggregate(spark):
    @F.pandas_udf("long")
    def total(values: pd.Series) -> int:
        return int(values.sum())

    return stream(spark).groupBy("timestamp").agg(total("value"))


@program("update")
def window_function_over_aggregation(spark):
    ranked = Window.partitionBy("value").orderBy("count")
    return stream(spark).groupBy("value").count().withColumn("r", F.rank().over(ranked))


# --- chains of stateful operators ---------------------------------------------------------------------------


@program("append", "update", "complete")
def aggregation_after_aggregation(spark):
    return windowed(spark).groupBy(F.window("window", "10 seconds")).sum("count")


@program("update", conf={"spark.sql.streaming.statefulOperator.checkCorrectness.enabled": "false"})
def aggregation_after_aggregation_unchecked(spark):
    return windowed(spark).groupBy(F.window("window", "10 seconds")).sum("count")


@program()
def aggregation_after_aggregation_without_event_time(spark):
    return windowed(spark).groupBy("value").sum("count")


@program("append", "update", "complete")
def distinct_after_aggregation(spark):
    return windowed(spark).distinct()


@program("append", "update", "complete")
def drop_duplicates_after_aggregation(spark):
    return windowed(spark).dropDuplicates(["value"])


@program("append", "update")
def drop_duplicates_of_window_after_aggregation(spark):
    return windowed(spark).dropDuplicates(["window"])


@program("append", "update", "complete")
def aggregation_after_drop_duplicates(spark):
    return (
        timed(spark)
        .dropDuplicates(["value", "timestamp"])
        .groupBy(F.window("timestamp", "5 seconds"))
        .count()
    )


@program("append", "update")
def aggregation_after_drop_duplicates_within_watermark(spark):
    distinct = timed(spark).dropDuplicatesWithinWatermark(["value"])
    return distinct.groupBy(F.window("timestamp", "5 seconds")).count()


@program("append", "update", "complete")
def aggregation_after_stream_stream_join(spark):
    joined = left(spark).join(right(spark), F.expr("a = b AND t1 = t2"))
    return joined.groupBy(F.window("t1", "5 seconds")).count()


@program("append", "update")
def stream_stream_join_after_aggregation(spark):
    counted = windowed(spark).select(F.col("value").alias("a"), F.col("window").alias("w1"))
    other = timed(spark).groupBy(F.window("timestamp", "5 seconds").alias("w2"), "value").count()
    return counted.join(other, F.expr("a = value AND w1 = w2"))


@program("append", "update", "complete")
def union_of_aggregations(spark):
    return windowed(spark).union(windowed(spark))


@program("update")
def static_join_after_aggregation(spark):
    return stream(spark).groupBy("value").count().join(static(spark), "value")


# --- duplicates ---------------------------------------------------------------------------------------------


@program("append", "update", "complete")
def distinct(spark):
    return stream(spark).distinct()


@program("append", "update", "complete")
def distinct_in_sql(spark):
    return spark.sql("SELECT DISTINCT value FROM {s}", s=stream(spark))


@program("append", "update")
def distinct_in_sql_with_event_time(spark):
    return spark.sql("SELECT DISTINCT value, timestamp FROM {s}", s=timed(spark))


@program("append", "update", "complete")
def drop_duplicates(spark):
    return stream(spark).dropDuplicates(["value"])


@program("append", "update", "complete")
def drop_duplicates_within_watermark(spark):
    return timed(spark).dropDuplicatesWithinWatermark(["value"])


@program()
def drop_duplicates_within_watermark_without_watermark(spark):
    return stream(spark).dropDuplicatesWithinWatermark(["value"])


@program(action=DataFrame.collect)
def drop_duplicates_within_watermark_in_batch(spark):
    return static(spark).dropDuplicatesWithinWatermark(["value"])


# --- order and number of rows -------------------------------------------------------------------------------


@program("append", "update")
def sort(spark):
    return stream(spark).sort("value")


@program("update", "complete")
def sort_after_aggregation(spark):
    return stream(spark).groupBy("value").count().sort("count")


@program("complete")
def sort_before_aggregation(spark):
    return stream(spark).sort("value").groupBy("value").count()


@program("append", "complete")
def order_by_in_sql(spark):
    text = "SELECT value, count(*) AS c FROM {s} GROUP BY value, window(timestamp, '5 seconds') ORDER BY c"
    return spark.sql(text, s=timed(spark))


@program()
def sort_within_partitions(spark):
    return stream(spark).sortWithinPartitions("value")


@program("append", "update")
def limit(spark):
    return stream(spark).limit(5)


@program("update", "complete")
def limit_after_aggregation(spark):
    return stream(spark).groupBy("value").count().limit(5)


@program("update")
def limit_of_the_static_side(spark):
    return stream(spark).join(static(spark).limit(1), "value")


@program()
def offset(spark):
    return stream(spark).offset(5)


@program("complete")
def offset_after_aggregation(spark):
    return stream(spark).groupBy("value").count().offset(5)


@program()
def offset_of_the_static_side(spark):
    return stream(spark).join(static(spark).offset(1), "value")


@program()
def sort_of_the_static_side(spark):
    return stream(spark).join(static(spark).sort("name"), "value")


@program()
def sample(spark):
    return stream(spark).sample(0.5, seed=1)


@program()
def sample_by(spark):
    return stream(spark).sampleBy("value", {1: 0.5}, seed=1)


@program()
def random_split(spark):
    return stream(spark).randomSplit([0.5, 0.5], seed=1)[0]


# --- window functions and expressions -----------------------------------------------------------------------


@program()
def row_number(spark):
    ordered = Window.partitionBy("value").orderBy("timestamp")
    return stream(spark).select("value", F.row_number().over(ordered).alias("n"))


@program()
def row_number_descending_in_sql(spark):
    text = "SELECT value, row_number() OVER (PARTITION BY value ORDER BY timestamp DESC) AS n FROM {s}"
    return spark.sql(text, s=stream(spark))


@program()
def lag_without_alias(spark):
    return stream(spark).select(F.lag("value", 1).over(Window.orderBy("timestamp")))


@program()
def running_sum(spark):
    rows = Window.partitionBy("value").orderBy("timestamp").rowsBetween(-2, Window.currentRow)
    return stream(spark).withColumn("running", F.sum("value").over(rows))


@program()
def two_window_functions(spark):
    ordered = Window.partitionBy("value").orderBy("timestamp")
    return stream(spark).select(F.rank().over(ordered).alias("r"), F.dense_rank().over(ordered).alias("d"))


@program()
def monotonically_increasing_id(spark):
    return stream(spark).select(F.monotonically_increasing_id().alias("id"))


@program()
def random_and_uuid(spark):
    return stream(spark).select(F.rand(1), F.expr("uuid()"), F.spark_partition_id())


@program("update")
def describe(spark):
    return stream(spark).describe("value")


@program()
def transpose(spark):
    return stream(spark).transpose()


@program()
def unpivot(spark):
    return stream(spark).unpivot("timestamp", ["value"], "name", "x")


@program()
def stateless_operations(spark):
    shaped = stream(spark).repartition(2).coalesce(1).na.fill(0).hint("broadcast").toDF("t", "v")
    return shaped.withColumn("e", F.explode(F.array("v"))).drop("t").observe("o", F.count(F.lit(1)))


# --- set operations -----------------------------------------------------------------------------------------


def value(frame: DataFrame) -> DataFrame:
    return frame.select("value")


@program()
def union_of_streams(spark):
    return value(stream(spark)).union(value(stream(spark)))


@program()
def union_with_static(spark):
    return value(stream(spark)).union(value(static(spark)))


@program()
def static_union_by_name_with_stream(spark):
    return static(spark).unionByName(stream(spark), allowMissingColumns=True)


@program()
def intersect_of_streams(spark):
    return value(stream(spark)).intersect(value(stream(spark)))


@program()
def intersect_with_static(spark):
    return value(stream(spark)).intersect(value(static(spark)))


@program()
def intersect_all_static_with_stream(spark):
    return value(static(spark)).intersectAll(value(stream(spark)))


@program()
def subtract_static(spark):
    return value(stream(spark)).subtract(value(static(spark)))


@program()
def static_subtract_stream(spark):
    return value(static(spark)).subtract(value(stream(spark)))


@program()
def except_all_streams(spark):
    return value(stream(spark)).exceptAll(value(stream(spark)))


# --- joins with a static frame ------------------------------------------------------------------------------

STATIC_JOINS = ("inner", "left_outer", "right_outer", "full_outer", "left_semi", "left_anti")


def _stream_static(how: str) -> Callable[[SparkSession], DataFrame]:
    return lambda spark: stream(spark).join(static(spark), "value", how)


def _static_stream(how: str) -> Callable[[SparkSession], DataFrame]:
    return lambda spark: static(spark).join(stream(spark), "value", how)


for how in STATIC_JOINS:
    PROGRAMS[f"stream_static_join.{how}"] = Program(_stream_static(how))
    PROGRAMS[f"static_stream_join.{how}"] = Program(_static_stream(how))


@program("update")
def stream_static_cross_join(spark):
    return stream(spark).crossJoin(static(spark).select("name"))


@program()
def static_filtered_by_stream(spark):
    text = "SELECT * FROM {static} WHERE value IN (SELECT value FROM {stream})"
    return spark.sql(text, static=static(spark), stream=stream(spark))


@program()
def stream_filtered_by_static(spark):
    text = "SELECT * FROM {stream} WHERE value NOT IN (SELECT value FROM {static})"
    return spark.sql(text, static=static(spark), stream=stream(spark))


# --- joins of two streams -----------------------------------------------------------------------------------

STREAM_JOINS = ("inner", "left_outer", "right_outer", "full_outer", "left_semi", "left_anti")
CONDITIONS = {
    "keys": "a = b",
    "keys_and_time": "a = b AND t1 = t2",
    "range": "a = b AND t2 >= t1 AND t2 <= t1 + INTERVAL 5 SECONDS",
    "open_range": "a = b AND t2 >= t1",
    "other_open_range": "a = b AND t2 <= t1 + INTERVAL 5 SECONDS",
}


def _stream_stream(how: str, condition: str, second: Callable[[SparkSession], DataFrame] = right):
    return lambda spark: left(spark).join(second(spark), F.expr(condition), how)


for how in STREAM_JOINS:
    for name, condition in CONDITIONS.items():
        PROGRAMS[f"stream_stream_join.{how}.{name}"] = Program(_stream_stream(how, condition))
    for name in ("keys_and_time", "range"):
        one_sided = _stream_stream(how, CONDITIONS[name], untimed_right)
        PROGRAMS[f"stream_stream_join.{how}.{name}.no_right_watermark"] = Program(one_sided)
    for mode in ("update", "complete"):
        program_of_mode = Program(_stream_stream(how, CONDITIONS["keys_and_time"]), mode)
        PROGRAMS[f"stream_stream_join.{how}.{mode}"] = program_of_mode


@program(runs=True)
def stream_stream_join_without_equality(spark):
    return left(spark).join(right(spark), F.expr("t1 < t2"))


@program(runs=True)
def stream_stream_cross_join(spark):
    return left(spark).crossJoin(right(spark))


@program(runs=True)
def two_event_time_columns_reach_a_deduplication(spark):
    return left(spark).join(right(spark), F.expr("a = b AND t1 = t2")).dropDuplicates(["a", "t1"])


@program(runs=True)
def two_event_time_columns_reach_an_aggregation(spark):
    joined = left(spark).join(right(spark), F.expr("a = b AND t1 = t2"))
    return joined.groupBy("t1", "t2").count()


# --- watermarks ---------------------------------------------------------------------------------------------


@program(runs=True)
def watermark_defined_twice(spark):
    return timed(spark).withWatermark("timestamp", "5 seconds")


@program(runs=True)
def watermark_defined_twice_before_an_aggregation(spark):
    again = timed(spark).withWatermark("timestamp", "5 seconds")
    return again.groupBy(F.window("timestamp", "5 seconds")).count()


@program(runs=True)
def watermark_defined_again_between_aggregations(spark):
    again = windowed(spark).select(F.window_time("window").alias("t")).withWatermark("t", "5 seconds")
    return again.groupBy("t").count()


@program(runs=True)
def watermark_defined_again_after_aggregation(spark):
    return windowed(spark).select(F.window_time("window").alias("t")).withWatermark("t", "5 seconds")


@program()
def watermark_on_a_number(spark):
    return stream(spark).withWatermark("value", "5 seconds")


@program()
def watermark_on_an_unknown_column(spark):
    return stream(spark).withWatermark("nothing", "5 seconds")


@program()
def watermark_with_negative_delay(spark):
    return stream(spark).withWatermark("timestamp", "-5 seconds")


@program()
def watermark_with_nonsense_delay(spark):
    return stream(spark).withWatermark("timestamp", "soon")


@program()
def watermark_on_a_nested_field(spark):
    return stream(spark).select(F.struct("timestamp").alias("s")).withWatermark("s.timestamp", "5 seconds")


# --- Python functions over groups ---------------------------------------------------------------------------


def count_rows(key: tuple, frames: Iterator[pd.DataFrame], state: GroupState) -> Iterator[pd.DataFrame]:
    yield pd.DataFrame({"value": [key[0]], "rows": [sum(len(frame) for frame in frames)]})


def with_state(
    frame: DataFrame, mode: str = "append", timeout: str = GroupStateTimeout.NoTimeout
) -> DataFrame:
    return frame.groupBy("value").applyInPandasWithState(count_rows, COUNTED, COUNTED, mode, timeout)


@program("append", "update", "complete")
def with_state_in_append(spark):
    return with_state(stream(spark))


@program("append", "update", "complete")
def with_state_in_update(spark):
    return with_state(stream(spark), "update")


@program("append", "update")
def with_state_twice(spark):
    return with_state(with_state(stream(spark)))


@program("append", "complete")
def aggregation_after_with_state_in_append(spark):
    return with_state(stream(spark)).groupBy("value").count()


@program("update")
def aggregation_after_with_state_in_update(spark):
    return with_state(stream(spark), "update").groupBy("value").count()


@program()
def with_state_after_aggregation(spark):
    return with_state(windowed(spark))


@program()
def with_state_event_time_timeout_without_watermark(spark):
    return with_state(stream(spark), timeout=GroupStateTimeout.EventTimeTimeout)


@program()
def with_state_event_time_timeout(spark):
    return with_state(timed(spark), timeout=GroupStateTimeout.EventTimeTimeout)


@program()
def drop_duplicates_after_with_state_event_time_timeout(spark):
    return with_state(timed(spark), timeout=GroupStateTimeout.EventTimeTimeout).dropDuplicates(["value"])


def summed(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"value": [int(frame["value"].sum())], "rows": [len(frame)]})


@program("append", "update")
def apply_in_pandas(spark):
    return stream(spark).groupBy("value").applyInPandas(summed, COUNTED)


@program()
def map_in_pandas(spark):
    return stream(spark).select("value").mapInPandas(lambda frames: frames, "value long")


@program()
def co_group(spark):
    def both(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"value": [len(one)], "rows": [len(other)]})

    grouped = stream(spark).groupBy("value")
    return grouped.cogroup(static(spark).groupBy("value")).applyInPandas(both, COUNTED)


# --- batch and stream confused ------------------------------------------------------------------------------


@program()
def stream_write_of_a_batch(spark):
    return static(spark)


def _batch_action(name: str, action: Callable[[DataFrame], Any]) -> None:
    PROGRAMS[f"batch.{name}"] = Program(stream, action=action)


_batch_action("collect", lambda frame: frame.collect())
_batch_action("show", lambda frame: frame.show())
_batch_action(
    "pivot_without_values", lambda frame: frame.groupBy("timestamp").pivot("value").count().collect()
)
_batch_action("count", lambda frame: frame.count())
_batch_action("to_pandas", lambda frame: frame.toPandas())
_batch_action("first", lambda frame: frame.first())
_batch_action("tail", lambda frame: frame.tail(1))
_batch_action("is_empty", lambda frame: frame.isEmpty())
_batch_action("collect_of_aggregation", lambda frame: frame.groupBy("value").count().collect())
_batch_action("collect_of_join", lambda frame: frame.join(static(frame.sparkSession), "value").collect())
_batch_action("write_parquet", lambda frame: frame.write.parquet("/tmp/never-written"))
_batch_action("write_noop", lambda frame: frame.write.format("noop").mode("overwrite").save())
_batch_action("save_as_table", lambda frame: frame.write.saveAsTable("never_written"))
_batch_action("insert_into", lambda frame: frame.write.insertInto("never_written"))
_batch_action("write_to", lambda frame: frame.writeTo("never_written").append())
_batch_action("cache", lambda frame: frame.cache().count())
_batch_action("checkpoint", lambda frame: frame.localCheckpoint())
_batch_action("foreach", lambda frame: frame.foreach(print))
_batch_action("approx_quantile", lambda frame: frame.approxQuantile("value", [0.5], 0.1))
_batch_action("explain", lambda frame: frame.explain())
_batch_action("crosstab", lambda frame: frame.crosstab("value", "timestamp").collect())
_batch_action("to_local_iterator", lambda frame: list(frame.toLocalIterator()))
