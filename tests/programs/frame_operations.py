"""Frame operations users chain before a sink: na functions, replace, drop, rename, toDF, unpivot, cast."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from verbs import Events, process


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    events.add((1, "a"), (2, None), (3, "c"))
    plain = events.frame.select("second", "value")
    return {
        "fill": process(plain.na.fill("?"), directory, name="fill"),
        "drop": process(plain.dropna(), directory, name="drop_nulls"),
        "replace": process(plain.replace({"a": "A"}), directory, name="replace"),
        "rename": process(
            plain.withColumnRenamed("value", "v").toDF("x", "y").drop("x"), directory, name="rename"
        ),
        "columns": process(
            plain.withColumns({"n": F.col("second").cast("int"), "value": F.lit("z")}), directory, name="c"
        ),
        "unpivot": process(
            plain.na.fill("?").withColumn("w", F.lit("w")).unpivot("second", ["value", "w"], "k", "v"),
            directory,
            name="u",
        ),
        "parse": process(
            plain.select(F.coalesce("value", F.lit("x")).alias("v")).alias("t").select("t.v"),
            directory,
            name="t",
        ),
    }
