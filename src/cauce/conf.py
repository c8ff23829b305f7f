"""Configuration keys that cauce reads, with Spark's names and defaults."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["DEFAULTS", "Conf"]

DEFAULTS: dict[str, str] = {
    "spark.sql.shuffle.partitions": "200",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.streaming.checkpointLocation": "",
    "spark.sql.streaming.forceDeleteTempCheckpointLocation": "false",
    "spark.sql.streaming.metricsEnabled": "false",
    "spark.sql.streaming.minBatchesToRetain": "100",
    "spark.sql.streaming.multipleWatermarkPolicy": "min",
    "spark.sql.streaming.noDataMicroBatches.enabled": "true",
    "spark.sql.streaming.noDataProgressEventInterval": "10000",
    "spark.sql.streaming.numRecentProgressUpdates": "100",
    "spark.sql.streaming.pollingDelay": "10",
    "spark.sql.streaming.schemaInference": "false",
    "spark.sql.streaming.statefulOperator.checkCorrectness.enabled": "true",
    "spark.sql.streaming.stopActiveRunOnRestart": "true",
    "spark.sql.streaming.stopTimeout": "0",
    "spark.sql.streaming.unsupportedOperationCheck": "true",
    "cauce.sql.streaming.relaxed": "false",
}


@dataclass(frozen=True)
class Conf:
    """One immutable view of a session's settings; a query keeps the one it started with."""

    values: Mapping[str, str]

    def get(self, key: str) -> str:
        return self.values.get(key, DEFAULTS.get(key, ""))

    def flag(self, key: str) -> bool:
        return self.get(key).lower() == "true"

    def number(self, key: str) -> int:
        return int(self.get(key))
