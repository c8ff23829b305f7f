"""Asks Apache Spark what it says to every program: `run_unsupported.py FOLDER OUT.json`."""

import json
import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession


def main(folder: str, out: str) -> None:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    sys.path[:0] = [folder]
    from unsupported_programs import PROGRAMS, outcome

    builder = SparkSession.builder.remote("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.shuffle.partitions", "1").getOrCreate()
    said = {name: outcome(spark, program) for name, program in PROGRAMS.items()}
    Path(out).write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
