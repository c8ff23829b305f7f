"""L9 Leads scored as they come: parse, enrich, score, and four sinks at once.

    python examples/leads/events.py --total 500 && cauce run examples/leads/streaming.py --once
    cauce run examples/leads/streaming.py --servers localhost:9092 --database jdbc:postgresql://localhost/leads

    events -> parse -> enrich -> score -> console   leads per 30 seconds and segment, as they change
                                       -> Parquet   every scored lead, every 30 seconds
                                       -> alerts    hot leads, to the topic hot-leads-alerts
                                       -> database  lead_predictions, every 15 seconds

Without --servers the events are a folder of JSON files, and so are the alerts; without --database it is
SQLite. PostgreSQL's user and password come from PGUSER and PGPASSWORD.
"""

import argparse
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import DataStreamWriter, StreamingQuery
from scorecard import score

EVENT = (
    "lead_id string, timestamp timestamp, age int, salary int, web_visits int, "
    "last_action string, source string"
)
TOPIC, ALERTS = "leads-events", "hot-leads-alerts"
TABLE = "lead_predictions"
COLUMNS = "lead_id TEXT, predicted_conversion INTEGER, conversion_probability DOUBLE, batch_id INTEGER"
HOT_FROM, WARM_FROM = 0.7, 0.4
NOW = {"availableNow": True}

Trigger = Mapping[str, Any]
Score = Callable[[DataFrame], DataFrame]


@dataclass(frozen=True)
class Place:
    """Where events come from and where everything goes."""

    data: Path
    servers: str | None = None
    database: str | None = None

    def folder(self, name: str) -> str:
        path = self.data.resolve() / name
        path.mkdir(parents=True, exist_ok=True)
        return str(path)

    def database_options(self) -> dict[str, str]:
        if self.database is None:
            return {"url": f"jdbc:sqlite:{self.sqlite()}", "driver": "org.sqlite.JDBC"}
        account = {"user": os.environ["PGUSER"], "password": os.environ["PGPASSWORD"]}
        return {"url": self.database, "driver": "org.postgresql.Driver", **account}

    def sqlite(self) -> str:
        """The file, with its table: Apache Spark knows SQLite too little to create one."""
        path = f"{self.folder('.')}/leads.db"
        with closing(sqlite3.connect(path)) as database:
            database.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} ({COLUMNS})")
        return path


# -- source ------------------------------------------------------------------------------------------------


def read_events(spark: SparkSession, place: Place) -> DataFrame:
    if place.servers is None:
        return spark.readStream.schema(EVENT).json(place.folder("events"))
    reader = spark.readStream.format("kafka").option("kafka.bootstrap.servers", place.servers)
    records = reader.option("subscribe", TOPIC).option("startingOffsets", "earliest").load()
    parsed = F.from_json(F.col("value").cast("string"), EVENT)
    return records.select(parsed.alias("event")).select("event.*")


# -- stages ------------------------------------------------------------------------------------------------


def enrich(events: DataFrame) -> DataFrame:
    """Bands of salary (30,000 and 70,000) and of visits (5 and 20)."""
    known = events.dropna(subset=["lead_id", "timestamp"])
    return known.withColumn("salary_band", band("salary", 30_000, 70_000)).withColumn(
        "visit_band", band("web_visits", 5, 20)
    )


def band(column: str, medium_from: int, high_from: int) -> Column:
    value = F.col(column)
    return F.when(value >= high_from, "High").when(value >= medium_from, "Medium").otherwise("Low")


def segmented(scored: DataFrame) -> DataFrame:
    """hot, warm or cold, by the probability."""
    probability = F.col("conversion_probability")
    segment = F.when(probability >= HOT_FROM, "hot").when(probability >= WARM_FROM, "warm").otherwise("cold")
    return scored.withColumn("segment", segment)


def scored_leads(spark: SparkSession, place: Place, model: Score = score) -> DataFrame:
    return segmented(model(enrich(read_events(spark, place))))


# -- sinks -------------------------------------------------------------------------------------------------


def metrics(leads: DataFrame) -> DataFrame:
    windows = leads.withWatermark("timestamp", "1 minute").groupBy(
        F.window("timestamp", "30 seconds"), "segment"
    )
    counted = windows.agg(
        F.count("*").alias("leads"),
        F.round(F.avg("conversion_probability"), 3).alias("probability"),
        F.round(F.avg("salary")).alias("salary"),
    )
    return counted.select(F.col("window.start").alias("from"), "segment", "leads", "probability", "salary")


def to_console(leads: DataFrame, place: Place, trigger: Trigger) -> StreamingQuery:
    writer = metrics(leads).writeStream.outputMode("update").format("console").option("truncate", "false")
    return start(writer, place, "metrics", trigger)


def to_parquet(leads: DataFrame, place: Place, trigger: Trigger) -> StreamingQuery:
    writer = leads.writeStream.format("parquet").option("path", place.folder("scored"))
    return start(writer, place, "scored", trigger)


def to_alerts(leads: DataFrame, place: Place, trigger: Trigger) -> StreamingQuery:
    hot = leads.where("segment = 'hot'")
    if place.servers is None:
        writer = hot.writeStream.format("json").option("path", place.folder("alerts"))
    else:
        records = hot.select(F.col("lead_id").alias("key"), F.to_json(F.struct("*")).alias("value"))
        writer = records.writeStream.format("kafka").option("kafka.bootstrap.servers", place.servers)
        writer = writer.option("topic", ALERTS)
    return start(writer, place, "alerts", trigger)


def to_database(leads: DataFrame, place: Place, trigger: Trigger) -> StreamingQuery:
    options = place.database_options()

    def save(batch: DataFrame, batch_id: int) -> None:
        # A batch repeated after a crash has the same number, so whoever reads can tell its rows.
        predictions = batch.select("lead_id", "predicted_conversion", "conversion_probability")
        numbered = predictions.withColumn("batch_id", F.lit(batch_id)).coalesce(1)
        numbered.write.format("jdbc").options(**options, dbtable=TABLE).mode("append").save()

    return start(leads.writeStream.foreachBatch(save), place, "database", trigger)


def start(writer: DataStreamWriter, place: Place, name: str, trigger: Trigger) -> StreamingQuery:
    checkpoint = place.folder(f"checkpoints/{name}")
    return writer.queryName(name).option("checkpointLocation", checkpoint).trigger(**trigger).start()


SINKS = {
    "metrics": (to_console, {"processingTime": "10 seconds"}),
    "scored": (to_parquet, {"processingTime": "30 seconds"}),
    "alerts": (to_alerts, {"processingTime": "1 second"}),
    "database": (to_database, {"processingTime": "15 seconds"}),
}
"""Query name -> sink, and how often it runs."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("leads-data"), help="everything's folder")
    parser.add_argument("--servers", help="Kafka's host:port")
    parser.add_argument("--database", help="jdbc:postgresql://host:port/name")
    parser.add_argument("--once", action="store_true", help="score what is there and end")
    options = parser.parse_args()
    place = Place(options.data, options.servers, options.database)
    spark = SparkSession.builder.appName("leads").config("spark.sql.shuffle.partitions", 2).getOrCreate()
    leads = scored_leads(spark, place)
    if options.once:
        for sink, _ in SINKS.values():
            sink(leads, place, NOW).awaitTermination()
    else:
        for sink, trigger in SINKS.values():
            sink(leads, place, trigger)
        spark.streams.awaitAnyTermination()


if __name__ == "__main__":
    main()
