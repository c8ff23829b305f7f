"""What every job of the platform shares: the events, the tables, and where they are."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

TOPICS = {"clicks": 6, "add_to_cart": 3, "compras": 3, "logins": 1}
"""Topic -> partitions. `compras` has the purchases."""
EVENT = (
    "event_id string, user_id string, event_type string, page string, product_id string, amount double, "
    "discount double, region string, campaign string, ts long"
)
"""event_type is click, add_to_cart, purchase, login_ok or login_failed; ts is in milliseconds since 1970."""
CATALOGUE = "product_id string, name string, category string, price double, stock int"
CUSTOMER = "user_id string, name string, email string, segment string, changed_at long"
SILVER = (
    "event_id string, user_id string, event_type string, page string, product_id string, category string, "
    "gross decimal(12,2), net decimal(12,2), region string, campaign string, at timestamp, day date"
)
LATENESS = "10 minutes"
"""No event comes later than that (see traffic.py)."""
NOW = {"availableNow": True}
Trigger = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where events come from, and where tables, checkpoints and the catalogue are."""

    data: Path
    servers: str | None = None
    postgresql: str | None = None

    def folder(self, name: str) -> str:
        """A folder of the platform, created if need be."""
        path = self.data.resolve() / name
        path.mkdir(parents=True, exist_ok=True)
        return str(path)

    def table(self, name: str) -> str:
        """The path of a Delta table."""
        return f"{self.folder('tables')}/{name}"

    def checkpoint(self, name: str) -> str:
        return self.folder(f"checkpoints/{name}")

    def database(self) -> dict[str, str]:
        """JDBC options; PostgreSQL's account comes from PGUSER and PGPASSWORD."""
        if self.postgresql is None:
            return {"url": f"jdbc:sqlite:{self.folder('.')}/shop.db", "driver": "org.sqlite.JDBC"}
        account = {"user": os.environ["PGUSER"], "password": os.environ["PGPASSWORD"]}
        return {"url": self.postgresql, "driver": "org.postgresql.Driver", **account}


def read_table(spark: SparkSession, place: Place, name: str) -> DataFrame:
    return spark.read.format("delta").load(place.table(name))


def stream_table(spark: SparkSession, place: Place, name: str) -> DataFrame:
    """Rows as they are appended; what is erased or compacted later is nobody's news."""
    reader = spark.readStream.format("delta").option("skipChangeCommits", "true")
    return reader.load(place.table(name))


def stream_topic(spark: SparkSession, place: Place, topic: str) -> DataFrame:
    """The events of a topic, or of the folder that stands for it."""
    if place.servers is None:
        reader = spark.readStream.schema(EVENT).option("maxFilesPerTrigger", 8)
        return reader.json(place.folder(f"landing/{topic}"))
    reader = spark.readStream.format("kafka").option("kafka.bootstrap.servers", place.servers)
    return parsed(reader.option("subscribe", topic).option("startingOffsets", "earliest").load())


def read_topic(spark: SparkSession, place: Place, topic: str) -> DataFrame:
    """Everything in the topic now."""
    if place.servers is None:
        return spark.read.schema(EVENT).json(place.folder(f"landing/{topic}"))
    reader = spark.read.format("kafka").option("kafka.bootstrap.servers", place.servers)
    return parsed(reader.option("subscribe", topic).load())


def parsed(records: DataFrame) -> DataFrame:
    event = F.from_json(F.col("value").cast("string"), EVENT)
    return records.select(event.alias("event")).select("event.*")


def timed(events: DataFrame) -> DataFrame:
    """With the event's time and day, and its amounts in cents."""
    at = F.timestamp_millis("ts")
    gross = F.col("amount").cast("decimal(12,2)")
    net = (gross - F.coalesce("discount", F.lit(0.0)).cast("decimal(12,2)")).cast("decimal(12,2)")
    columns = {"at": at, "day": F.to_date(at), "gross": gross, "net": net}
    return events.dropna(subset=["event_id", "user_id", "event_type", "ts"]).withColumns(columns)
