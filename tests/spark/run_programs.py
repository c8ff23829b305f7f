"""Runs programs on one Spark session and writes what they return.

    python run_programs.py FOLDER OUT.json NAME...

Needs nothing but PySpark, so that Apache Spark's own interpreter can run it. CAUCE_SPARK_CONF may hold more
settings as JSON, such as the packages of a connector.
"""

import importlib
import json
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from pyspark import cloudpickle
from pyspark.sql import SparkSession

CONFIGURATION = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.streaming.fileSource.cleaner.numThreads": "0",
}


def main(folder: str, out: str, *names: str) -> None:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.remote("local[2]")
    for key, value in {**CONFIGURATION, **json.loads(os.environ.get("CAUCE_SPARK_CONF", "{}"))}.items():
        builder = builder.config(key, value)
    with tempfile.TemporaryDirectory() as warehouse:
        spark = builder.config("spark.sql.warehouse.dir", warehouse).getOrCreate()
        results = {name: result(spark, folder, name) for name in names}
        Path(out).write_text(json.dumps(results, indent=1, sort_keys=True, default=str))
        spark.stop()


def result(spark: SparkSession, folder: str, name: str) -> dict:
    """{"result": ...} or {"error": ...}, and how long it took."""
    sys.path[:0] = [folder]
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as directory:
            program = importlib.import_module(name)
            # Spark's Python workers cannot import the program, so its functions travel by value.
            cloudpickle.register_pickle_by_value(program)
            run = program.recipe if hasattr(program, "recipe") else program.run
            value = run(spark, Path(directory))
        found = {"result": json.loads(json.dumps(value, default=str))}
    except Exception as error:
        traceback.print_exc()
        found = {"error": f"{type(error).__name__}: {error}"}
    finally:
        sys.path.remove(folder)
    print(f"{time.monotonic() - started:6.2f} s  {name}", flush=True)
    return found | {"seconds": round(time.monotonic() - started, 2)}


if __name__ == "__main__":
    main(*sys.argv[1:])
