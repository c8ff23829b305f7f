"""S12 Lambda, Kappa and Delta architecture on the same sales: three ways to one answer.

    cauce run examples/cookbook/lakehouse/architectures.py

Lambda asks a batch for the past and a stream for today and adds the two; Kappa replays everything through one
stream; Delta keeps one table that streams write and batches read.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from kitchen import Topic, cook, rows, run_available
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

SALE = "day date, product string, amount double"
TODAY = "2026-01-02"


def recipe(spark: SparkSession, folder: Path) -> dict:
    sales = Topic(spark, folder / "sales", SALE)
    sales.send(sale("2026-01-01", "lamp", 10.0), sale("2026-01-01", "chair", 20.0))
    sales.send(sale(TODAY, "lamp", 5.0))
    return {
        "lambda": rows(lambda_architecture(spark, sales, folder)),
        "kappa": run_available(revenue(sales.frame), "complete"),
        "delta": rows(delta_architecture(spark, sales, folder)),
    }


def revenue(sales: DataFrame) -> DataFrame:
    return sales.groupBy("product").agg(F.sum("amount").alias("revenue"))


def lambda_architecture(spark: SparkSession, sales: Topic, folder: Path) -> DataFrame:
    past = revenue(spark.read.schema(SALE).json(str(folder / "sales")).where(F.col("day") < TODAY))
    run_available(revenue(sales.frame.where(F.col("day") >= TODAY)), "complete", name="today")
    both = past.unionByName(spark.table("today"))
    return both.groupBy("product").agg(F.sum("revenue").alias("revenue"))


def delta_architecture(spark: SparkSession, sales: Topic, folder: Path) -> DataFrame:
    table = str(folder / "table")
    writer = sales.frame.writeStream.format("delta").option("checkpointLocation", str(folder / "checkpoint"))
    writer.trigger(availableNow=True).start(table).awaitTermination()
    return revenue(spark.read.format("delta").load(table))


def sale(day: str, product: str, amount: float) -> dict:
    return {"day": day, "product": product, "amount": amount}


if __name__ == "__main__":
    cook(recipe)
