"""L1 From CSV to a clean table: leads cleaned, banded by salary, partitioned by the band, and measured.

    python examples/leads/generator.py
    cauce run examples/leads/etl.py --input leads-data/lead_conversions.csv --output leads-data/leads
    cauce run examples/leads/etl.py --big 10000000 --output leads-data/big      # pruning at size

Rows without an id go. A salary that is not known makes the band "Unknown", and only then becomes 0.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import NumericType, StringType

LOW_BELOW, MEDIUM_BELOW = 30_000, 70_000
FORMATS = ("parquet", "delta")
CATEGORIES = 10


def read(spark: SparkSession, path: str) -> DataFrame:
    """The file as it is: types inferred, "NA" is null."""
    return spark.read.csv(path, header=True, inferSchema=True, nullValue="NA")


def clean(raw: DataFrame) -> DataFrame:
    """One row per known lead, without blanks around texts and without nulls among numbers."""
    known = raw.dropna(subset=["id"])
    strings = [field.name for field in raw.schema if isinstance(field.dataType, StringType)]
    numbers = [field.name for field in raw.schema if isinstance(field.dataType, NumericType)]
    trimmed = known.withColumns({name: F.trim(name) for name in strings})
    return trimmed.withColumn("salary_range", salary_range()).fillna(0, subset=numbers)


def salary_range() -> Column:
    salary = F.col("salary")
    band = F.when(salary < LOW_BELOW, "Low").when(salary < MEDIUM_BELOW, "Medium")
    return band.when(salary >= MEDIUM_BELOW, "High").otherwise("Unknown")


def save(table: DataFrame, path: str, file_format: str, partition: str) -> None:
    writer = table.write.format(file_format).mode("overwrite").option("compression", "snappy")
    writer.partitionBy(partition).save(path)


def run(spark: SparkSession, source: str, target: str, file_format: str = "parquet") -> DataFrame:
    """CSV to table; the table, read back."""
    save(clean(read(spark, source)), target, file_format, "salary_range")
    return spark.read.format(file_format).load(target)


def big(spark: SparkSession, rows: int, target: str, file_format: str = "parquet") -> DataFrame:
    """Many rows in ten partitions, read back."""
    numbers = spark.range(rows)
    category = F.concat(F.lit("category_"), (F.col("id") % CATEGORIES).cast("string"))
    measured = numbers.withColumn("category", category).withColumn("amount", F.col("id") % 1000 / 10)
    save(measured, target, file_format, "category")
    return spark.read.format(file_format).load(target)


def size_bytes(path: Path) -> int:
    """Of a file, or of the data files below a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*.parquet"))


def report(source: Path, target: Path, table: DataFrame) -> None:
    table.groupBy("salary_range").count().orderBy("salary_range").show()
    table.describe("age", "salary", "web_visits").show()
    csv, parquet = size_bytes(source), size_bytes(target)
    print(f"{table.count():,} rows; CSV {csv:,} bytes, Parquet {parquet:,} bytes ({csv / parquet:.2f} to 1)")


def report_pruning(table: DataFrame) -> None:
    """A partition's rows are counted without opening the files of the others."""
    one = table.where("category = 'category_3'")
    for name, frame in (("all", table), ("one partition", one)):
        # The sum makes the engine read a column; a bare count may come from the files' footers.
        (count, total), seconds = timed(lambda frame=frame: frame.agg(F.count("*"), F.sum("amount")).first())
        print(f"{name:14} {count:>12,} rows  sum {total:>16,.1f}  {seconds:6.2f} s")


def timed(work: Callable[[], tuple]) -> tuple[tuple, float]:
    started = time.monotonic()
    return work(), time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--input", type=Path, default=Path("leads-data/lead_conversions.csv"))
    parser.add_argument("--output", type=Path, default=Path("leads-data/leads"))
    parser.add_argument("--format", choices=FORMATS, default="parquet")
    parser.add_argument("--big", type=int, metavar="ROWS", help="the pruning demonstration instead")
    options = parser.parse_args()
    spark = SparkSession.builder.appName("leads-etl").getOrCreate()
    if options.big:
        report_pruning(big(spark, options.big, str(options.output.resolve()), options.format))
        return
    source, target = options.input.resolve(), options.output.resolve()
    report(source, target, run(spark, str(source), str(target), options.format))


if __name__ == "__main__":
    main()
