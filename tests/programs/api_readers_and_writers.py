"""Every method of DataFrameReader, DataFrameWriter and DataFrameWriterV2."""

from pathlib import Path
from typing import Any

from api_calls import Call, answers, shop
from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def run(spark: SparkSession, directory: Path) -> Any:
    return answers(CALLS, spark, directory)


def round_trip(format: str) -> Call:
    def call(spark: SparkSession, directory: Path) -> Any:
        path = str(directory / "out")
        shop(spark).write.format(format).save(path)
        return spark.read.format(format).schema(shop(spark).schema).load(path)

    return call


def modes(spark: SparkSession, directory: Path) -> Any:
    path, counts = str(directory / "out"), []
    for mode in ("error", "append", "ignore", "overwrite"):
        shop(spark).write.mode(mode).parquet(path)
        counts.append(spark.read.parquet(path).count())
    return counts


def table(name: str, *steps: Any) -> Call:
    """Writes to a table that is dropped afterwards."""

    def call(spark: SparkSession, _: Path) -> Any:
        spark.sql(f"DROP TABLE IF EXISTS {name}")
        try:
            for step in steps:
                step(spark, name)
            return spark.table(name)
        finally:
            spark.sql(f"DROP TABLE IF EXISTS {name}")

    return call


def save(spark: SparkSession, name: str) -> None:
    shop(spark).write.saveAsTable(name)


def partitioned(spark: SparkSession, directory: Path) -> Any:
    path = str(directory / "out")
    shop(spark).select("who", "price", "id", "kind").write.partitionBy("id").parquet(path)
    return spark.read.parquet(path)


def one_line(text: str, read: Any) -> Call:
    def call(spark: SparkSession, directory: Path) -> Any:
        path = directory / "file"
        path.write_text(text)
        return read(spark.read, str(path))

    return call


CALLS: dict[str, Call] = {
    "csv": round_trip("csv"),
    "json": round_trip("json"),
    "orc": round_trip("orc"),
    "parquet": round_trip("parquet"),
    "text": lambda s, d: [
        s.createDataFrame([("a",), ("b",)], "value string").write.text(str(d / "t")),
        s.read.text(str(d / "t")),
    ],
    "xml": lambda s, d: [
        shop(s).write.option("rowTag", "o").xml(str(d / "x")),
        s.read.schema(shop(s).schema).option("rowTag", "o").xml(str(d / "x")),
    ],
    "read.csv.inferred": one_line("a,b\n1,x\n2,y\n", lambda r, p: r.csv(p, header=True, inferSchema=True)),
    "read.csv.options": one_line("1;x\n", lambda r, p: r.option("sep", ";").options(header=False).csv(p)),
    "read.json.inferred": one_line('{"b": 1, "a": [1.5]}\n', lambda r, p: r.json(p)),
    "read.table": lambda s, _: [
        shop(s).createOrReplaceTempView("api_read"),
        s.read.table("api_read").count(),
    ],
    "read.load.unknown": lambda s, _: s.read.format("no.such.format").load(),
    "read.missing": lambda s, d: s.read.parquet(str(d / "missing")),
    "read.wholetext": one_line("a\nb", lambda r, p: r.text(p, wholetext=True)),
    "read.jdbc.nothing": lambda s, _: s.read.format("jdbc").load(),
    "read.changes": lambda s, _: s.read.changes("api_no_table"),
    "read.partitions": partitioned,
    "modes": modes,
    "mode.unknown": lambda s, d: shop(s).write.mode("sometimes").parquet(str(d / "out")),
    "save.exists": lambda s, d: [shop(s).write.parquet(str(d / "o")), shop(s).write.parquet(str(d / "o"))],
    "saveAsTable": table("api_saved", save),
    "saveAsTable.exists": table("api_saved", save, save),
    "insertInto": table("api_saved", save, lambda s, n: shop(s).write.insertInto(n)),
    "insertInto.overwrite": table(
        "api_saved", save, lambda s, n: shop(s).limit(1).write.insertInto(n, overwrite=True)
    ),
    "bucketBy": table(
        "api_buckets", lambda s, n: shop(s).write.bucketBy(2, "id").sortBy("id").saveAsTable(n)
    ),
    "sortBy.alone": lambda s, _: shop(s).write.sortBy("id").saveAsTable("api_sorted"),
    "bucketBy.save": lambda s, d: shop(s).write.bucketBy(2, "id").parquet(str(d / "out")),
    "clusterBy": table("api_clustered", lambda s, n: shop(s).write.clusterBy("id").saveAsTable(n)),
    "writeTo.create": table("api_v2", lambda s, n: shop(s).writeTo(n).using("parquet").create()),
    "writeTo.create.exists": table("api_v2", save, lambda s, n: shop(s).writeTo(n).using("parquet").create()),
    "writeTo.append": table("api_v2", save, lambda s, n: shop(s).writeTo(n).append()),
    "writeTo.append.unknown": lambda s, _: shop(s).writeTo("api_no_table").append(),
    "writeTo.replace": lambda s, _: shop(s).writeTo("api_no_table").using("parquet").replace(),
    "writeTo.createOrReplace": lambda s, _: shop(s).writeTo("api_v2").using("parquet").createOrReplace(),
    "writeTo.overwrite": table("api_v2", save, lambda s, n: shop(s).writeTo(n).overwrite(F.lit(True))),
    "writeTo.overwritePartitions": table(
        "api_v2", save, lambda s, n: shop(s).writeTo(n).overwritePartitions()
    ),
    "writeTo.partitionedBy": table(
        "api_v2", lambda s, n: shop(s).writeTo(n).using("parquet").partitionedBy("kind").create()
    ),
    "writeTo.tableProperty": table(
        "api_v2", lambda s, n: shop(s).writeTo(n).using("parquet").tableProperty("k", "v").create()
    ),
}
