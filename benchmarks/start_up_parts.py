"""Where the start of cauce goes: the steps of `cauce run` one after the other, each timed.

python start_up_parts.py NAME INPUT_FOLDER WORK_FOLDER: prints the milliseconds of each step.
"""

import json
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STARTED_S = float(os.environ.get("BENCHMARK_STARTED_S", time.time()))


class Laps:
    """Milliseconds of each step, from the end of the one before."""

    def __init__(self, began_s: float) -> None:
        self.steps_ms: dict[str, float] = {}
        self._began_s = began_s

    def done(self, step: str) -> None:
        now_s = time.time()
        self.steps_ms[step] = (now_s - self._began_s) * 1000
        self._began_s = now_s


def main(folder: str, work: str) -> None:
    laps = Laps(STARTED_S)
    laps.done("Python itself")
    import pandas  # noqa: F401
    import pyarrow  # noqa: F401

    laps.done("importing numpy, pandas and pyarrow")
    import pyspark.sql.connect.session  # noqa: F401

    laps.done("importing PySpark's client with gRPC")
    import cauce.server  # noqa: F401

    laps.done("importing cauce and Sail")
    from cauce.cli import local

    local.start()
    laps.done("starting the server")
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("start-up").getOrCreate()
    laps.done("opening the session")
    first_stream(spark, folder, work)
    laps.done("first query, to its first rows")
    print("RESULT " + json.dumps({"steps_ms": laps.steps_ms}), flush=True)


def first_stream(spark: "SparkSession", folder: str, work: str) -> None:
    frame = spark.readStream.schema("event_time timestamp, key long, value double").parquet(folder)
    writer = frame.where("value > 0.5").writeStream.format("memory").queryName("first")
    query = writer.option("checkpointLocation", f"{work}/checkpoint-0").start()
    query.processAllAvailable()
    spark.table("first").limit(1).collect()
    query.stop()


if __name__ == "__main__":
    main(*sys.argv[2:])
