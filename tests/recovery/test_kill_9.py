"""A real process, killed with SIGKILL at random moments, over and over: every row arrives exactly once."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

from cauce.files import LocalFileSystem
from cauce.streaming.sources.sink_output import sink_log_files

FILES = 60
ROWS_PER_FILE = 5
KILLS = 6

PROGRAM = """
import sys
from pyspark.sql import SparkSession, functions as F

folder = sys.argv[1]
spark = SparkSession.builder.appName("killed").getOrCreate()
rows = spark.readStream.schema("id BIGINT, ts TIMESTAMP").option("maxFilesPerTrigger", 1).json(folder + "/in")
windows = rows.withWatermark("ts", "0 seconds").groupBy(F.window("ts", "1 second"))
counts = windows.agg(F.sum("id").alias("ids"))
kept = rows.writeStream.option("checkpointLocation", folder + "/kept-checkpoint").start(folder + "/kept")
summed = counts.select("window.start", "ids").writeStream.option(
    "checkpointLocation", folder + "/summed-checkpoint"
).start(folder + "/summed")
print("started", flush=True)
kept.processAllAvailable()
summed.processAllAvailable()
print("done", flush=True)
spark.stop()
"""


def test_every_row_arrives_once_whatever_moment_the_process_dies(tmp_path: Path) -> None:
    write_files(tmp_path / "in")
    (tmp_path / "program.py").write_text(PROGRAM)
    seconds = random.Random(7)
    for _ in range(KILLS):
        with launch(tmp_path) as process:
            assert process.stdout is not None
            process.stdout.readline()  # "started"
            time.sleep(seconds.uniform(0, 0.25))
            process.send_signal(signal.SIGKILL)
    with launch(tmp_path) as process:
        output = process.communicate(timeout=120)[0]
    assert "done" in output
    ids = range(FILES * ROWS_PER_FILE)
    assert sorted(row["id"] for row in rows_of(tmp_path / "kept")) == list(ids)
    sums = {
        row["start"].second + 60 * row["start"].minute: row["ids"] for row in rows_of(tmp_path / "summed")
    }
    # The last second's window is still open.
    assert sums == {n: sum(ids_of(n)) for n in range(FILES - 1)}


def launch(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cauce.cli.main", "run", str(folder / "program.py"), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def ids_of(file: int) -> range:
    return range(file * ROWS_PER_FILE, (file + 1) * ROWS_PER_FILE)


def write_files(folder: Path) -> None:
    """One file per second of event time."""
    folder.mkdir()
    for n in range(FILES):
        rows = [{"id": i, "ts": f"2024-01-01T00:{n // 60:02}:{n % 60:02}Z"} for i in ids_of(n)]
        (folder / f"{n:03}.json").write_text("\n".join(map(json.dumps, rows)))


def rows_of(folder: Path) -> list[dict]:
    """What a reader of the sink sees: the files its log names, nothing else."""
    paths = sink_log_files(LocalFileSystem(), str(folder)) or []
    return [row for path in paths for row in pq.ParquetFile(path.removeprefix("file://")).read().to_pylist()]
