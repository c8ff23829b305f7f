"""Three answers to each question: the streams', a batch's over all that landed, and the generator's truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import truth
from attribution import attributed
from customers import as_of
from fraud import alerts_of_batch
from funnel import per_product
from metrics import per_minute
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from schema import TOPICS, Place, read_table, read_topic, timed
from sessions import per_session
from traffic import CLOSER, Traffic, customer_changes

Answer = dict[tuple, tuple]


@dataclass(frozen=True)
class Check:
    question: str
    streamed: Answer
    batch: Answer
    truth: Answer

    @property
    def equal(self) -> bool:
        return bool(self.truth) and self.streamed == self.batch == self.truth

    def differences(self) -> list[str]:
        """The first few keys on which not all agree."""
        keys = sorted(self.streamed.keys() | self.batch.keys() | self.truth.keys())
        answers = [(key, [a.get(key) for a in (self.streamed, self.batch, self.truth)]) for key in keys]
        return [f"{key}: {found}" for key, found in answers if found.count(found[0]) < 3][:3]


def checks(spark: SparkSession, place: Place, traffic: Traffic) -> Iterator[Check]:
    events, landed = traffic.events(), everything(spark, place)

    def table(name: str) -> DataFrame:
        return read_table(spark, place, name)

    def answers(answer: Any, streamed: DataFrame, batch: DataFrame) -> tuple[Answer, Answer]:
        return answer(streamed), answer(batch)

    yield Check(
        "minutes and regions",
        *answers(minutes, table("minute_metrics"), per_minute(landed)),
        truth.minute_metrics(events),
    )
    yield Check(
        "sessions", *answers(sessions, table("sessions"), per_session(landed)), truth.sessions(events)
    )
    yield Check(
        "last-click attribution",
        *answers(campaigns, table("attribution"), attributed(landed, landed)),
        truth.attribution(events),
    )
    yield Check(
        "fraud alerts", *answers(pairs, table("fraud_alerts"), alerts_of_batch(landed)), truth.frauds(events)
    )
    yield Check("funnel", *answers(products, table("funnel"), per_product(landed)), truth.funnel(events))
    yield Check(
        "days, regions and segments",
        *answers(days, sold(table("events"), table("customers")), table("daily_metrics")),
        truth.daily(events, customer_changes(traffic)),
    )


def everything(spark: SparkSession, place: Place) -> DataFrame:
    """What silver should hold, read from the topics by a batch of its own."""
    topics = [timed(read_topic(spark, place, topic)) for topic in TOPICS]
    events = topics[0]
    for topic in topics[1:]:
        events = events.union(topic)
    return events.dropDuplicates(["event_id"])


def sold(events: DataFrame, customers: DataFrame) -> DataFrame:
    """The daily mart's sales once more, from the streamed events."""
    purchases = events.where("event_type = 'purchase'").withColumnRenamed("at", "sold_at")
    groups = as_of(purchases, customers).groupBy("day", "region", "segment")
    return groups.agg(F.count("*").alias("transactions"), F.sum("net").alias("net_revenue"))


# -- tables as answers -------------------------------------------------------------------------------------


def minutes(table: DataFrame) -> Answer:
    def values(row: Row) -> tuple:
        return row.clicks, row.add_to_cart, row.purchases, cents(row.revenue), row.unique_users

    rows = table.withColumn("minute", text("minute")).collect()
    return {(row.minute, row.region): values(row) for row in rows}


def sessions(table: DataFrame) -> Answer:
    rows = table.where(F.col("user_id") != CLOSER).withColumn("started", text("started")).collect()
    return {(row.user_id, row.started): (row.events, cents(row.value), row.bought) for row in rows}


def campaigns(table: DataFrame) -> Answer:
    groups = table.where(F.col("user_id") != CLOSER).groupBy("campaign")
    rows = groups.agg(F.count("*").alias("purchases"), F.sum("net").alias("revenue")).collect()
    return {(row.campaign,): (row.purchases, cents(row.revenue)) for row in rows}


def pairs(table: DataFrame) -> Answer:
    return {(row.user_id, row.rule): () for row in table.select("user_id", "rule").distinct().collect()}


def products(table: DataFrame) -> Answer:
    # Only the one who closes the shop buys what nobody looked at.
    rows = table.where("viewers > 0").collect()
    return {(row.product_id,): (row.viewers, row.carted, row.buyers) for row in rows}


def days(table: DataFrame) -> Answer:
    rows = table.collect()
    return {
        (str(row.day), row.region, row.segment): (row.transactions, cents(row.net_revenue)) for row in rows
    }


def cents(amount: Any) -> int:
    return int(100 * amount)


def text(moment: str) -> Column:
    """In the session's time zone; a collected moment would be in that of the machine."""
    return F.date_format(moment, "yyyy-MM-dd HH:mm:ss")
