"""The leads platform: data with a signal, its ETL, the lake, the scored stream and the running sales."""

import csv
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

NOW = {"availableNow": True}
START = datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def utc(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.shuffle.partitions", "2")


def area_under_curve(scores: np.ndarray, labels: np.ndarray) -> float:
    ranks = scores.argsort().argsort() + 1
    positives = int(labels.sum())
    above = ranks[labels == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(labels) - positives)))


def test_the_labels_can_be_learned_but_not_known(leads: Any) -> None:
    generator = leads.generator
    _, age, salary, visits, action, converted = map(np.array, zip(*generator.leads(20_000), strict=True))
    actions = np.array([generator.ACTIONS.index(name) for name in action])
    known = generator.conversion_probability(age, salary, visits, actions)
    assert 0.86 < area_under_curve(known, converted) < 0.9
    assert 0.37 < converted.mean() < 0.41


def test_the_file_is_the_same_every_time_and_longer_ones_begin_alike(leads: Any) -> None:
    lines = list(leads.generator.lines(1000))
    assert lines == list(leads.generator.lines(1000))
    assert lines == list(leads.generator.lines(1500))[: len(lines)]
    assert len([line for line in lines if line[0] != "NA"]) == 1000
    assert any(line[0] == "NA" for line in lines)
    assert all(len(line) == 6 for line in lines)


@pytest.mark.parametrize("file_format", ["parquet", "delta"])
def test_the_etl_cleans_bands_and_partitions(
    spark: SparkSession, tmp_path: Path, leads: Any, file_format: str
) -> None:
    source, target = tmp_path / "leads.csv", tmp_path / "leads"
    leads.generator.write(source, 500, blemishes=0.1)
    table = leads.etl.run(spark, str(source), str(target), file_format)
    lines = [line for line in list(csv.reader(source.open()))[1:] if line[0] != "NA"]

    def number(text: str) -> int:
        return 0 if text == "NA" else int(text)

    def band(salary: str) -> str:
        if salary == "NA":
            return "Unknown"
        return "Low" if int(salary) < 30_000 else "Medium" if int(salary) < 70_000 else "High"

    expected = [
        (int(i), number(age), number(salary), number(visits), action.strip(), int(converted), band(salary))
        for i, age, salary, visits, action, converted in lines
    ]
    columns = ("id", "age", "salary", "web_visits", "last_action", "converted", "salary_range")
    assert sorted(map(tuple, table.select(*columns).collect())) == sorted(expected)
    assert {band for *_, band in expected} == {"Low", "Medium", "High", "Unknown"}
    assert {path.name for path in target.glob("salary_range=*")} == {
        f"salary_range={name}" for name in ("Low", "Medium", "High", "Unknown")
    }


def test_one_partition_of_ten(spark: SparkSession, tmp_path: Path, leads: Any) -> None:
    table = leads.etl.big(spark, 1000, str(tmp_path / "big"))
    assert (table.count(), table.where("category = 'category_3'").count()) == (1000, 100)


def test_the_lake_gives_one_answer_whichever_way_orders_come_in(
    spark: SparkSession, tmp_path: Path, leads: Any, capsys: Any
) -> None:
    pytest.importorskip("delta.tables")
    lake = leads.lake
    for _ in range(2):  # Run again, it changes nothing.
        lake.show_all_ways(spark, tmp_path / "landing", str(tmp_path))
        orders = {each["order_id"]: each for day in (1, 2, 3) for each in lake.orders_of(day)}
        paid = [each for each in orders.values() if each["status"] == "completed" and each["amount"] > 0]
        answer = spark.read.format("delta").load(str(tmp_path / "gold")).collect()
        assert {row.category: row.orders for row in answer} == {
            name: sum(each["category"] == name for each in paid) for name in lake.CATEGORIES
        }
        revenue = sum(each["amount"] for each in paid)
        assert sum(row.revenue for row in answer) == pytest.approx(revenue, abs=0.02)


@pytest.mark.parametrize(
    ("second", "reason"), [({"order_id": 1}, "50.00% of 2 orders"), ({"age": 121}, "1 ages are outside")]
)
def test_the_gate_lets_nothing_through(
    spark: SparkSession, tmp_path: Path, leads: Any, second: dict, reason: str
) -> None:
    good = {"order_id": 1, "category": "books", "amount": 1.0, "status": "completed", "age": 30}
    landing = tmp_path / "orders.json"
    landing.write_text("\n".join(map(json.dumps, [good, good | {"order_id": 2} | second])))
    with pytest.raises(leads.lake.QualityError, match=reason):
        leads.lake.full_load(spark.read.schema(leads.lake.ORDER).json(str(landing)), str(tmp_path / "lake"))
    assert not (tmp_path / "lake").exists()


def scored(spark: SparkSession, data: Path, leads: Any, total: int) -> Any:
    leads.events.produce(leads.events.to_folder(data / "events"), rate=5, total=total, start=START)
    return leads.streaming.Place(data)


def test_every_lead_reaches_every_sink_once(
    spark: SparkSession, tmp_path: Path, leads: Any, capsys: Any
) -> None:
    streaming = leads.streaming
    place = scored(spark, tmp_path, leads, 120)
    for _ in range(2):  # The second run finds nothing new.
        stream = streaming.scored_leads(spark, place)
        for sink, _ in streaming.SINKS.values():
            sink(stream, place, NOW).awaitTermination()
    rows = spark.read.parquet(str(tmp_path / "scored")).collect()
    assert sorted(row.lead_id for row in rows) == sorted(f"lead_{n}" for n in range(1, 121))
    hot = {row.lead_id for row in rows if row.conversion_probability >= 0.7}
    alerts = spark.read.schema("lead_id string").json(str(tmp_path / "alerts")).collect()
    assert {row.lead_id for row in alerts} == hot
    assert 0 < len(hot) < 120
    with sqlite3.connect(tmp_path / "leads.db") as database:
        saved = database.execute(
            "SELECT lead_id, predicted_conversion, conversion_probability FROM lead_predictions"
        ).fetchall()
    assert sorted(saved) == sorted(
        (row.lead_id, row.predicted_conversion, row.conversion_probability) for row in rows
    )
    assert "|2026-01-01 10:00:00|hot " in capsys.readouterr().out


def test_another_model_takes_the_place_of_the_scorecard(
    spark: SparkSession, tmp_path: Path, leads: Any
) -> None:
    def certain(enriched: Any) -> Any:
        assert {"salary_band", "visit_band"} <= set(enriched.columns)
        return enriched.selectExpr("*", "1.0D AS conversion_probability", "1 AS predicted_conversion")

    place = scored(spark, tmp_path, leads, 5)
    leads.streaming.to_parquet(
        leads.streaming.scored_leads(spark, place, certain), place, NOW
    ).awaitTermination()
    rows = spark.read.parquet(str(tmp_path / "scored")).collect()
    assert [row.segment for row in rows] == ["hot"] * 5


def sales_answer(spark: SparkSession, folder: Path, leads: Any, name: str) -> list[Any]:
    stream = leads.sales.from_folder(spark, str(folder))
    leads.sales.start(stream, name, "memory", NOW).awaitTermination()
    return spark.table(name).collect()


def test_running_sales(spark: SparkSession, tmp_path: Path, leads: Any) -> None:
    leads.sales_feed.to_folder(tmp_path, 1000)
    sold = list(leads.sales_feed.sales(1000))
    revenue = sum(round(100 * each["amount"]) * each["quantity"] for each in sold)

    def cents(rows: list[Any]) -> int:
        return sum(int(100 * row.revenue) for row in rows)

    minutes = sales_answer(spark, tmp_path, leads, "tumbling")
    assert ([row.sales for row in minutes], cents(minutes)) == ([120] * 8 + [40], revenue)
    assert cents(sales_answer(spark, tmp_path, leads, "sliding")) == 4 * revenue
    assert cents(sales_answer(spark, tmp_path, leads, "totals")) == revenue
    customers = sales_answer(spark, tmp_path, leads, "customers")
    assert (cents(customers), len(customers)) == (revenue, leads.sales_feed.CUSTOMERS)

    too_dear = {
        each["transaction_id"]
        for each in sold
        if each["amount"] > 2 * leads.sales_feed.PRODUCTS[each["product"]][1]
    }
    found = {row.transaction_id for row in sales_answer(spark, tmp_path, leads, "anomalies")}
    assert found
    assert found <= too_dear
