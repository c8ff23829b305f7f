"""Every function of df.na and df.stat."""

from pathlib import Path
from typing import Any

from api_calls import Call, answers, shop
from pyspark.sql import SparkSession


def run(spark: SparkSession, directory: Path) -> Any:
    return answers(CALLS, spark, directory)


def numbers(spark: SparkSession) -> Any:
    rows = [(1, 10.0, "x"), (2, 20.0, "y"), (1, None, "x"), (4, 25.0, "x"), (None, float("nan"), None)]
    return spark.createDataFrame(rows, "a int, b double, c string").coalesce(1)


CALLS: dict[str, Call] = {
    "na.drop": lambda s, _: shop(s).na.drop(),
    "na.drop.all": lambda s, _: shop(s).na.drop("all", subset=["who", "kind"]),
    "na.drop.thresh": lambda s, _: shop(s).na.drop(thresh=4),
    "na.drop.unknown": lambda s, _: shop(s).na.drop(subset=["nothing"]),
    "na.drop.nan": lambda s, _: numbers(s).na.drop(subset=["b"]),
    "na.fill.number": lambda s, _: shop(s).na.fill(9),
    "na.fill.text": lambda s, _: shop(s).na.fill("?"),
    "na.fill.columns": lambda s, _: shop(s).na.fill({"price": 1.5, "who": "nobody"}),
    "na.fill.subset": lambda s, _: shop(s).na.fill("?", subset=["who", "price"]),
    "na.replace.numbers": lambda s, _: shop(s).na.replace([1, 2], [10, 20], "id"),
    "na.replace.null": lambda s, _: shop(s).na.replace({"ana": None}, subset=["who"]),
    "approxQuantile": lambda s, _: s.range(11).approxQuantile("id", [0.0, 0.3, 0.5, 1.0], 0.0),
    "approxQuantile.several": lambda s, _: numbers(s).approxQuantile(["a", "b"], [0.5], 0.1),
    "approxQuantile.text": lambda s, _: numbers(s).approxQuantile("c", [0.5], 0.1),
    "approxQuantile.probability": lambda s, _: numbers(s).approxQuantile("a", [1.5], 0.1),
    "corr": lambda s, _: round(numbers(s).where("a < 3 AND b IS NOT NULL").stat.corr("a", "b"), 9),
    "corr.text": lambda s, _: numbers(s).stat.corr("a", "c"),
    "cov": lambda s, _: round(numbers(s).where("b < 30").stat.cov("a", "b"), 9),
    "crosstab": lambda s, _: numbers(s).stat.crosstab("a", "c"),
    "freqItems": lambda s, _: (
        s.createDataFrame([(1, "x")] * 5 + [(2, "y")] * 4 + [(3, "z")], "a int, c string")
        .coalesce(1)
        .stat.freqItems(["a", "c"], 0.4)
    ),
    "freqItems.default": lambda s, _: (
        s.range(3).coalesce(1).freqItems(["id"]).selectExpr("sort_array(id_freqItems) AS items")
    ),
    "freqItems.support": lambda s, _: s.range(3).freqItems(["id"], 1e-7),
    "freqItems.nulls": lambda s, _: (
        numbers(s).freqItems(["a", "c"], 0.5).selectExpr("size(a_freqItems)", "size(c_freqItems)")
    ),
    "sampleBy": lambda s, _: (
        s.range(20).selectExpr("id % 2 AS k", "id").stat.sampleBy("k", {0: 1.0, 1: 0.0}, 5)
    ),
    "summary": lambda s, _: (
        numbers(s)
        .where("b < 30")
        .summary("count", "count_distinct", "approx_count_distinct", "mean", "25%", "75%")
    ),
    "describe": lambda s, _: shop(s).describe(),
}
