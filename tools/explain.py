"""Runs a PySpark program and prints the plan of every streaming query it starts: make explain SCRIPT=..."""

import runpy
import sys

from pyspark.sql.connect.streaming.query import StreamingQuery
from pyspark.sql.connect.streaming.readwriter import DataStreamWriter


def explain_started_queries() -> None:
    """From now on `start()` and `toTable()` print what the query is made of."""
    start = DataStreamWriter._start_internal

    def explained(*arguments, **options) -> StreamingQuery:
        query = start(*arguments, **options)
        print(f"-- {query.name or query.id}")
        query.explain()
        return query

    DataStreamWriter._start_internal = explained


if __name__ == "__main__":
    explain_started_queries()
    script, *sys.argv[1:] = sys.argv[1:]
    sys.argv[0] = script
    runpy.run_path(script, run_name="__main__")
