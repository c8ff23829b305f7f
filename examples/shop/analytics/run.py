"""The whole platform, one job after the other, and at the end the proof that its answers are right.

    cauce run examples/shop/analytics/run.py --data shop-data
    cauce run examples/shop/analytics/run.py --servers HOST:9092 --postgresql jdbc:postgresql://HOST/shop

Events come in two halves, so that every stream stops and starts again; between them the catalogue changes.
Exit code 0: streams, batches and the generator's truth agree, and batch and streaming revenue reconcile.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import catalogue
import compact
import erase
import funnel
import reconcile
import sales
from attribution import attribution
from customers import customers
from fraud import fraud
from metrics import metrics
from proof import Check, checks
from pyspark.sql import SparkSession
from pyspark.sql.streaming import StreamingQuery
from pyspark.sql.types import StructType
from rich.console import Console
from rich.table import Table
from schema import CUSTOMER, NOW, Place, Trigger, read_table
from sessions import sessions
from silver import silver
from traffic import Traffic, customer_changes, planted, to_folder, to_kafka

STREAMS: tuple[Callable[[SparkSession, Place, Trigger], StreamingQuery], ...] = (
    customers,
    silver,
    metrics,
    sessions,
    attribution,
    fraud,
)
ERASED = "user_7"
ROCKS_DB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"


class Report:
    """What happened, as it happens."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.console.print(f"{title:44} {time.monotonic() - started:6.1f} s", highlight=False)

    def checks(self, found: list[Check]) -> None:
        table = Table(title="Streamed, in batch, and by the generator", title_justify="left")
        table.add_column("question")
        for heading in ("streamed", "batch", "truth"):
            table.add_column(heading, justify="right")
        table.add_column("")
        for check in found:
            sizes = [f"{len(answer):,} rows" for answer in (check.streamed, check.batch, check.truth)]
            table.add_row(check.question, *sizes, "equal" if check.equal else "[red]DIFFERENT")
        self.console.print(table)
        for check in found:
            for line in check.differences():
                self.console.print(f"{check.question} {line}")

    def rows(self, title: str, headings: list[str], rows: Iterable[Iterable[object]]) -> None:
        table = Table(title=title, title_justify="left")
        for heading in headings:
            table.add_column(heading)
        for row in rows:
            table.add_row(*map(str, row))
        self.console.print(table)


def prepare(spark: SparkSession) -> None:
    """The fraud rules need RocksDB as state store on Apache Spark."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.shuffle.partitions", "2")
    spark.conf.set("spark.sql.streaming.stateStore.providerClass", ROCKS_DB)


def send(place: Place, traffic: Traffic, half: int) -> None:
    halves = traffic.halves()
    if place.servers:
        to_kafka(place.servers, halves[half])
    else:
        to_folder(Path(place.folder("landing")), halves[half], first=half * len(halves[0]))


def send_customers(place: Place, traffic: Traffic, half: int) -> None:
    """First everybody's entry; then the promotions, so that there is history to end."""
    changes = customer_changes(traffic)
    first = min(change[-1] for change in changes)
    names = StructType.fromDDL(CUSTOMER).names
    records = [
        dict(zip(names, change, strict=True)) for change in changes if (change[-1] > first) == bool(half)
    ]
    target = Path(place.folder("landing/customers")) / f"{half}.json"
    target.write_text("".join(f"{json.dumps(record)}\n" for record in records))


def stream(spark: SparkSession, place: Place, report: Report) -> None:
    """Everything that is there, through each query."""
    for start in STREAMS:
        with report.step(f"  stream {start.__name__}"):
            start(spark, place, NOW).awaitTermination()


def run(spark: SparkSession, place: Place, traffic: Traffic, report: Report) -> bool:
    for half in range(2):
        with report.step(f"half {half + 1}: catalogue, customers, events"):
            catalogue.replace(spark, place, version=half)
            send_customers(place, traffic, half)
            send(place, traffic, half)
        stream(spark, place, report)
    for job in (sales, funnel):
        with report.step(f"batch  {job.__name__}"):
            job.run(spark, place)
    found = list(checks(spark, place, traffic))
    report.checks(found)
    return all([*(check.equal for check in found), finish(spark, place, traffic, report)])


def finish(spark: SparkSession, place: Place, traffic: Traffic, report: Report) -> bool:
    """Reconciliation, fraud, catalogue, compaction and erasure; whether all is well."""
    reconciled = reconcile.run(spark, place).collect()
    report.rows("Revenue", ["day", "region", "streamed", "batch", "apart", "verdict"], reconciled)
    alerts = {(row.user_id, row.rule) for row in read_table(spark, place, "fraud_alerts").collect()}
    report.rows("Fraud", ["user", "rule"], sorted(alerts))
    categories = categories_of_events(spark, place)
    report.rows("Categories (games: toys later)", ["category", "events"], sorted(categories.items()))
    files = compact.compact(spark, place)
    report.rows("Files", ["table", "before", "after"], [(name, *sizes) for name, sizes in files.items()])
    with report.step(f"erase  {ERASED}"):
        erase.erase(spark, place, [ERASED])
    counts = [rows_of(spark, place, name, ERASED) for name in erase.PERSONAL]
    verdicts = {row.verdict for row in reconciled}
    found = (verdicts, alerts, categories, sum(counts))
    return found == ({"ok"}, planted(), traffic.categories(), 0)


def categories_of_events(spark: SparkSession, place: Place) -> dict[str, int]:
    events = read_table(spark, place, "events").where("category IS NOT NULL")
    return {row.category: row["count"] for row in events.groupBy("category").count().collect()}


def rows_of(spark: SparkSession, place: Place, table: str, user: str) -> int:
    return read_table(spark, place, table).where(f"user_id = '{user}'").count()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="a new folder (a temporary one)")
    parser.add_argument("--servers", help="Kafka's host:port instead of folders")
    parser.add_argument("--postgresql", help="jdbc:postgresql://host:port/name instead of SQLite")
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--minutes", type=int, default=120)
    options = parser.parse_args()
    report = Report(Console(width=None if sys.stdout.isatty() else 110))
    with tempfile.TemporaryDirectory(prefix="shop-") as temporary:
        place = Place(options.data or Path(temporary), options.servers, options.postgresql)
        if (place.data / "checkpoints").exists():
            parser.error(f"{place.data} holds an earlier run; give a new folder")
        spark = SparkSession.builder.appName("shop-analytics").getOrCreate()
        prepare(spark)
        fine = run(spark, place, Traffic(options.users, options.minutes), report)
    report.console.print("All answers agree." if fine else "[red]Something is wrong; see above.")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
