"""The shop's platform: what streams, batches and the generator's truth say is one and the same."""

from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from rich.console import Console

NOW = {"availableNow": True}


@pytest.fixture(autouse=True)
def client(spark: SparkSession) -> None:
    pytest.importorskip("delta.tables")
    spark.conf.set("spark.sql.session.timeZone", "UTC")


def test_the_whole_platform_proves_its_answers(spark: SparkSession, tmp_path: Path, analytics: Any) -> None:
    run, place = analytics.run, analytics.schema.Place(tmp_path)
    out = StringIO()
    run.prepare(spark)
    traffic = analytics.traffic.Traffic(users=25, minutes=40)
    fine = run.run(spark, place, traffic, run.Report(Console(file=out, width=110)))
    assert fine, out.getvalue()
    assert out.getvalue().count(" equal ") == 6
    # The erased user is in no file of any table.
    for name in analytics.erase.PERSONAL:
        for path in Path(place.table(name)).rglob("*.parquet"):
            if "_delta_log" not in path.parts:
                users = pq.read_table(path, columns=["user_id"])["user_id"].to_pylist()
                assert run.ERASED not in users


def test_the_generator_delivers_late_and_twice_but_its_truth_knows_each_once(analytics: Any) -> None:
    traffic = analytics.traffic.Traffic(users=60, minutes=60)
    events = traffic.events()
    arrived = [e for topics in traffic.slices() for each in topics.values() for e in each]
    assert {event["event_id"] for event in arrived} == {event["event_id"] for event in events}
    assert 1.0 < len(arrived) / len(events) < 1.03
    clicks = [event["ts"] for event in arrived if event["event_type"] == "click"]
    assert clicks != sorted(clicks)
    assert set(analytics.truth.frauds(events)) == analytics.traffic.planted()
    assert traffic.events() == events


@pytest.mark.parametrize(
    ("streamed", "verdict"), [("100.00", "ok"), ("97.99", "warn"), ("94.99", "fail"), (None, "fail")]
)
def test_reconciliation_warns_and_fails(
    spark: SparkSession, analytics: Any, streamed: str | None, verdict: str
) -> None:
    minutes = spark.createDataFrame(
        [] if streamed is None else [("2026-01-01 10:00:00", "north", streamed)],
        "minute string, region string, revenue string",
    ).selectExpr("CAST(minute AS timestamp) minute", "region", "CAST(revenue AS decimal(22,2)) revenue")
    sales = spark.sql("SELECT DATE '2026-01-01' day, 'north' region, CAST(100 AS decimal(12,2)) net")
    [row] = analytics.reconcile.compare(minutes, sales).collect()
    assert row.verdict == verdict


def test_history_of_customers(spark: SparkSession, tmp_path: Path, analytics: Any) -> None:
    customers, schema = analytics.customers, analytics.schema
    place = schema.Place(tmp_path)
    customers.customers(spark, place, NOW).awaitTermination()

    def apply(*changes: tuple[str, str, int]) -> list[tuple]:
        rows = [(user, user, "", segment, minute * 60_000) for user, segment, minute in changes]
        frame = spark.createDataFrame(rows, schema.CUSTOMER)
        for _ in range(2):  # A repeated batch changes nothing.
            customers.apply_changes(frame, place)
        table = schema.read_table(spark, place, "customers").orderBy("user_id", "valid_from")
        return [
            (
                row.user_id,
                row.segment,
                row.valid_from.minute,
                row.valid_to and row.valid_to.minute,
                row.current,
            )
            for row in table.collect()
        ]

    assert apply(("ada", "new", 1), ("ada", "regular", 5), ("bob", "new", 2)) == [
        ("ada", "new", 1, 5, False),
        ("ada", "regular", 5, None, True),
        ("bob", "new", 2, None, True),
    ]
    assert apply(("ada", "premium", 9), ("ada", "regular", 5), ("cleo", "new", 3)) == [
        ("ada", "new", 1, 5, False),
        ("ada", "regular", 5, 9, False),
        ("ada", "premium", 9, None, True),
        ("bob", "new", 2, None, True),
        ("cleo", "new", 3, None, True),
    ]


def bought(ts: int, amount: float = 20.0) -> tuple[int, str, float]:
    return ts, "purchase", amount


def failed(ts: int) -> tuple[int, str, float]:
    return ts, "login_failed", 0.0


@pytest.mark.parametrize(
    ("events", "rules"),
    [
        ([bought(0), bought(1), bought(2), bought(299_999)], {"rapid": 299_999}),
        ([bought(0), bought(1), bought(2), bought(300_000)], {}),
        ([bought(0, 501), bought(1, 501), bought(2, 501)], {"large": 2}),
        ([bought(0, 500), bought(1, 501), bought(2, 501)], {}),
        ([failed(0), failed(1), failed(2), bought(3)], {"stolen": 3}),
        ([failed(0), failed(1), failed(2)], {}),
        ([bought(0), failed(1), failed(2), failed(3)], {}),
    ],
)
def test_fraud_rules_at_their_limits(analytics: Any, events: list, rules: dict[str, int]) -> None:
    assert analytics.fraud.broken(events) == rules


def test_a_proof_that_differs_says_where(analytics: Any) -> None:
    check = analytics.proof.Check("sales", {("a",): (1,)}, {("a",): (1,)}, {("a",): (2,), ("b",): (1,)})
    assert not check.equal
    assert check.differences() == ["('a',): [(1,), (1,), (2,)]", "('b',): [None, None, (1,)]"]
    assert not analytics.proof.Check("nothing", {}, {}, {}).equal
