"""The taxi predictor: trips with causes, three models, scored arrivals, and warnings."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

TRIPS, TREES = 4000, 5


@pytest.fixture(scope="module")
def data(taxi, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with trips to learn from."""
    folder = tmp_path_factory.mktemp("taxi")
    taxi.generator.write(folder / "trips.parquet", TRIPS)
    return folder


def test_the_same_seed_gives_the_same_trips(taxi):
    first, again = (pa.concat_tables(taxi.generator.trips(1000)) for _ in range(2))
    assert first.equals(again)
    assert first.num_rows == 1000
    other = pa.concat_tables(taxi.generator.trips(1000, seed=7))
    assert not first.equals(other)


def test_models_are_compared_and_arrivals_scored(taxi, spark: SparkSession, data: Path, capsys):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    scores = taxi.training.run(spark, data, TREES)
    assert scores[-1].name == "linear"
    assert scores[0].rmse < 8
    assert scores[0].rmse < 0.9 * scores[-1].rmse

    (data / "arriving").mkdir()
    arriving = next(taxi.generator.trips(200, seed=7))
    pq.write_table(arriving, data / "arriving" / "a.parquet")
    taxi.streaming.start_scoring(spark, data).awaitTermination()
    scored = spark.read.parquet(str(data / "scored"))
    found = scored.selectExpr("count(*)", "bool_and(low <= prediction AND prediction <= high)").collect()[0]
    assert 190 <= found[0] <= 200
    assert found[1]

    column = arriving.schema.get_field_index("passenger_count")
    nobody = arriving.set_column(column, arriving.schema.field(column), pa.nulls(200, pa.int32()))
    pq.write_table(nobody, data / "arriving" / "b.parquet")
    taxi.streaming.start_watching(spark, data).awaitTermination()
    (report,) = spark.read.json(str(data / "health")).collect()
    assert (report.batch, report.trips) == (0, 400)
    assert 200 <= report.invalid <= 210
    assert "not plausible" in report.warnings[0]
    assert "WARNING batch 0" in capsys.readouterr().out


def test_pandas_sees_the_same_trips(taxi, spark: SparkSession, data: Path):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    features, minutes, _ = taxi.pandas_trips.features_and_label(data / "trips.parquet")
    frame = taxi.trips.labelled(spark.read.parquet(str(data / "trips.parquet")))
    sums = frame.selectExpr("count(*)", "sum(distance_km)", "sum(weekday)", "sum(duration_min)").collect()[0]
    assert sums[0] == len(features)
    assert sums[1] == pytest.approx(features[:, 0].sum())
    assert sums[2] == features[:, 4].sum()
    assert sums[3] == pytest.approx(minutes.sum())
