"""Queries of the Nexmark benchmark (an auction site's streams) as PySpark programs, and their input.

Left out are those that Spark refuses on streams (q4, q6, q9, q10, q18, q19: nested or ranked aggregations)
and those whose clock is the machine's (q12, q13, q14).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

__all__ = ["QUERIES", "Auctions", "write_auctions"]

SEED = 11
START_US = 1_700_000_000_000_000
SPAN_S = 60
SCHEMA = {
    "bid": "auction long, bidder long, price long, channel string, at timestamp",
    "auction": "id long, seller long, category long, reserve long, at timestamp",
    "person": "id long, name string, state string, at timestamp",
}
STATES = ["OR", "ID", "CA", "WA", "NY", "TX"]


def write_auctions(folder: Path, *, files: int, bids_per_file: int) -> None:
    """46 bids to 3 auctions to 1 person, as in the original generator."""
    random = np.random.default_rng(SEED)
    for number in range(files):
        auctions, persons = bids_per_file * 3 // 46, bids_per_file // 46
        first_auction, first_person = number * auctions, number * persons
        write(folder / "bid", number, {
            "auction": first_auction + random.integers(0, auctions, bids_per_file),
            "bidder": first_person + random.integers(0, persons, bids_per_file),
            "price": random.integers(1, 10_000, bids_per_file),
            "channel": np.array(["Google", "Apple", "Baidu", "web"])[random.integers(0, 4, bids_per_file)],
            "at": moments(random, number, bids_per_file),
        })  # fmt: skip
        write(folder / "auction", number, {
            "id": first_auction + np.arange(auctions),
            "seller": first_person + random.integers(0, persons, auctions),
            "category": random.integers(10, 15, auctions),
            "reserve": random.integers(1, 1_000, auctions),
            "at": moments(random, number, auctions),
        })  # fmt: skip
        write(folder / "person", number, {
            "id": first_person + np.arange(persons),
            "name": np.array([f"person {i}" for i in range(persons)]),
            "state": np.array(STATES)[random.integers(0, len(STATES), persons)],
            "at": moments(random, number, persons),
        })  # fmt: skip


def moments(random: np.random.Generator, number: int, count: int) -> pa.Array:
    span_us = SPAN_S * 1_000_000
    times = START_US + number * span_us + np.sort(random.integers(0, span_us, count))
    return pa.array(times, pa.timestamp("us", "UTC"))


def write(folder: Path, number: int, columns: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / f"{number:05}.parquet")


class Auctions:
    """The three streams of the site."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self._spark, self._folder = spark, folder

    def stream(self, name: str) -> DataFrame:
        reader = self._spark.readStream.schema(SCHEMA[name]).option("maxFilesPerTrigger", 2)
        return reader.parquet(str(self._folder / name)).withWatermark("at", "10 seconds")


def q0(site: Auctions) -> DataFrame:
    """Pass through."""
    return site.stream("bid")


def q1(site: Auctions) -> DataFrame:
    """Prices in another currency."""
    return site.stream("bid").withColumn("price", F.col("price") * 0.908)


def q2(site: Auctions) -> DataFrame:
    """Bids on some auctions."""
    return site.stream("bid").where("auction % 123 = 0").select("auction", "price")


def q3(site: Auctions) -> DataFrame:
    """Who sells in some states."""
    auctions = site.stream("auction").where("category = 10").withColumnRenamed("at", "opened")
    persons = site.stream("person").where("state IN ('OR', 'ID', 'CA')").withColumnRenamed("id", "person")
    near = F.expr("seller = person AND opened BETWEEN at - INTERVAL 1 MINUTE AND at + INTERVAL 1 MINUTE")
    return auctions.join(persons, near).select("name", "state", "id")


def q5(site: Auctions) -> DataFrame:
    """Bids for each auction in sliding windows."""
    return site.stream("bid").groupBy(F.window("at", "10 seconds", "2 seconds"), "auction").count()


def q7(site: Auctions) -> DataFrame:
    """The highest price of every ten seconds."""
    return site.stream("bid").groupBy(F.window("at", "10 seconds")).agg(F.max("price"))


def q8(site: Auctions) -> DataFrame:
    """New persons who opened an auction in the same window."""
    persons = site.stream("person").select(F.window("at", "10 seconds").alias("w"), "id", "name")
    auctions = site.stream("auction").select(F.window("at", "10 seconds").alias("v"), "seller")
    return persons.join(auctions, F.expr("id = seller AND w = v")).select("id", "name", "w")


def q11(site: Auctions) -> DataFrame:
    """Bids of each person in a session."""
    return site.stream("bid").groupBy(F.session_window("at", "10 seconds"), "bidder").count()


def q17(site: Auctions) -> DataFrame:
    """Statistics of each auction by day."""
    price = F.col("price")
    return site.stream("bid").groupBy(F.window("at", "1 day"), "auction").agg(
        F.count("*"), F.count_if(price < 100), F.min(price), F.max(price), F.avg(price), F.sum(price)
    )  # fmt: skip


def q20(site: Auctions) -> DataFrame:
    """Bids with the auction they are for."""
    auctions = site.stream("auction").where("category = 10").withColumnRenamed("at", "opened")
    near = F.expr("auction = id AND at BETWEEN opened - INTERVAL 1 MINUTE AND opened + INTERVAL 1 MINUTE")
    return site.stream("bid").join(auctions, near).select("auction", "bidder", "price", "category")


QUERIES: dict[str, Callable[[Auctions], DataFrame]] = {
    query.__name__: query for query in (q0, q1, q2, q3, q5, q7, q8, q11, q17, q20)
}
