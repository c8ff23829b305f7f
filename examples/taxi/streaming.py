"""Scores trips as they arrive: Parquet files in, durations with a 90% interval out, warnings on the way.

cauce run examples/taxi/streaming.py --data taxi-data
"""

import argparse
import json
from pathlib import Path

from health import Profile, health
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQuery
from trips import SCHEMA, labelled, plausible, with_features

FILES_PER_TRIGGER = 4
HEALTH = "trips BIGINT, invalid BIGINT, drift DOUBLE, warnings ARRAY<STRING>"


def scored(trips: DataFrame, model: PipelineModel, low_min: float, high_min: float) -> DataFrame:
    """Plausible trips, which have features, with `prediction` in minutes, and `low`, `high` around it."""
    predicted = model.transform(trips.filter(plausible()))
    return predicted.select(
        "id",
        "pickup_datetime",
        "distance_km",
        F.greatest("prediction", F.lit(0.0)).alias("prediction"),
        F.greatest(F.col("prediction") + low_min, F.lit(0.0)).alias("low"),
        (F.col("prediction") + high_min).alias("high"),
    )


def arriving(spark: SparkSession, data: Path) -> DataFrame:
    reader = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", FILES_PER_TRIGGER)
    return with_features(reader.parquet(str(data / "arriving")))


def start_scoring(spark: SparkSession, data: Path) -> StreamingQuery:
    """Scored trips are appended to data/scored, exactly once."""
    low, high = json.loads((data / "about.json").read_text())["interval_90_min"]
    model = PipelineModel.load(str(data / "model"))
    writer = scored(arriving(spark, data), model, low, high).writeStream.format("parquet")
    writer = writer.option("checkpointLocation", str(data / "checkpoints" / "scored"))
    return writer.trigger(availableNow=True).start(str(data / "scored"))


def start_watching(spark: SparkSession, data: Path) -> StreamingQuery:
    """Each batch's health goes to data/health, under its batch's number; warnings are printed."""
    edges = Profile.of(labelled(spark.read.parquet(str(data / "trips.parquet")))).edges
    folder = str(data / "health")

    def judge(trips: DataFrame, batch_id: int) -> None:
        found = health(trips, Profile(edges))
        for warning in found.warnings():
            print(f"WARNING batch {batch_id}: {warning}", flush=True)
        row = [(found.trips, found.invalid, found.drift, found.warnings())]
        report = trips.sparkSession.createDataFrame(row, HEALTH)
        report.write.mode("overwrite").json(f"{folder}/batch={batch_id}")

    writer = arriving(spark, data).writeStream.foreachBatch(judge)
    writer = writer.option("checkpointLocation", str(data / "checkpoints" / "health"))
    return writer.trigger(availableNow=True).start()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("taxi-data"))
    options = parser.parse_args()
    spark = SparkSession.builder.appName("taxi-streaming").getOrCreate()
    for query in (start_watching(spark, options.data), start_scoring(spark, options.data)):
        query.awaitTermination()
    print(spark.read.parquet(str(options.data / "scored")).count(), "trips scored")


if __name__ == "__main__":
    main()
