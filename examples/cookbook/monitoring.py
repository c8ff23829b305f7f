"""N7, N15, N21, N32 Watching a query: rates, watermark lag, state rows, and alerts on them.

    cauce run examples/cookbook/monitoring.py

`query.lastProgress` is a snapshot; a listener sees every batch. The rules are functions of a progress
event, so they can be tested without a query, and their thresholds stand in one place.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kitchen import Topic, cook
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
    StreamingQueryListener,
    StreamingQueryProgress,
)

WATERMARK_LAG_MAX = timedelta(hours=1)
STATE_ROWS_MAX = 10_000_000
STATE_ROWS_CRITICAL = 50_000_000
BATCH_MS_MAX = 60_000
INPUT_OVER_PROCESSED_MAX = 1.2


def recipe(spark: SparkSession, folder: Path) -> dict:
    topic = Topic(spark, folder / "events", "time timestamp, user string")
    watcher = Watcher()
    spark.streams.addListener(watcher)
    try:
        windows = topic.frame.withWatermark("time", "1 minute").groupBy(F.window("time", "5 minutes")).count()
        query = windows.writeStream.format("noop").outputMode("update").queryName("windows").start()
        topic.send({"time": "2026-01-01 10:00:00", "user": "ada"})
        query.processAllAvailable()
        topic.send({"time": "2026-01-01 12:00:00", "user": "ada"})
        query.processAllAvailable()
        query.stop()
        watcher.wait_for_end()
    finally:
        spark.streams.removeListener(watcher)
    last = watcher.with_rows[-1]
    return {
        "rows of each batch": [progress.numInputRows for progress in watcher.with_rows],
        "state rows": last.stateOperators[0].numRowsTotal,
        "watermark before the last batch": last.eventTime["watermark"],
        "alerts on event time": sorted(
            {alert for progress in watcher.with_rows for alert in alerts(progress) if "watermark" in alert}
        ),
    }


class Watcher(StreamingQueryListener):
    """Keeps the progress of each batch that had rows."""

    def __init__(self) -> None:
        self.with_rows: list[StreamingQueryProgress] = []
        self.ended = False

    def onQueryStarted(self, event: QueryStartedEvent) -> None:  # noqa: N802 - Spark's name
        pass

    def onQueryProgress(self, event: QueryProgressEvent) -> None:  # noqa: N802
        if event.progress.numInputRows:
            self.with_rows.append(event.progress)

    def onQueryIdle(self, event: QueryIdleEvent) -> None:  # noqa: N802
        pass

    def onQueryTerminated(self, event: QueryTerminatedEvent) -> None:  # noqa: N802
        self.ended = True

    def wait_for_end(self) -> None:
        """Events come on a thread of the client, a moment after what they tell of."""
        while not self.ended:
            time.sleep(0.01)


def alerts(progress: StreamingQueryProgress) -> list[str]:
    """What an operator should know of this batch."""
    state_rows = sum(operator.numRowsTotal for operator in progress.stateOperators)
    rules = {
        "WARNING watermark more than an hour behind": watermark_lag(progress) > WATERMARK_LAG_MAX,
        "WARNING input faster than processing": progress.inputRowsPerSecond
        > INPUT_OVER_PROCESSED_MAX * max(progress.processedRowsPerSecond, 1e-9),
        "ERROR batch longer than a minute": progress.durationMs["triggerExecution"] > BATCH_MS_MAX,
        "WARNING more than 10 million state rows": state_rows > STATE_ROWS_MAX,
        "WARNING more than 50 million state rows": state_rows > STATE_ROWS_CRITICAL,
    }
    return [alert for alert, holds in rules.items() if holds]


def watermark_lag(progress: StreamingQueryProgress) -> timedelta:
    """How far the watermark is behind the newest event of the batch."""
    newest = progress.eventTime.get("max")
    return moment(newest) - moment(progress.eventTime["watermark"]) if newest else timedelta(0)


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


if __name__ == "__main__":
    cook(recipe)
