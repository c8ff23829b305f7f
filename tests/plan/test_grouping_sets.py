"""ROLLUP, CUBE and GROUPING SETS, rewritten, give the engine's own answer to the original."""

from collections.abc import Callable

import pytest
from pyspark.sql import functions as F
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.proto import Relation
from pyspark.sql.connect.session import SparkSession

from cauce.plan.grouping_sets import rewrite_grouping_sets

ROWS = [("a", 1, 2.0), ("a", 2, 3.0), ("b", 1, 5.0), (None, 1, 7.0), (None, None, 11.0)]


def frame(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(ROWS, "k string, n int, x double")


AGGREGATIONS: dict[str, Callable[[DataFrame], DataFrame]] = {
    "rollup": lambda df: df.rollup("k", "n").agg(F.sum("x").alias("s")),
    "cube": lambda df: df.cube("k", "n").agg(F.count("*").alias("c"), F.max("x").alias("m")),
    "cube of an expression": lambda df: df.cube((F.col("n") + 1).alias("next"), "k").agg(
        F.sum("n").alias("s")
    ),
    "aggregate of a key": lambda df: df.rollup("n").agg(F.sum("n").alias("s"), F.count("n").alias("c")),
}


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_the_rewritten_aggregation_gives_the_same_rows(
    spark: SparkSession,
    plan_of: Callable[[DataFrame], Relation],
    rows: Callable[[Relation], list[tuple]],
    name: str,
) -> None:
    relation = plan_of(AGGREGATIONS[name](frame(spark)))
    rewritten = rewrite_grouping_sets(relation)
    assert rewritten != relation
    assert rows(rewritten) == rows(relation)


def test_a_plain_aggregation_stays_the_same_object(
    spark: SparkSession, plan_of: Callable[[DataFrame], Relation]
) -> None:
    relation = plan_of(frame(spark).groupBy("k").count())
    assert rewrite_grouping_sets(relation) is relation
