"""What is measured, as plain PySpark: every measurement runs alike on cauce and on Apache Spark.

python measurements.py MEASUREMENT INPUT_FOLDER WORK_FOLDER
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

CLOCK_START_S = float(os.environ.get("BENCHMARK_STARTED_S", time.time()))
IMPORT_BEGAN_S = time.time()

from pyspark.sql import DataFrame, SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

IMPORTED_S = time.time()
SCHEMA = "event_time timestamp, key long, value double"


def session() -> SparkSession:
    builder = SparkSession.builder.appName("benchmark")
    if "SPARK_REMOTE" not in os.environ:
        builder = builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.shuffle.partitions", "2").getOrCreate()
    spark.conf.set("spark.sql.streaming.numRecentProgressUpdates", "2000")
    return spark


def events(spark: SparkSession, folder: Path, files_per_batch: int) -> DataFrame:
    return spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", files_per_batch).parquet(str(folder))


def filtered(frame: DataFrame) -> DataFrame:
    return frame.where("value > 0.5").select("event_time", "key", (F.col("value") * 2).alias("twice"))


def windowed(frame: DataFrame, length: str, *keys: str) -> DataFrame:
    timed = frame.withWatermark("event_time", "1 minute")
    return timed.groupBy(F.window("event_time", length), *keys).count()


def run_available(frame: DataFrame, checkpoint: Path, output_mode: str = "append") -> list[Any]:
    """The progress of every batch of one availableNow run whose commits are durable on disk."""
    writer = frame.writeStream.format("noop").outputMode(output_mode)
    writer = writer.option("checkpointLocation", str(checkpoint))
    query = writer.trigger(availableNow=True).start()
    query.awaitTermination()
    return [progress for progress in query.recentProgress if progress.numInputRows]


def phases(progress: list[Any]) -> dict[str, dict[str, float]]:
    """The mean milliseconds of each phase that progress reports, of the second half of the batches."""
    kept = progress[len(progress) // 2 :]
    names = sorted({name for p in kept for name in p.durationMs})
    return {"phases": {n: round(sum(p.durationMs.get(n, 0) for p in kept) / len(kept), 2) for n in names}}


def rows_per_second(frame: DataFrame, work: Path, output_mode: str) -> dict[str, Any]:
    """The faster of two runs after one that warms up compilers and caches."""
    run_available(frame, work / "checkpoint-0", output_mode)
    rates = []
    for run in (1, 2):
        began = time.perf_counter()
        progress = run_available(frame, work / f"checkpoint-{run}", output_mode)
        rates.append(sum(p.numInputRows for p in progress) / (time.perf_counter() - began))
    return {"rows_per_second": max(rates)}


def stateless_batches(folder: Path, work: Path) -> dict[str, Any]:
    return phases(run_available(filtered(events(session(), folder, 1)), work / "checkpoint-0"))


def windowed_batches(folder: Path, work: Path) -> dict[str, Any]:
    frame = windowed(events(session(), folder, 1), "5 seconds")
    return phases(run_available(frame, work / "checkpoint-0", "update"))


def filter_rows(folder: Path, work: Path) -> dict[str, Any]:
    return rows_per_second(filtered(events(session(), folder, 4)), work, "append")


def windowed_rows(folder: Path, work: Path) -> dict[str, Any]:
    return rows_per_second(windowed(events(session(), folder, 4), "10 seconds"), work, "update")


def keyed_rows(folder: Path, work: Path) -> dict[str, Any]:
    return rows_per_second(windowed(events(session(), folder, 4), "10 seconds", "key"), work, "update")


def stateful(name: str, folder: Path, work: Path) -> dict[str, Any]:
    """Rows a second of one run over all files, after one over the first that warms up."""
    from stateful import STATEFUL

    spark = session()
    first = work / "first"
    first.mkdir()
    os.link(sorted(folder.glob("*.parquet"))[0], first / "0.parquet")
    for part, checkpoint in ((first, "checkpoint-0"), (folder, "checkpoint-1")):
        frame, mode = STATEFUL[name](spark, part)
        began = time.perf_counter()
        progress = run_available(frame, work / checkpoint, mode)
        seconds = time.perf_counter() - began
    return {"rows_per_second": sum(p.numInputRows for p in progress) / seconds}


def state_sizes(folder: Path, work: Path) -> dict[str, Any]:
    from stateful import state_sizes

    return state_sizes(session(), folder, work)


def nexmark(folder: Path, work: Path) -> dict[str, Any]:
    """Rows a second of every query, the faster of two runs."""
    from nexmark import QUERIES, Auctions

    site, rates = Auctions(session(), folder), {}
    for name, query in QUERIES.items():
        for run in (0, 1):
            began = time.perf_counter()
            progress = run_available(query(site), work / f"{name}-{run}")
            rate = sum(p.numInputRows for p in progress) / (time.perf_counter() - began)
            rates[name] = max(rate, rates.get(name, 0))
    return rates


def start_up(folder: Path, work: Path) -> dict[str, Any]:
    """From the start of the process to the first row of a stream, and where the time went."""
    spark = session()
    connected_s = time.time()
    writer = filtered(events(spark, folder, 1)).writeStream.format("memory").queryName("first")
    query = writer.option("checkpointLocation", str(work / "checkpoint-0")).start()
    while not query.lastProgress:
        time.sleep(0.002)
    rows = spark.table("first").limit(1).collect()
    first_row_s = time.time()
    query.stop()
    return {
        "rows": len(rows),
        "launcher_s": IMPORT_BEGAN_S - CLOCK_START_S,
        "import_s": IMPORTED_S - IMPORT_BEGAN_S,
        "session_s": connected_s - IMPORTED_S,
        "first_batch_s": first_row_s - connected_s,
        "total_s": first_row_s - CLOCK_START_S,
    }


STATEFUL_NAMES = (
    "count_million_keys",
    "deduplicate_users",
    "join_million_keys",
    "sessions",
    "group_state",
    "processor_frames",
    "processor_rows",
)

MEASUREMENTS: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "stateless_batches": stateless_batches,
    "windowed_batches": windowed_batches,
    "filter_rows": filter_rows,
    "windowed_rows": windowed_rows,
    "keyed_rows": keyed_rows,
    "start_up": start_up,
    "nexmark": nexmark,
    "state_sizes": state_sizes,
    **{name: partial(stateful, name) for name in STATEFUL_NAMES},
}


def main(name: str, folder: str, work: str) -> None:
    print("RESULT " + json.dumps(MEASUREMENTS[name](Path(folder), Path(work))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
