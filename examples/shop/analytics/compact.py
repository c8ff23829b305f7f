"""Compaction: the many small files that streams leave become few, sorted by what is asked for.

cauce run examples/shop/analytics/compact.py --data shop-data
"""

import argparse
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from schema import Place

Z_ORDER = {"events": ("user_id", "product_id")}
COMPACTED = ("events", "minute_metrics", "sessions", "attribution", "customers")
RETAIN_HOURS = 168


def compact(spark: SparkSession, place: Place) -> dict[str, tuple[int, int]]:
    """Table -> files before and after."""
    found = {}
    for name in COMPACTED:
        table = DeltaTable.forPath(spark, place.table(name))
        before = files(table)
        if name in Z_ORDER:
            table.optimize().executeZOrderBy(*Z_ORDER[name])
        else:
            table.optimize().executeCompaction()
        table.vacuum(RETAIN_HOURS)
        found[name] = (before, files(table))
    return found


def files(table: DeltaTable) -> int:
    return table.detail().select("numFiles").first()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("shop-data"))
    spark = SparkSession.builder.appName("compact").getOrCreate()
    for name, (before, after) in compact(spark, Place(parser.parse_args().data)).items():
        print(f"{name:16} {before:>5} files, now {after}")


if __name__ == "__main__":
    main()
