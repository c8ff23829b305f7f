"""Proves a streamed gold table: the same question asked as a batch over every line that ever landed."""

from dataclasses import dataclass
from pathlib import Path

from pipeline import EVENT, REQUIRED, TIMESTAMPS, catalogue, current_gold, enriched, folder, per_category
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Verdict:
    """Rows of both answers, each sorted by window and category, and the rows that differ."""

    streamed: list[Row]
    batch: list[Row]

    @property
    def differences(self) -> list[tuple[Row | None, Row | None]]:
        """(streamed, batch) for each window and category on which they do not agree exactly."""
        streamed = {(row.window_start, row.category): row for row in self.streamed}
        batch = {(row.window_start, row.category): row for row in self.batch}
        keys = sorted(streamed.keys() | batch.keys())
        return [(streamed.get(key), batch.get(key)) for key in keys if streamed.get(key) != batch.get(key)]

    @property
    def equal(self) -> bool:
        return bool(self.batch) and not self.differences


def batch_gold(spark: SparkSession, data: Path) -> DataFrame:
    """Gold computed from the raw files at once, by a reader and a deduplication of its own."""
    lines = spark.read.schema(EVENT).options(**TIMESTAMPS).json(folder(data, "landing"))
    events = lines.dropna(subset=REQUIRED)
    return per_category(enriched(events.dropDuplicates(["event_id"]), catalogue(spark)))


def verify(spark: SparkSession, data: Path, batch_id_max: int) -> Verdict:
    """Ask both and compare; `batch_id_max` is gold's last finished batch."""
    return Verdict(rows(current_gold(spark, data, batch_id_max)), rows(batch_gold(spark, data)))


def rows(table: DataFrame) -> list[Row]:
    return table.orderBy(F.col("window_start"), F.col("category")).collect()
