"""Forms of SQL over a stream: pivots, grouping sets, ordered aggregates, samples, natural joins, filters."""

from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from verbs import Events, rows

FORMS = {
    "pivot": "SELECT * FROM (SELECT value, second FROM v) PIVOT (sum(second) FOR value IN ('a', 'b'))",
    "pivot by key": """SELECT * FROM (SELECT value, second, second > 2 AS big FROM v)
        PIVOT (sum(second) AS total, count(*) AS n FOR value IN ('a' AS x, 'b' AS y))""",
    "pivot of two columns": """SELECT * FROM (SELECT value, second, second > 2 AS big FROM v)
        PIVOT (max(second) FOR (value, big) IN (('a', true), ('b', false) AS small_b))""",
    "named window": "SELECT sum(second) OVER w AS s FROM v WINDOW w AS (PARTITION BY value)",
    "unused named window": "SELECT second FROM v WINDOW w AS (PARTITION BY value)",
    "sample percent": "SELECT second FROM v TABLESAMPLE (100 PERCENT)",
    "sample rows": "SELECT second FROM v TABLESAMPLE (2 ROWS)",
    "sample bucket": "SELECT second FROM v TABLESAMPLE (BUCKET 1 OUT OF 2)",
    "natural join": "SELECT * FROM (SELECT value, second FROM v) s NATURAL JOIN prices",
    "natural left join": "SELECT * FROM (SELECT value, second FROM v) s NATURAL LEFT JOIN prices",
    "natural join without a common column": "SELECT * FROM (SELECT second FROM v) s NATURAL JOIN prices",
    "grouping sets": """SELECT value, second > 2 AS big, count(*) AS n, grouping_id() AS g FROM v
        GROUP BY GROUPING SETS ((value), (second > 2), ())""",
    "grouping sets of columns": """SELECT value, second, count(*) AS n, grouping(value) AS g FROM v
        GROUP BY value, second GROUPING SETS ((value), (value, second))""",
    "rollup": "SELECT value, sum(second) AS s FROM v GROUP BY ROLLUP (value)",
    "with rollup": "SELECT value, sum(second) AS s FROM v GROUP BY value WITH ROLLUP",
    "cube": "SELECT value, second, count(*) AS n FROM v GROUP BY CUBE (value, second)",
    "with cube": "SELECT value, second, count(*) AS n FROM v GROUP BY value, second WITH CUBE",
    "rollup and a key": "SELECT value, second, count(*) AS n FROM v GROUP BY value, ROLLUP (second)",
    "two cubes": "SELECT value, second, count(*) AS n FROM v GROUP BY CUBE (value), ROLLUP (second)",
    "percentile_cont": "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY second) AS p FROM v",
    "percentile_cont descending": """SELECT value,
        percentile_cont(0.25) WITHIN GROUP (ORDER BY second DESC) AS p FROM v GROUP BY value""",
    "percentile_cont filtered": """SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY second)
        FILTER (WHERE value = 'a') AS p FROM v""",
    "mode within group": "SELECT mode() WITHIN GROUP (ORDER BY value) AS m FROM v",
    "listagg": "SELECT listagg(value, '-') WITHIN GROUP (ORDER BY value DESC) AS l FROM v",
    "string_agg": "SELECT string_agg(value, ',') WITHIN GROUP (ORDER BY value) AS l FROM v",
    "listagg without an order": "SELECT length(listagg(value)) AS l FROM v",
    "percentile": "SELECT percentile(second, 0.5) AS p FROM v",
    "median": "SELECT median(second) AS m FROM v",
    "approx_percentile": "SELECT approx_percentile(second, array(0.5, 0.9)) AS p FROM v",
    "first ignoring nulls": "SELECT first(nullif(second, CAST(1 AS DOUBLE))) IGNORE NULLS AS f FROM v",
    "first respecting nulls": "SELECT first(nullif(second, CAST(1 AS DOUBLE))) RESPECT NULLS AS f FROM v",
    "last ignoring nulls": "SELECT last(nullif(value, 'b')) IGNORE NULLS AS f FROM v",
    "any_value filtered": "SELECT any_value(second) FILTER (WHERE value = 'b') AS f FROM v",
    "first filtered": "SELECT first(second) FILTER (WHERE value = 'b') AS f FROM v",
    "first filtered with nulls": """SELECT
        first(nullif(second, CAST(2 AS DOUBLE))) FILTER (WHERE value = 'b') AS f FROM v""",
    "counts filtered": """SELECT count(*) FILTER (WHERE second > 1) AS n,
        sum(second) FILTER (WHERE value = 'a') AS s FROM v""",
    "lateral view": "SELECT value, x FROM v LATERAL VIEW explode(array(1, 2)) t AS x",
    "lateral view outer": """SELECT value, x FROM v
        LATERAL VIEW OUTER explode(filter(array(second), y -> y > 1)) t AS x""",
    "from first": "FROM v SELECT value WHERE second > 1",
    "distribute by": "SELECT value FROM v DISTRIBUTE BY value",
    "sort by": "SELECT value FROM v SORT BY value",
    "cluster by": "SELECT value FROM v CLUSTER BY value",
    "offset": "SELECT value FROM v OFFSET 1",
    "hint": "SELECT /*+ REPARTITION(2) */ value FROM v",
    "union all": "SELECT value FROM v UNION ALL SELECT value FROM v",
    "intersect": "SELECT value FROM v INTERSECT SELECT value FROM prices",
    "in a list of a query": "SELECT value FROM v WHERE value IN (SELECT value FROM prices)",
    "semi join": "SELECT value FROM v LEFT SEMI JOIN prices USING (value)",
    "anti join": "SELECT value FROM v LEFT ANTI JOIN prices USING (value)",
    "cross join": "SELECT s.value, p.price FROM v s CROSS JOIN prices p",
    "star except": "SELECT * EXCEPT (time) FROM v",
    "order by in complete": """SELECT value, count(*) AS n FROM v
        GROUP BY value ORDER BY n DESC, value LIMIT 1""",
    "group by all": "SELECT value, sum(second) AS s FROM v GROUP BY ALL",
    "having": "SELECT value, sum(second) AS s FROM v GROUP BY value HAVING s > 2",
    "try_sum": "SELECT try_sum(second) AS s, try_avg(second) AS a FROM v",
}

APPENDED = """named window|unused named window|sample percent|sample rows|sample bucket
natural join|natural left join|natural join without a common column|lateral view|lateral view outer
from first|distribute by|sort by|cluster by|offset|hint|union all|intersect|in a list of a query
semi join|anti join|cross join|star except""".replace("\n", "|").split("|")


def run(spark: SparkSession, directory: Path):
    spark.createDataFrame([("a", 2), ("c", 3)], "value string, price int").createOrReplaceTempView("prices")
    events = Events(spark, directory / "in")
    events.frame.createOrReplaceTempView("v")
    events.add((1, "a"), (2, "b"), (3, "a"))
    events.add((4, "b"))
    return {name: answer(spark, name, text) for name, text in FORMS.items()}


def answer(spark: SparkSession, name: str, text: str) -> Any:
    """The query's rows, or what it is refused with."""
    mode = "append" if name in APPENDED else "complete"
    try:
        writer = spark.sql(text).writeStream.format("memory").queryName("forms").outputMode(mode)
        writer.trigger(availableNow=True).start().awaitTermination()
        frame = spark.table("forms")
        return [frame.columns, sorted(rows(frame), key=repr)]
    except PySparkException as error:
        return [type(error).__name__, error.getCondition(), error.getSqlState()]
