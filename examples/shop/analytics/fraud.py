"""Fraud: three rules, looked at with every purchase, so that an alert takes one batch and no window.

    rapid   more than 3 purchases within 5 minutes                 alert within 30 s
    large   3 purchases of more than 500 within 5 minutes          alert within 10 s
    stolen  a purchase, and 3 failed logins in the 5 minutes before

A user's last hour is kept, so an event that comes late still counts; one alert per user, rule and hour.
"""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle, StreamingQuery
from schema import LATENESS, Place, Trigger, stream_table

WITHIN_MS, KEPT_MS = 5 * 60_000, 60 * 60_000
LARGE_FROM = 500
ALERT = "user_id string, rule string, at timestamp"
RECENT = "ts long, event_type string, amount double"
EVENT_TYPES = ("purchase", "login_failed")

Recent = tuple[int, str, float]


class FraudRules(StatefulProcessor):
    """Keeps what the three rules look at, and when each rule last spoke."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.recent = handle.getListState("recent", RECENT)
        self.alerted = handle.getMapState("alerted", "rule string", "ts long")

    def handleInputRows(self, key: Any, rows: Iterator[pd.DataFrame], timerValues: Any) -> Any:  # noqa: N802, N803
        kept: list[Recent] = list(self.recent.get())
        for frame in rows:
            kept += zip(frame["ts"].tolist(), frame["event_type"], frame["amount"].tolist(), strict=True)
        newest = max(ts for ts, _, _ in kept)
        kept = sorted(each for each in kept if each[0] > newest - KEPT_MS)
        self.recent.put(kept)
        self.handle.registerTimer(newest + KEPT_MS)
        alerts = [(rule, ts) for rule, ts in broken(kept).items() if self.is_news(rule, ts)]
        if alerts:
            times = pd.to_datetime([ts for _, ts in alerts], unit="ms")
            yield pd.DataFrame({"user_id": key[0], "rule": [rule for rule, _ in alerts], "at": times})

    def is_news(self, rule: str, ts: int) -> bool:
        if self.alerted.containsKey((rule,)) and ts - self.alerted.getValue((rule,))[0] < KEPT_MS:
            return False
        self.alerted.updateValue((rule,), (ts,))
        return True

    def handleExpiredTimer(self, key: Any, timerValues: Any, expiredTimerInfo: Any) -> Any:  # noqa: N802, N803
        newest = max((ts for ts, _, _ in self.recent.get()), default=0)
        if expiredTimerInfo.getExpiryTimeInMs() >= newest + KEPT_MS:
            self.recent.clear()
            self.alerted.clear()
        return iter(())

    def close(self) -> None:
        pass


def broken(events: list[Recent]) -> dict[str, int]:
    """Rule -> the first purchase with which it is broken, of events in order."""
    found: dict[str, int] = {}
    for now, event_type, _ in events:
        if event_type != "purchase":
            continue
        window = [each for each in events if now - WITHIN_MS < each[0] <= now]
        amounts = [amount for _, kind, amount in window if kind == "purchase"]
        rules = {
            "rapid": len(amounts) > 3,
            "large": sum(amount > LARGE_FROM for amount in amounts) >= 3,
            "stolen": sum(kind == "login_failed" for _, kind, _ in window) >= 3,
        }
        found = {rule: now for rule, is_broken in rules.items() if is_broken} | found
    return found


def alerts(events: DataFrame) -> DataFrame:
    watched = events.withWatermark("at", LATENESS).where(F.col("event_type").isin(*EVENT_TYPES))
    columns = ["user_id", "at", F.unix_millis("at").alias("ts"), "event_type"]
    users = watched.select(*columns, F.col("gross").cast("double").alias("amount")).groupBy("user_id")
    return users.transformWithStateInPandas(FraudRules(), ALERT, "Append", "EventTime")


def fraud(spark: SparkSession, place: Place, trigger: Trigger) -> StreamingQuery:
    writer = alerts(stream_table(spark, place, "events")).writeStream.queryName("fraud").format("delta")
    writer = writer.option("checkpointLocation", place.checkpoint("fraud")).trigger(**trigger)
    return writer.start(place.table("fraud_alerts"))


def alerts_of_batch(events: DataFrame) -> DataFrame:
    """(user_id, rule) by window functions over everything, for comparison."""
    watched = events.where(F.col("event_type").isin(*EVENT_TYPES)).withColumn("ts", F.unix_millis("at"))
    window = Window.partitionBy("user_id").orderBy("ts").rangeBetween(1 - WITHIN_MS, 0)

    def times(condition: str) -> Column:
        return F.sum(F.when(F.expr(condition), 1).otherwise(0)).over(window)

    rules = {
        "rapid": times("event_type = 'purchase'") > 3,
        "large": times(f"event_type = 'purchase' AND gross > {LARGE_FROM}") >= 3,
        "stolen": times("event_type = 'login_failed'") >= 3,
    }
    marked = watched.withColumns(rules).where("event_type = 'purchase'")
    names = F.array(*[F.when(F.col(rule), F.lit(rule)) for rule in rules])
    return marked.select("user_id", F.explode(names).alias("rule")).dropna().distinct()
