"""N24 Fraud: a user with more than 5 transactions, 10,000 in total or 2 countries within 10 minutes.

    cauce run examples/cookbook/fraud.py

transformWithState keeps the transactions of the last ten minutes of event time per user; what nobody
touched for 24 hours goes by itself (TTL). Apache Spark needs RocksDB as state store for it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from kitchen import Topic, cook, run_available
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle

WITHIN_S = 600
DAY_MS = 24 * 60 * 60 * 1000
ROCKS_DB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
TRANSACTION = "time timestamp, user_id string, amount double, country string"
ALERT = "user_id string, alert string, risk_score double, timestamp timestamp"


class FraudDetector(StatefulProcessor):
    """Emits one alert for each batch in which a user's last ten minutes look suspicious."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        schema = "second long, amount double, country string"
        self.recent = handle.getListState("recent", schema, ttlDurationMs=DAY_MS)

    def handleInputRows(  # noqa: N802 - Spark's name
        self,
        key: Any,
        rows: Iterator[pd.DataFrame],
        timerValues: Any,  # noqa: N803
    ) -> Iterator[pd.DataFrame]:
        found = list(self.recent.get()) if self.recent.exists() else []
        for frame in rows:
            seconds = frame["time"].astype("datetime64[s]").astype("int64")
            found += zip(seconds.tolist(), frame["amount"].tolist(), frame["country"].tolist(), strict=True)
        newest = max(second for second, _, _ in found)
        kept = sorted(row for row in found if row[0] > newest - WITHIN_S)
        self.recent.put(kept)
        score = risk(kept)
        if score > 0:
            alert = {"user_id": key[0], "alert": "FRAUD_SUSPECTED", "risk_score": score}
            yield pd.DataFrame([alert | {"timestamp": pd.Timestamp(newest, unit="s")}])

    def close(self) -> None:
        pass


def risk(transactions: list[tuple[int, float, str]]) -> float:
    """The share of the three rules that are broken."""
    broken = (
        len(transactions) > 5,
        sum(amount for _, amount, _ in transactions) > 10_000,
        len({country for _, _, country in transactions}) > 2,
    )
    return round(sum(broken) / len(broken), 2)


def alerts(transactions: DataFrame) -> DataFrame:
    users = transactions.withWatermark("time", "15 minutes").groupBy("user_id")
    return users.transformWithStateInPandas(FraudDetector(), ALERT, "Append", "ProcessingTime")


def recipe(spark: SparkSession, folder: Path) -> dict:
    spark.conf.set("spark.sql.streaming.stateStore.providerClass", ROCKS_DB)
    # With processing time in play Spark never runs out of batches, and availableNow would not end.
    spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")
    transactions = Topic(spark, folder / "transactions", TRANSACTION)
    transactions.send(
        *(paid(minute, "ada", 10.0, "ES") for minute in range(5)), paid(0, "bob", 9_000.0, "ES")
    )
    transactions.send(paid(5, "ada", 10.0, "ES"), paid(20, "bob", 2_000.0, "ES"))
    transactions.send(paid(21, "cleo", 6e3, "ES"), paid(22, "cleo", 6e3, "FR"), paid(23, "cleo", 1.0, "PT"))
    try:
        return {"fraud-alerts": run_available(alerts(transactions.frame))}
    finally:
        spark.conf.unset("spark.sql.streaming.noDataMicroBatches.enabled")
        spark.conf.unset("spark.sql.streaming.stateStore.providerClass")


def paid(minute: int, user: str, amount: float, country: str) -> dict:
    return {"time": f"2026-01-01 10:{minute:02}:00", "user_id": user, "amount": amount, "country": country}


if __name__ == "__main__":
    cook(recipe)
