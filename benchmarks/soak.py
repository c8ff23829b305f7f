"""A day of one-second batches under a clock that does not wait: what grows?

    python benchmarks/soak.py [--batches 86400] [--out build/soak]

One query filters, deduplicates within a watermark and counts in windows, so that the engine, two state
stores, eviction and every log take part. Ends with exit code 1 if something grew, and leaves a picture.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from curves import Curve, svg
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from cauce.clock import SystemClock
from cauce.server import CauceServer
from cauce.streaming.manager import StreamingQueryManager

BUILD = Path(__file__).parents[1] / "build" / "soak"
MEMORY_FOLDER = Path("/dev/shm")
ROWS_PER_BATCH = 100
SAMPLES = 240
WARM_UP = 0.25
"""The share of the run in which caches, state and logs reach their size."""
MEMORY_GROWTH_MAX = 0.05
"""Of what was resident after warming up, besides what Sail keeps of every plan."""
SAIL_KB_A_BATCH_MAX = 2.5
"""See docs/decisions/0004-sail-sessions-of-streams.md."""
COUNT_GROWTH_MAX = 0.05


@dataclass(frozen=True)
class Sample:
    """What the process and its checkpoint hold after so many batches."""

    batches: int
    seconds: float
    memory_mb: float
    open_files: int
    threads: int
    checkpoint_files: int
    checkpoint_kb: float


class HurriedClock(SystemClock):
    """A query's wait for its next trigger is over at once, and the time it waited for has come."""

    def __init__(self, every: int, checkpoint: Path) -> None:
        self._skipped_ms = 0
        self._every = every
        self._checkpoint = checkpoint
        self._began_s = time.perf_counter()
        self.batches = 0
        self.samples: list[Sample] = []

    def now_ms(self) -> int:
        return super().now_ms() + self._skipped_ms

    def wait(self, event: threading.Event, timeout_ms: int) -> bool:
        self._skipped_ms += timeout_ms
        self.batches += 1
        if self.batches % self._every == 0:
            self.samples.append(self._sample())
        return event.is_set()

    def _sample(self) -> Sample:
        files = [entry.stat().st_size for entry in self._checkpoint.rglob("*") if entry.is_file()]
        return Sample(
            batches=self.batches,
            seconds=round(time.perf_counter() - self._began_s, 1),
            memory_mb=round(int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20, 1),
            open_files=len(os.listdir("/proc/self/fd")),
            threads=threading.active_count(),
            checkpoint_files=len(files),
            checkpoint_kb=round(sum(files) / 1024, 1),
        )


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    options.add_argument("--batches", type=int, default=86_400)
    options.add_argument("--out", type=Path, default=BUILD)
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    samples = run(given.batches, given.out)
    (given.out / "soak.json").write_text(json.dumps([asdict(s) for s in samples], indent=1), encoding="utf-8")
    (given.out / "soak.svg").write_text(picture(samples), encoding="utf-8")
    grown = growth(samples)
    last = samples[-1]
    print(f"{last.batches:,} batches in {last.seconds:,.0f} s: {last}")
    warm = samples[int(len(samples) * WARM_UP)]
    kb_a_batch = (last.memory_mb - warm.memory_mb) * 1024 / max(1, last.batches - warm.batches)
    print(f"memory grew by {kb_a_batch:.2f} KB a batch")
    print(f"grew too much: {grown}" if grown else "open files, threads and checkpoint are flat")
    return 1 if grown else 0


def run(batches: int, folder: Path) -> list[Sample]:
    """The samples of one query that ran so many batches."""
    # In memory if there is such a folder: a day of fsyncs would only wait for the disk.
    with tempfile.TemporaryDirectory(dir=MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else folder) as work:
        clock = HurriedClock(max(1, batches // SAMPLES), Path(work))
        with CauceServer(in_process_client=True) as server:
            spark = SparkSession.builder.remote(server.connection_string).create()
            spark.range(1).collect()  # the server meets a session with its first call
            [session] = server.sessions.sessions()
            session.streams = StreamingQueryManager(session, clock)
            query = start(spark, work)
            while clock.batches < batches and query.isActive:
                time.sleep(0.5)
            if query.exception() is not None:
                raise RuntimeError(str(query.exception()))
            query.stop()
            spark.stop()
    return [sample for sample in clock.samples if sample.batches <= batches]


def start(spark, checkpoint: str):
    source = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", ROWS_PER_BATCH)
    rows = source.option("advanceMillisPerBatch", 1000).load()
    kept = rows.where("value % 10 <> 3").withColumn("key", F.col("value") % 50)
    unique = kept.withWatermark("timestamp", "20 seconds").dropDuplicatesWithinWatermark(["key"])
    counts = unique.groupBy(F.window("timestamp", "10 seconds"), "key").count()
    writer = counts.writeStream.format("noop").outputMode("append").option("checkpointLocation", checkpoint)
    return writer.trigger(processingTime="1 second").start()


def growth(samples: list[Sample]) -> dict[str, str]:
    """What is larger at the end than after warming up: first and last value, each the median of a tenth."""
    warm = [sample for sample in samples if sample.batches > samples[-1].batches * WARM_UP]
    tenth = max(1, len(warm) // 10)
    found = {}
    for name, limit in (
        ("memory_mb", MEMORY_GROWTH_MAX),
        ("open_files", 0.0),
        ("threads", 0.0),
        ("checkpoint_files", COUNT_GROWTH_MAX),
        ("checkpoint_kb", COUNT_GROWTH_MAX),
    ):
        first, last = median(warm[:tenth], name), median(warm[-tenth:], name)
        allowed = first * (1 + limit)
        if name == "memory_mb":
            allowed += SAIL_KB_A_BATCH_MAX / 1024 * (warm[-1].batches - warm[0].batches)
        if last > allowed:
            found[name] = f"{first} -> {last}"
    return found


def median(samples: list[Sample], name: str) -> float:
    values = sorted(getattr(sample, name) for sample in samples)
    return values[len(values) // 2]


def picture(samples: list[Sample]) -> str:
    at = [sample.batches for sample in samples]
    curves = [
        Curve("resident memory, MB", [s.memory_mb for s in samples]),
        Curve("open files", [s.open_files for s in samples]),
        Curve("checkpoint, KB", [s.checkpoint_kb for s in samples]),
        Curve("checkpoint, files", [s.checkpoint_files for s in samples]),
    ]
    return svg(f"{at[-1]:,} batches of one second, {ROWS_PER_BATCH} rows each", at, curves)


if __name__ == "__main__":
    sys.exit(main())
