"""Every mergeable aggregate function, over two batches of one stream."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from verbs import Events, answers

FUNCTIONS = [
    "count(*)",
    "count(x)",
    "count(x, value)",
    "count_if(x > 2)",
    "sum(x)",
    "sum(n)",
    "sum(CAST(n AS DECIMAL(10, 2)))",
    "avg(x)",
    "avg(CAST(n AS DECIMAL(10, 2)))",
    "min(x)",
    "max(x)",
    "min(value)",
    "max(value)",
    "min(x > 2)",
    "max(named_struct('a', x, 'b', value))",
    "first(k)",
    "first(x, true)",
    "last(k)",
    "any_value(k)",
    "bool_and(x > 0)",
    "bool_or(x > 5)",
    "every(x > 1)",
    "some(x > 5)",
    "round(stddev(x), 9)",
    "round(stddev_pop(x), 9)",
    "round(variance(x), 9)",
    "round(var_pop(x), 9)",
    "round(skewness(x), 9)",
    "round(kurtosis(x), 9)",
    "round(corr(x, n), 9)",
    "round(covar_pop(x, n), 9)",
    "round(covar_samp(x, n), 9)",
    "sort_array(collect_list(n))",
    "sort_array(collect_set(k))",
    "approx_count_distinct(n)",
    "percentile_approx(x, 0.5)",
    "max_by(value, x)",
    "min_by(value, x)",
    "sum(x) / count(x) + 1",
    "CAST(sum(second) AS STRING)",
]


def run(spark: SparkSession, directory: Path):
    batches = [[(1.5, "a"), (4.25, "b"), (3, "a")], [(8, "c"), (2, "a"), (0, "b")]]
    grouped = answers(
        spark, directory / "grouped", lambda events: aggregated(events, "half"), batches, "update"
    )
    overall = answers(spark, directory / "overall", aggregated, batches, "complete")
    return {
        "grouped": [named(batch, 1) for batch in grouped],
        "overall": [named(batch, 0) for batch in overall],
    }


def aggregated(events: Events, *keys: str) -> DataFrame:
    columns = events.frame.selectExpr(
        "second",
        "value",
        "second < 3 AS half",
        "CASE WHEN second > 0 THEN second END AS x",
        "CAST(second * 2 AS BIGINT) AS n",
        "CAST(1 AS INT) AS k",
    )
    functions = [f"{text} AS c{number}" for number, text in enumerate(FUNCTIONS)]
    columns.createOrReplaceTempView("columns")
    grouping = f" GROUP BY {', '.join(keys)}" if keys else ""
    return columns.sparkSession.sql(f"SELECT {', '.join([*keys, *functions])} FROM columns{grouping}")


def named(batch: list[list], keys: int) -> list[dict]:
    return [{"keys": row[:keys]} | dict(zip(FUNCTIONS, row[keys:], strict=True)) for row in batch]
