"""Above a join of two streams every column has a name of its own: plans before and after the rule."""

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructType, TimestampType

from cauce.errors import AnalysisException
from cauce.plan.join_columns import name_join_columns
from cauce.plan.join_filters import merge_join_filters
from cauce.plan.printing import tree_text

COLUMNS = StructType().add("id", LongType()).add("name", StringType()).add("ts", TimestampType())


@pytest.fixture
def streams(spark):
    """Two streams with the same columns."""
    return [spark.readStream.format("rate").option("name", name).load() for name in ("clicks", "views")]


@pytest.fixture
def check(plan_of, golden):
    """Compare the rewritten plan with its golden."""

    def compare(frame):
        relation = name_join_columns(merge_join_filters(plan_of(frame)), lambda _: COLUMNS)
        golden(tree_text(relation))

    return compare


def test_join_of_frames(streams, check):
    clicks, views = streams
    joined = clicks.join(views, clicks.id == views.id).where(views.ts > clicks.ts)
    check(joined.select(clicks.id, views.ts, (views.id + 1).alias("next")))


def test_join_of_aliases(streams, check):
    clicks, views = streams
    joined = clicks.alias("c").join(views.alias("v"), F.expr("c.id = v.id"), "left_outer")
    check(joined.where("v.name IS NULL").select("c.*", "v.ts", F.col("v.name.first")))


def test_join_using(streams, check):
    clicks, views = streams
    check(clicks.join(views, ["id"], "full_outer"))


def test_join_columns_renamed_dropped_and_replaced(streams, check):
    clicks, views = streams
    joined = clicks.join(views, clicks.id == views.id, "left_outer").drop(views.id)
    renamed = joined.withColumn("name", F.upper(clicks.name)).withColumnRenamed("id", "key")
    check(renamed.dropDuplicates(["key"]).select("*"))


def test_join_then_aggregate(streams, check):
    clicks, views = streams
    joined = clicks.join(views, clicks.id == views.id)
    check(joined.groupBy(clicks.name, views.name).agg(F.max(views.ts), F.count("*").alias("n")))


def test_structs_of_joined_columns_keep_their_names(streams, check):
    clicks, views = streams
    joined = clicks.join(views, clicks.id == views.id)
    check(joined.select(F.struct(clicks.id, views.ts, views.name.alias("who")).alias("pair")))


def test_join_of_joins(streams, check):
    clicks, views = streams
    other = clicks.select("id", F.col("ts").alias("time"))
    twice = clicks.join(views, clicks.id == views.id).join(other, views.id == other.id, "left_semi")
    check(twice.select(clicks.ts, views.ts))


def test_filters_join_the_condition_of_inner_joins_only(streams, check):
    clicks, views = streams
    crossed = clicks.crossJoin(views).where(clicks.id == views.id)
    check(crossed.where(F.rand(42) > 0.5).select(clicks.id))


def test_a_join_with_a_table_alone_is_left_to_the_engine(spark, streams, plan_of):
    table = spark.range(3)
    relation = plan_of(streams[0].join(table, "id"))
    assert name_join_columns(relation, lambda _: COLUMNS) is relation


def test_a_column_of_both_sides_is_ambiguous(streams, plan_of):
    clicks, views = streams
    by_name = plan_of(clicks.join(views, clicks.id == views.id, "left").select("id"))
    with pytest.raises(AnalysisException, match="AMBIGUOUS_REFERENCE"):
        name_join_columns(by_name, lambda _: COLUMNS)
    by_frame = plan_of(clicks.join(clicks, clicks.id == clicks.id, "left"))
    with pytest.raises(AnalysisException, match="AMBIGUOUS_COLUMN_REFERENCE"):
        name_join_columns(by_frame, lambda _: COLUMNS)
