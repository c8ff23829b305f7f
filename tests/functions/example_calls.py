"""Runs SELECT statements and writes their answers, on cauce or, by Apache Spark's own interpreter, on Spark.

python example_calls.py QUERIES.json OUT.json
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

__all__ = ["answer"]


def answer(spark: SparkSession, query: str) -> dict[str, Any]:
    """Types and rows, floats to 12 digits, or the error's class."""
    try:
        frame = spark.sql(query)
        kinds = ", ".join(field.dataType.simpleString() for field in frame.schema.fields)
        rows = [[plain(cell) for cell in row] for row in frame.collect()]
        return {"types": kinds, "rows": sorted(rows, key=str)}
    except Exception as error:
        return {"error": type(error).__name__}


def plain(value: Any) -> Any:
    """As JSON can hold it."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else float(f"{value:.12g}")
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return sorted(([plain(key), plain(part)] for key, part in value.items()), key=str)
    return value if isinstance(value, int | str | None) else f"{type(value).__name__}:{value}"


def main(queries: str, out: str) -> None:
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.shuffle.partitions", "1").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    found = {query: answer(spark, query) for query in json.loads(Path(queries).read_text())}
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
