"""On Apache Spark: `programs SERVERS FOLDER OUT.json`, or `turn SERVERS FOLDER TOPIC`."""

import json
import os
import sys
import traceback
from pathlib import Path

from pyspark.sql import SparkSession

HERE = Path(__file__).parent
JARS = HERE.parents[2] / "build" / "jars" / "spark-kafka"


def main(what: str, servers: str, folder: str, *out: str) -> None:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_TESTING"] = "1"  # Its server takes a free port.
    sys.path[:0] = [str(HERE)]
    from kafka_programs import PROGRAMS, turn

    builder = SparkSession.builder.remote("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.shuffle.partitions", "1").config("spark.sql.session.timeZone", "UTC")
    spark = builder.config("spark.jars", ",".join(map(str, sorted(JARS.glob("*.jar"))))).getOrCreate()
    if what == "turn":
        turn(spark, servers, out[0], Path(folder))
    else:
        answers = {}
        for name, program in PROGRAMS.items():
            try:
                answers[name] = program(spark, servers, "spark", Path(folder) / name)
            except Exception:
                answers[name] = traceback.format_exc()
        Path(out[0]).write_text(json.dumps(answers, default=str))
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
