"""The shop's program run to the end: what was streamed equals the batch answer, also after a restart."""

from pathlib import Path

import pytest
from check import Verdict, verify
from generator import EventFolder
from pipeline import bronze, gold, silver
from pyspark.sql import SparkSession

NOW = {"availableNow": True}


def stream(spark: SparkSession, data: Path) -> int:
    """Everything there is, through all three queries; gold's last batch."""
    batch_id = -1
    for start in (bronze, silver, gold):
        query = start(spark, data, NOW)
        query.awaitTermination()
        progress = query.lastProgress
        batch_id = -1 if progress is None else progress["batchId"]
    return batch_id


def drop(data: Path, files: int) -> None:
    folder = EventFolder(data / "landing", data / "generator.json")
    for _ in range(files):
        folder.drop(700)


def test_streamed_gold_equals_the_batch_answer_before_and_after_a_restart(
    spark: SparkSession, tmp_path: Path
) -> None:
    for _ in range(2):
        drop(tmp_path, files=3)
        verdict = verify(spark, tmp_path, stream(spark, tmp_path))
        assert verdict.equal, verdict.differences[:3]
    assert len(verdict.batch) == 3 * (2 * 3 * 700 // 600)


def test_the_pipeline_sees_every_event_once_and_only_products_on_sale(
    spark: SparkSession, tmp_path: Path
) -> None:
    drop(tmp_path, files=3)
    stream(spark, tmp_path)
    silver_rows = spark.read.parquet(str(tmp_path / "silver"))
    assert silver_rows.count() == silver_rows.select("event_id").distinct().count()
    assert silver_rows.where("product_id = 'product_50'").count() == 0
    assert spark.read.parquet(str(tmp_path / "bronze")).count() > silver_rows.count()


@pytest.mark.parametrize("wrong", ["a row is missing", "a row is off by a cent", "there is no row at all"])
def test_the_proof_notices_what_is_wrong(spark: SparkSession, tmp_path: Path, wrong: str) -> None:
    drop(tmp_path, files=1)
    right = verify(spark, tmp_path, stream(spark, tmp_path)).batch
    first, *others = right
    off = type(first)(**{**first.asDict(), "revenue": first.revenue + type(first.revenue)("0.01")})
    answers = {
        "a row is missing": Verdict(others, right),
        "a row is off by a cent": Verdict([off, *others], right),
        "there is no row at all": Verdict([], []),
    }
    assert not answers[wrong].equal
    assert Verdict(right, right).equal
