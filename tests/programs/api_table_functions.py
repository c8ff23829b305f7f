"""Every table-valued function, from spark.tvf and from SQL."""

from pathlib import Path
from typing import Any

from api_calls import Call, answers
from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def run(spark: SparkSession, directory: Path) -> Any:
    return answers(CALLS, spark, directory)


def pairs() -> Any:
    return F.array(F.struct(F.lit(1).alias("a"), F.lit("x").alias("b")), F.struct(F.lit(2), F.lit("y")))


def variant() -> Any:
    return F.parse_json(F.lit('{"a": 1, "b": [true]}'))


CALLS: dict[str, Call] = {
    "range": lambda s, _: s.tvf.range(2, 8, 3),
    "range.end": lambda s, _: s.tvf.range(3),
    "explode": lambda s, _: s.tvf.explode(F.array(F.lit(1), F.lit(2))),
    "explode.map": lambda s, _: s.tvf.explode(F.create_map(F.lit("k"), F.lit(1))),
    "explode_outer": lambda s, _: s.tvf.explode_outer(F.array().cast("array<int>")),
    "inline": lambda s, _: s.tvf.inline(pairs()),
    "inline_outer": lambda s, _: s.tvf.inline_outer(F.lit(None).cast("array<struct<a:int>>")),
    "json_tuple": lambda s, _: s.tvf.json_tuple(F.lit('{"a": 1, "b": "x"}'), F.lit("a"), F.lit("b")),
    "posexplode": lambda s, _: s.tvf.posexplode(F.array(F.lit("x"))),
    "posexplode_outer": lambda s, _: s.tvf.posexplode_outer(F.array().cast("array<int>")),
    "stack": lambda s, _: s.tvf.stack(F.lit(2), F.lit(1), F.lit("x"), F.lit(2), F.lit("y")),
    "collations": lambda s, _: (
        s.tvf.collations().where("name IN ('UTF8_BINARY', 'UNICODE_CI', 'UTF8_LCASE')").drop("icu_version")
    ),
    "collations.columns": lambda s, _: s.tvf.collations().schema.simpleString(),
    "collations.many": lambda s, _: s.tvf.collations().count() > 100,
    "sql_keywords": lambda s, _: s.tvf.sql_keywords().where(
        "keyword IN ('SELECT', 'ANTI', 'FROM', 'STREAM')"
    ),
    "sql_keywords.all": lambda s, _: s.tvf.sql_keywords().count(),
    "sql_keywords.sql": lambda s, _: s.sql("SELECT count(*) > 300 AS many FROM sql_keywords()"),
    "variant_explode": lambda s, _: s.tvf.variant_explode(variant()).selectExpr(
        "pos", "key", "to_json(value) AS value"
    ),
    "variant_explode_outer": lambda s, _: s.tvf.variant_explode_outer(F.parse_json(F.lit("[]"))).select(
        "pos", "key"
    ),
    "python_worker_logs": lambda s, _: s.tvf.python_worker_logs().count(),
    "sql.range": lambda s, _: s.sql("SELECT * FROM range(3)"),
    "sql.explode": lambda s, _: s.sql("SELECT * FROM explode(array(1, 2))"),
    "sql.lateral": lambda s, _: s.sql("SELECT id, v FROM range(2), LATERAL explode(array(id, 7)) AS t(v)"),
    "sql.stack": lambda s, _: s.sql("SELECT * FROM stack(2, 1, 'x', 2, 'y')"),
}
