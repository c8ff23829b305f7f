"""Hundreds of batches leave as much open, and as many files, as tens do."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from cauce.streaming.sources import MemoryStream

WARM_UP, BATCHES, RETAINED = 40, 160, 10
ROWS = 20
SLACK = 20
"""The server's own connections and threads come and go; one a batch would be 120."""
START = datetime(2026, 1, 1, tzinfo=UTC)


def test_files_threads_and_checkpoint_stay_as_they_are(spark: SparkSession, tmp_path: Path) -> None:
    spark.conf.set("spark.sql.streaming.minBatchesToRetain", RETAINED)
    stream = MemoryStream("soak", "value LONG, at TIMESTAMP")
    rows = spark.readStream.format("memory").option("name", "soak").load().where("value % 10 <> 3")
    unique = rows.withWatermark("at", "2 seconds").dropDuplicatesWithinWatermark(["value"])
    counts = unique.groupBy(F.window("at", "1 second")).count()
    writer = counts.writeStream.format("noop").option("checkpointLocation", str(tmp_path))
    query = writer.start()

    def run(batches: range) -> tuple[int, int, int]:
        for batch in batches:
            at = START + timedelta(seconds=batch)
            stream.add_data([(batch * ROWS + i, at) for i in range(ROWS)])
            query.processAllAvailable()
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        return len(os.listdir("/proc/self/fd")), threading.active_count(), len(files)

    open_before, threads_before, files_before = run(range(WARM_UP))
    open_after, threads_after, files_after = run(range(WARM_UP, BATCHES))
    query.stop()
    assert open_after < open_before + SLACK
    assert threads_after < threads_before + SLACK
    assert files_after <= files_before * 1.3  # segments of state await their compaction
