"""What the examples answer, on whichever engine runs them: their tables as plain lists."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

from pyspark import cloudpickle
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

__all__ = ["leads_answers", "shop_answers"]

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SHOP_TABLES = ("events", "minute_metrics", "sessions", "attribution", "fraud_alerts", "customers", "funnel")
MARTS = ("raw_sales", "staging_sales", "daily_metrics")
CLOCKED = ("_loaded_at",)
"""Columns that hold the time of the run."""
NOW = {"availableNow": True}
START = datetime(2026, 1, 1, 10, tzinfo=UTC)


@contextmanager
def programs(folder: str) -> Iterator[Any]:
    """From names to the modules of an example's folder; their functions travel to workers by value."""
    path = EXAMPLES / folder
    names = {each.stem for each in path.glob("*.py")}
    sys.path.insert(0, str(path))
    try:
        for name in sorted(names):
            cloudpickle.register_pickle_by_value(import_module(name))
        yield import_module
    finally:
        sys.path.remove(str(path))
        for name in names & sys.modules.keys():
            cloudpickle.unregister_pickle_by_value(sys.modules.pop(name))


def shop_answers(
    spark: SparkSession, folder: Path, servers: str | None = None, postgresql: str | None = None
) -> dict[str, Any]:
    with programs("shop/analytics") as program, redirect_stdout(StringIO()) as out:
        run, place = program("run"), program("schema").Place(folder, servers, postgresql)
        report = run.Report(program("rich.console").Console(width=110))
        run.prepare(spark)
        fine = run.run(spark, place, program("traffic").Traffic(users=30, minutes=40), report)
        tables = {
            name: rows(program("schema").read_table(spark, place, name)) for name in SHOP_TABLES + MARTS
        }
    return {"fine": fine, "report": out.getvalue() if not fine else "", **tables}


def leads_answers(
    spark: SparkSession, folder: Path, servers: str | None = None, database: str | None = None
) -> dict[str, Any]:
    with programs("leads") as program, redirect_stdout(StringIO()):
        source, lake = folder / "leads.csv", str(folder / "lake")
        program("generator").write(source, 300, blemishes=0.1)
        found = {
            f"etl {file_format}": rows(
                program("etl").run(spark, str(source), str(folder / file_format), file_format)
            )
            for file_format in program("etl").FORMATS
        }
        program("lake").show_all_ways(spark, folder / "landing", lake)
        found["gold"] = rows(program("lake").gold(spark, lake))
        return found | scored(spark, folder, program, servers, database) | sales(spark, folder, program)


def scored(
    spark: SparkSession, folder: Path, program: Any, servers: str | None, database: str | None
) -> dict[str, Any]:
    streaming, events = program("streaming"), program("events")
    place = streaming.Place(folder, servers, database)
    send = events.to_kafka(servers, events.TOPIC) if servers else events.to_folder(folder / "events")
    events.produce(send, rate=5, total=150, start=START)
    leads = streaming.scored_leads(spark, place)
    for sink, _ in streaming.SINKS.values():
        sink(leads, place, NOW).awaitTermination()
    found = {"scored": rows(spark.read.parquet(str(folder / "scored")))}
    reader = spark.read.format("jdbc").options(**place.database_options(), dbtable=streaming.TABLE)
    found["predictions"] = rows(reader.load().drop("batch_id"))
    if servers is None:
        found["alerts"] = rows(spark.read.json(str(folder / "alerts")))
    return found


def sales(spark: SparkSession, folder: Path, program: Any) -> dict[str, Any]:
    program("sales_feed").to_folder(folder / "sales", 400)
    stream = program("sales").from_folder(spark, str(folder / "sales"))
    found = {}
    for name in program("sales").QUERIES:
        program("sales").start(stream, name, "memory", NOW).awaitTermination()
        found[f"sales {name}"] = rows(spark.table(name))
    return found


def rows(table: DataFrame) -> list[list[str]]:
    """Sorted, as text, with the columns in the order of their names."""
    names = sorted(set(table.columns) - set(CLOCKED))
    # As text by the engine: a collected moment is in the time zone of the machine.
    moments = {name: F.col(name).cast("string") for name, kind in table.dtypes if kind == "timestamp"}
    plain = table.withColumns(moments) if moments else table
    return sorted([str(value) for value in row] for row in plain.select(*names).collect())
