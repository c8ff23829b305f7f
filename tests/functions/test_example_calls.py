"""Every SQL function answers as on Apache Spark 4.2, by the examples of Spark's function reference.

goldens.json holds Spark's answers; gaps.txt the examples that cauce answers otherwise or not at all.
A gap that closes fails the build like one that opens.
"""

import json
from pathlib import Path

from example_calls import answer
from pyspark.sql import SparkSession

HERE = Path(__file__).parent
GOLDENS = json.loads((HERE / "goldens.json").read_text())
GAPS = set((HERE / "gaps.txt").read_text().splitlines())


def test_functions_answer_as_on_spark(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    found = {query: answer(spark, query) for query in GOLDENS}
    assert {query for query in GOLDENS if found[query] != GOLDENS[query]} == GAPS
