"""Streaming SQL: views over streams, a common table expression, a join and a windowed GROUP BY."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from verbs import Events, answers


def run(spark: SparkSession, directory: Path):
    spark.createDataFrame([("a", 2), ("b", 3)], "value string, price int").createOrReplaceTempView("prices")
    batches = [[(0, "a"), (1, "a"), (2, "b")], [(11, "a"), (12, "zz"), (13, "b")]]
    return {
        "windows": answers(spark, directory / "windows", windows, batches, "complete"),
        "projected": answers(spark, directory / "projected", projected, batches),
    }


def windows(events: Events) -> DataFrame:
    events.with_watermark("10 seconds").createOrReplaceTempView("events")
    return events.frame.sparkSession.sql(
        """
        WITH priced AS (
          SELECT e.time, e.value, p.price, CASE WHEN p.price > 2 THEN 'dear' ELSE 'cheap' END AS class
          FROM events AS e JOIN prices AS p ON e.value = p.value
          WHERE e.second >= 1
        )
        SELECT CAST(window(time, '10 seconds').start AS BIGINT) AS start, class,
               count(*) AS n, sum(price) AS total
        FROM priced GROUP BY window(time, '10 seconds'), class HAVING count(*) > 0
        """
    )


def projected(events: Events) -> DataFrame:
    events.frame.createOrReplaceTempView("events")
    text = "SELECT upper(value) AS v, second + 1 AS next FROM events WHERE value IN ('a', 'zz')"
    return events.frame.sparkSession.sql(text)
